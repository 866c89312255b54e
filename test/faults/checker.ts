// What must hold after every fault, whatever was answered: the letters are those of security.md section 3.

import { setTimeout as delay } from 'node:timers/promises';
import type { Appointment, Bundle, ChargeItem, Invoice, Observation, Patient, Resource } from '@medplum/fhirtypes';
import { holdsTime } from '../../src/clinic/scheduling/appointment-status.ts';
import type { FaultBed, FaultClient } from './bed.ts';
import { attempt, type Intent, markerSystem } from './load.ts';

const lanes = 8;
const settleMs = 30_000;
/** The sweeper publishes again within a second here, and a job takes milliseconds. */
const drainMsUsual = 60_000;
/** Those that a dead process has left are five seconds old when they are looked for. */
const expandMs = 30_000;

/**
 * The fault is over. Unanswered intents are looked at and then sent again, as a client would, until they are answered; then
 * everything is checked. Gives what is wrong, one line each.
 */
export async function findProblems(
  bed: FaultBed,
  intents: readonly Intent[],
  { drainMs = drainMsUsual }: { readonly drainMs?: number } = {},
): Promise<string[]> {
  const problems = [await forEach(intents, settle), await findUndone(bed, drainMs)];
  for (const client of [bed.a, bed.b]) {
    const own = intents.filter((intent) => intent.client === client);
    const stored = await readAll(client);
    problems.push(await forEach(own, findUnreadable), findNotWhole(own, stored));
    problems.push(findWrongInvoices(stored), findOverlaps(stored), await findWrongBookings(bed, client, stored));
    problems.push(await findStrangers(bed, client, own));
  }
  problems.push(await findUnaudited(bed), await findUnexpanded(bed));
  return problems.flat();
}

/** b: what was not acknowledged is wholly there or not at all; sending it again is acknowledged, and is one effect. */
async function settle(intent: Intent): Promise<string[]> {
  if (intent.answer) return [];
  const problems: string[] = [];
  if (intent.method === 'POST') {
    const there = await countMarked(intent);
    if (there !== 0 && there !== intent.size) {
      problems.push(`b: of ${intent.what} ${intent.marker} ${there} of ${intent.size} resources are there`);
    }
  }
  for (const end = Date.now() + settleMs; !intent.answer && Date.now() < end; await delay(20)) await attempt(intent);
  if (!intent.answer) problems.push(`b: ${intent.what} ${intent.marker} gets no answer: ${intent.attempts.join(' ')}`);
  return problems;
}

/** Through the search index, which must be as whole as the resources. */
async function countMarked({ client, marker, what }: Intent): Promise<number> {
  const query = `&identifier=${markerSystem}|${marker}`;
  if (what === 'visit') return (await client.all<Appointment>('Appointment', query)).length;
  const [patients, observations] = [
    await client.all<Patient>('Patient', query),
    what === 'bundle' ? await client.all<Observation>('Observation', query) : [],
  ];
  return patients.length + observations.length;
}

interface Stored {
  readonly patients: readonly Patient[];
  readonly observations: readonly Observation[];
  readonly appointments: readonly (Appointment & { readonly id: string })[];
  readonly invoices: readonly Invoice[];
  readonly chargeItems: readonly ChargeItem[];
}

async function readAll(client: FaultClient): Promise<Stored> {
  return {
    patients: await client.all<Patient>('Patient'),
    observations: await client.all<Observation>('Observation'),
    appointments: await client.all<Appointment>('Appointment'),
    invoices: await client.all<Invoice>('Invoice'),
    chargeItems: await client.all<ChargeItem>('ChargeItem'),
  };
}

/** a: every acknowledged version is there, as it was acknowledged. */
async function findUnreadable({ client, answer, what, marker }: Intent): Promise<string[]> {
  if (!answer || answer.status >= 300) return [];
  const resources: Resource[] =
    what === 'bundle' ? (answer.json as Bundle).entry!.map(({ resource }) => resource!) : [answer.json];
  const problems: string[] = [];
  for (const resource of resources) {
    const path = `/${resource.resourceType}/${resource.id}/_history/${resource.meta?.versionId}`;
    const version = await client.request('GET', path);
    if (version.status !== 200) {
      problems.push(`a: ${what} ${marker}: ${path} is answered ${version.status}: ${JSON.stringify(version.json)}`);
    } else if (JSON.stringify(version.json) !== JSON.stringify(resource)) {
      problems.push(`a: ${what} ${marker}: ${path} is not what was acknowledged`);
    }
  }
  return problems;
}

/** b: an acknowledged intent is there once, a refused one not at all. */
function findNotWhole(intents: readonly Intent[], { patients, observations, appointments }: Stored): string[] {
  const counts = new Map<string, number>();
  for (const { identifier } of [...patients, ...observations, ...appointments]) {
    const marker = identifier?.find(({ system }) => system === markerSystem)?.value;
    if (marker !== undefined) counts.set(marker, (counts.get(marker) ?? 0) + 1);
  }
  return intents.flatMap(({ what, marker, size, answer }) => {
    const expected = answer && answer.status < 300 ? size : 0;
    const found = counts.get(marker) ?? 0;
    return what === 'fulfil' || found === expected
      ? []
      : [`b: ${what} ${marker} (${answer?.status}) is there ${found} times and not ${expected}`];
  });
}

/** d: every fulfilled Appointment has one draft Invoice and one ChargeItem, and nothing else has. */
function findWrongInvoices({ appointments, invoices, chargeItems }: Stored): string[] {
  const fulfilled = appointments.filter(({ status }) => status === 'fulfilled').map(({ id }) => id);
  const billed = invoices.map(({ identifier }) => identifier?.find(isAutomatic)?.value ?? 'by hand');
  const charged = chargeItems.map(({ supportingInformation: [of] = [] }) => of?.reference?.split('/')[1] ?? '');
  const drafts = invoices.filter(({ status }) => status === 'draft');
  return [
    ...differences('d: Invoices', billed, fulfilled),
    ...differences('d: ChargeItems', charged, fulfilled),
    ...(drafts.length === invoices.length ? [] : ['d: an Invoice is no draft']),
  ];
}

function isAutomatic({ system }: { system?: string }): boolean {
  return system === 'https://hpms.example/fhir/sid/auto-invoice';
}

function differences(what: string, found: readonly string[], expected: readonly string[]): string[] {
  const [there, wanted] = [new Set(found), new Set(expected)];
  const seen = new Set<string>();
  const twice = found.filter((one) => seen.size === seen.add(one).size);
  const missing = expected.filter((one) => !there.has(one));
  const added = found.filter((one) => !wanted.has(one));
  const groups = { twice, missing, added };
  return Object.entries(groups).flatMap(([kind, ids]) =>
    ids.length === 0 ? [] : [`${what} ${kind}: ${ids.length}, such as ${ids[0]}`],
  );
}

/** e: one AuditEvent per version that was ever written, in its transaction; and what was noted of reads becomes AuditEvents. */
async function findUnaudited(bed: FaultBed): Promise<string[]> {
  const rows = await bed.sql<{ tenant: number; versions: number; audits: number }>(`
    SELECT tenant.id AS tenant,
      (SELECT count(*)::int FROM store.resource WHERE tenant_id = tenant.id)
        + (SELECT count(*)::int FROM store.history WHERE tenant_id = tenant.id) AS versions,
      (SELECT count(*)::int FROM store.audit_event AS event WHERE tenant_id = tenant.id AND tx IN (
        SELECT tx FROM store.resource WHERE tenant_id = tenant.id
        UNION SELECT tx FROM store.history WHERE tenant_id = tenant.id)) AS audits
    FROM store.tenant`);
  return rows
    .filter(({ versions, audits }) => versions !== audits)
    .map(({ tenant, versions, audits }) => `e: tenant ${tenant} has ${versions} versions and ${audits} AuditEvents`);
}

/** e: what was answered is an AuditEvent, also where its process died before it made that. */
async function findUnexpanded(bed: FaultBed): Promise<string[]> {
  for (const end = Date.now() + expandMs; Date.now() < end; await delay(100)) {
    const [left] = await bed.sql<{ count: number }>('SELECT count(*)::int FROM store.access_block');
    if (left?.count === 0) return [];
  }
  return ['e: blocks of accesses are left that are no AuditEvents'];
}

/** f: no event stays undone. */
async function findUndone(bed: FaultBed, drainMs: number): Promise<string[]> {
  let states = '';
  for (const end = Date.now() + drainMs; Date.now() < end; await delay(50)) {
    const rows = await bed.sql<{ status: string; count: number }>(
      "SELECT status, count(*)::int FROM store.outbox WHERE status <> 'done' GROUP BY status ORDER BY status",
    );
    states = rows.map(({ status, count }) => `${count} ${status}`).join(', ');
    if (states === '') return [];
  }
  return [`f: the outbox still has ${states}`];
}

/** g: nobody is in two places at a time, by what the Appointments say. */
function findOverlaps({ appointments }: Stored): string[] {
  const busy = appointments
    .flatMap((appointment) => heldBy(appointment))
    .sort((a, b) => a.actor.localeCompare(b.actor) || a.start - b.start);
  return busy.flatMap(({ id, actor, end }, index) => {
    const next = busy[index + 1];
    const meets = next?.actor === actor && next.start < end;
    return meets ? [`g: ${actor} is in ${id} and ${next.id} at a time`] : [];
  });
}

interface HeldTime {
  readonly id: string;
  readonly actor: string;
  readonly start: number;
  readonly end: number;
}

function heldBy({ id, status, start = '', end = '', participant }: Stored['appointments'][number]): HeldTime[] {
  if (!holdsTime(status)) return [];
  const actors = participant.map(({ actor }) => actor?.reference ?? '');
  return actors
    .filter((actor) => actor.startsWith('Practitioner/'))
    .map((actor) => ({ id, actor, start: Date.parse(start), end: Date.parse(end) }));
}

/** g: the rows that keep others out say what the Appointments say. */
async function findWrongBookings(
  bed: FaultBed,
  { tenantId }: FaultClient,
  { appointments }: Stored,
): Promise<string[]> {
  const rows = await bed.sql<{ id: string; actor: string; start: Date; end: Date }>(
    `SELECT appointment_id AS id, actor_type || '/' || actor_id AS actor, lower(period) AS start, upper(period) AS end
     FROM store.booking WHERE tenant_id = $1`,
    [tenantId],
  );
  const textOf = ({ id, actor, start, end }: HeldTime) => `${id} ${actor} ${start} ${end}`;
  const stored = rows.map((row) => textOf({ ...row, start: row.start.getTime(), end: row.end.getTime() }));
  return differences('g: booking rows', stored, appointments.flatMap(heldBy).map(textOf));
}

/** h: no row belongs to anybody else, and the neighbour finds none of it. */
async function findStrangers(bed: FaultBed, client: FaultClient, intents: readonly Intent[]): Promise<string[]> {
  const neighbour = client === bed.a ? bed.b : bed.a;
  const made = intents
    .filter(({ answer, what }) => answer?.status === 201 && what !== 'bundle')
    .map(({ answer }) => answer!.json as Resource & { readonly id: string });
  const rows = await bed.sql<{ id: string }>(
    'SELECT id FROM store.resource WHERE id = ANY($1) AND tenant_id <> $2 UNION ALL SELECT id FROM store.history WHERE id = ANY($1) AND tenant_id <> $2',
    [made.map(({ id }) => id), client.tenantId],
  );
  const problems = rows.map(({ id }) => `h: ${id} of ${client.name} stands in another tenant`);
  for (const { resourceType, id } of made.slice(-5)) {
    const { status } = await neighbour.request('GET', `/${resourceType}/${id}`);
    if (status !== 404)
      problems.push(`h: ${neighbour.name} gets ${status} for ${resourceType}/${id} of ${client.name}`);
  }
  return problems;
}

async function forEach(intents: readonly Intent[], look: (intent: Intent) => Promise<string[]>): Promise<string[]> {
  const problems: string[] = [];
  const left = intents.values();
  const lane = async () => {
    for (const intent of left) problems.push(...(await look(intent)));
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return problems;
}

/** Statuses of all attempts and how often each came, for the report of a run. */
export function countStatuses(intents: readonly Intent[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const status of intents.flatMap(({ attempts }) => attempts)) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
