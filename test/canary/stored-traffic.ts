// What a clinic does with a person's resources, by every way of writing, until the visit is billed; and that it can read them again.

import type { Appointment, Resource } from '@medplum/fhirtypes';
import { openDoors } from '../../src/doors.ts';
import { createAccount, findAccountByEmail } from '../../src/people/accounts.ts';
import { createClient } from '../../src/people/clients.ts';
import { buildObservation, buildPatient, buildTransaction } from '../support/builders.ts';
import { fetchToken, send, type TestResponse } from '../support/server.ts';
import type { Canaries } from './canaries.ts';
import { chartAppointment, chartBinary, chartLetter, chartObservation, chartPatient, chartRecording } from './chart.ts';
import { type Hpms, until } from './hpms.ts';

export type Request = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<TestResponse>;

export interface StoredTraffic {
  /** Everything that was read back, as one text. */
  readonly readBack: string;
  readonly patient: string;
  readonly invoice: Resource;
  readonly auditEvents: number;
}

/** With a token of the client that `makePeople` made. */
export function openRequest(hpms: Hpms, token: string): Request {
  const base = `${hpms.origin}/t/${hpms.facts.tenant}/fhir`;
  return (method, path, body, headers = {}) =>
    send(base + path, method, body, { Authorization: `Bearer ${token}`, ...headers });
}

/** A staff account and an API client whose token it gives, and that both can be read again; the client then writes everything. */
export async function makePeople(hpms: Hpms, canary: Canaries): Promise<string> {
  const doors = openDoors({ ...hpms, onIdleError: () => undefined });
  try {
    const { tenant } = hpms.facts;
    const [row] = await doors.systemDoor((trx) =>
      trx.query<{ id: number }>({ text: 'SELECT id FROM tenant WHERE name = $1', values: [tenant] }),
    );
    const cipher = await doors.keyRing.cipherOf(row!.id);
    const email = `${canary.accountEmail}@Example.org`;
    const account = { email, name: canary.accountName, roles: ['nurse'] };
    const registration = { grantTypes: ['client_credentials'], scope: 'system/*.cruds', roles: ['clinic-admin'] };
    const client = await doors.tenantDoor(row!.id, async (trx) => {
      await createAccount(trx, cipher, account);
      return createClient(trx, cipher, { ...registration, name: canary.clientName });
    });
    const again = doors.tenantDoor(row!.id, (trx) => createAccount(trx, cipher, account));
    if (!(await again.catch(String)).toString().includes('already an account')) throw new Error('Two accounts.');
    const found = await doors.tenantDoor(row!.id, (trx) => findAccountByEmail(trx, cipher, email));
    if (found?.name !== canary.accountName) throw new Error('The account cannot be read again.');
    const failing = { text: 'SELECT $1::text::integer', values: [canary.sqlValue] };
    await doors.tenantDoor(row!.id, (trx) => trx.query(failing)).catch(() => undefined);
    return await fetchToken(hpms.origin, tenant, client.clientId, client.clientSecret);
  } finally {
    await doors.close();
  }
}

/** `plainId` is the id of a further Patient, as a client chooses it. */
export async function fillClinic(request: Request, canary: Canaries, plainId: string): Promise<StoredTraffic> {
  const write = async (method: string, path: string, body: unknown, headers?: Record<string, string>) => {
    const answer = await request(method, path, body, headers);
    if (answer.status !== 200 && answer.status !== 201) throw new Error(`${method} ${path}: ${answer.text}`);
    return answer;
  };
  const patient = `Patient/${(await write('POST', '/Patient', chartPatient(canary))).json.id}`;
  // At once, so that the key of all but one is refused by the database, which then quotes it.
  const chosen = { ...buildPatient(), id: plainId };
  await Promise.all(Array.from({ length: 8 }, () => write('PUT', `/Patient/${plainId}`, chosen)));
  for (const resource of [
    chartObservation(canary, patient),
    chartBinary(canary),
    chartLetter(canary, patient),
    chartRecording(canary, patient),
  ]) {
    await write('POST', `/${resource.resourceType}`, resource);
  }
  await changeChart(write, canary, patient);
  await sendBundles(write, canary);
  const repeated = buildPatient({ name: [{ family: canary.repeatedFamily }] });
  for (const _ of [1, 2]) await write('POST', '/Patient', repeated, { 'Idempotency-Key': canary.idempotencyKey });
  const deleted = await deletePerson(request, canary);
  const visit = await haveVisit(write, request, canary, patient);
  return { patient, ...visit, readBack: deleted + (await readEverything(request)) };
}

type Write = (method: string, path: string, body: unknown, headers?: Record<string, string>) => Promise<TestResponse>;

/** History keeps what was there before. */
async function changeChart(write: Write, canary: Canaries, patient: string): Promise<void> {
  const changed = { ...chartPatient(canary), id: patient.slice('Patient/'.length) };
  await write('PUT', `/${patient}`, { ...changed, name: [{ family: canary.changedFamily }] }, { 'If-Match': 'W/"1"' });
  const operations = [{ op: 'add', path: '/name/0/given', value: [canary.patchedGiven] }];
  await write('PATCH', `/${patient}`, operations, { 'Content-Type': 'application/json-patch+json' });
}

async function sendBundles(write: Write, canary: Canaries): Promise<void> {
  const id = crypto.randomUUID();
  const transaction = buildTransaction([
    buildPatient({ id, name: [{ family: canary.bundleFamily }] }),
    buildObservation(`urn:uuid:${id}`, { note: [{ text: canary.bundleNote }] }),
  ]);
  await write('POST', '', transaction);
  const good = buildTransaction([buildPatient({ name: [{ family: canary.batchFamily }] })]).entry;
  const bad = buildTransaction([{ ...buildPatient(), [canary.unknownElement]: canary.wrongType }]).entry;
  const { json } = await write('POST', '', { resourceType: 'Bundle', type: 'batch', entry: [...good!, ...bad!] });
  const statuses = json.entry.map((entry: { response: { status: string } }) => entry.response.status.slice(0, 3));
  if (statuses.join() !== '201,400' && statuses.join() !== '201,422') throw new Error(`The batch: ${statuses}`);
}

/** Gives the history, in which the person is still there. */
async function deletePerson(request: Request, canary: Canaries): Promise<string> {
  const { json } = await request('POST', '/Patient', buildPatient({ name: [{ family: canary.deletedFamily }] }));
  await request('DELETE', `/Patient/${json.id}`);
  const gone = await request('GET', `/Patient/${json.id}`);
  if (gone.status !== 410) throw new Error(`The deleted Patient: ${gone.status}`);
  return (await request('GET', `/Patient/${json.id}/_history`)).text;
}

/** domain.md 3.6: booked, arrived, fulfilled, and the queue makes the Invoice. */
async function haveVisit(write: Write, request: Request, canary: Canaries, patient: string) {
  const booked = await write('POST', '/Appointment', chartAppointment(canary, patient));
  const appointment = booked.json as Appointment;
  for (const status of ['arrived', 'fulfilled']) {
    await write('PUT', `/Appointment/${appointment.id}`, { ...appointment, status });
  }
  let invoice: Resource | undefined;
  await until(async () => {
    const { json } = await request('GET', `/Invoice?subject=${patient}`);
    invoice = json.entry?.[0]?.resource;
    return invoice !== undefined;
  });
  const events = await request('GET', `/AuditEvent?patient=${patient}&_count=1000`);
  return { invoice: invoice!, auditEvents: events.json.entry.length as number };
}

async function readEverything(request: Request): Promise<string> {
  const texts: string[] = [];
  for (const type of [
    'Patient',
    'Observation',
    'Binary',
    'DocumentReference',
    'Appointment',
    'Invoice',
    'AuditEvent',
  ]) {
    const { json, text } = await request('GET', `/${type}?_count=1000`);
    texts.push(text);
    for (const { resource } of json.entry ?? []) {
      if (type === 'Patient') texts.push((await request('GET', `/Patient/${resource.id}/_history`)).text);
    }
  }
  return texts.join('\n');
}
