// Two records of one person become one, and may be two again: domain.md `$merge`, section 6 "Patient merge", D12.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Bundle, OperationOutcome, Parameters, Patient, Resource, Task } from '@medplum/fhirtypes';
import { buildAppointment, buildObservation } from '../support/builders.ts';
import {
  fetchToken,
  send,
  startTestServer,
  type TestResponse,
  type TestServer,
  type TestTenant,
} from '../support/server.ts';

let server: TestServer;
let a: TestTenant;

beforeAll(async () => {
  server = await startTestServer();
  a = server.a;
  const url = `${server.origin}/t/${a.name}/admin/settings/patients.check-duplicates`;
  const headers = { Authorization: `Bearer ${a.token}`, 'Content-Type': 'application/json' };
  expect((await send(url, 'PUT', { value: true }, headers)).status).toBe(200);
});
afterAll(() => server.close());

let people = 0;
async function register(overrides: Partial<Patient> = {}, tenant = a): Promise<string> {
  people += 1;
  return await post(
    { resourceType: 'Patient', active: true, name: [{ family: `Merge${people}x` }], ...overrides },
    tenant,
  );
}

async function post(resource: Resource, tenant = a): Promise<string> {
  const { status, json } = await tenant.request('POST', `/${resource.resourceType}`, resource);
  expect([status, json.issue]).toEqual([201, undefined]);
  return json.id;
}

async function read<T extends Resource>(reference: string): Promise<T> {
  const { status, json } = await a.request('GET', `/${reference}`);
  expect(status).toBe(200);
  return json;
}

type Input = NonNullable<Parameters['parameter']>[number];
const named = (name: string, id: string): Input => ({ name, valueReference: { reference: `Patient/${id}` } });

async function merge(source: string, target: string, ...further: Input[]): Promise<TestResponse> {
  const parameter = [named('source-patient', source), named('target-patient', target), ...further];
  return await a.request('POST', '/Patient/$merge', { resourceType: 'Parameters', parameter });
}

async function undo(task: string): Promise<TestResponse> {
  const parameter = [{ name: 'task', valueReference: { reference: `Task/${task}` } }];
  return await a.request('POST', '/Patient/$merge-undo', { resourceType: 'Parameters', parameter });
}

function outputOf<T extends Resource>({ json }: TestResponse, name: string): T {
  return (json as Parameters).parameter?.find((one) => one.name === name)?.resource as T;
}

async function observationsOf(patient: string): Promise<string[]> {
  const { json } = await a.request('GET', `/Patient/${patient}/Observation?_count=1000`);
  return ((json as Bundle).entry ?? []).map(({ resource }) => resource?.id ?? '').sort();
}

describe('$merge', () => {
  test('lets everything be about the target, and the source point to it', async () => {
    const source = await register({ identifier: [{ system: 'https://x.example', value: 'old-1' }] });
    const target = await register({ identifier: [{ system: 'https://x.example', value: 'new-1' }] });
    const observation = await post(buildObservation(`Patient/${source}`));
    const appointment = await post(buildAppointment(`Patient/${source}`, 'Practitioner/merge-none'));
    const untouched = await post(buildObservation(`Patient/${target}`));
    const response = await merge(source, target);
    expect([response.status, response.json.issue]).toEqual([200, undefined]);
    const result = outputOf<Patient>(response, 'result');
    expect(result).toMatchObject({
      id: target,
      link: [{ other: { reference: `Patient/${source}` }, type: 'replaces' }],
    });
    const olds = result.identifier?.filter(({ use }) => use === 'old').map(({ value }) => value);
    expect(olds).toEqual(['old-1', expect.stringMatching(/^PAT-/)]);
    expect(result.identifier).toHaveLength(4);
    expect(await read(`Patient/${source}`)).toMatchObject({
      active: false,
      meta: { versionId: '2' },
      link: [{ other: { reference: `Patient/${target}` }, type: 'replaced-by' }],
    });
    expect(await read(`Observation/${observation}`)).toMatchObject({
      subject: { reference: `Patient/${target}` },
      meta: { versionId: '2' },
    });
    expect(await read(`Appointment/${appointment}`)).toMatchObject({
      participant: [{ actor: { reference: `Patient/${target}` } }, {}],
    });
    expect([await observationsOf(source), await observationsOf(target)]).toEqual([[], [observation, untouched].sort()]);
    const task = outputOf<Task>(response, 'task');
    expect(task).toMatchObject({ status: 'completed', for: { reference: `Patient/${target}` } });
    expect(task.output?.map(({ valueReference }) => valueReference?.reference).sort()).toEqual(
      [
        `Appointment/${appointment}/_history/2`,
        `Observation/${observation}/_history/2`,
        `Patient/${source}/_history/2`,
        `Patient/${target}/_history/2`,
      ].sort(),
    );
    const audit = await a.request('GET', `/AuditEvent?entity=Observation/${observation}`);
    expect(audit.json.total).toBeGreaterThanOrEqual(2);
  });

  test('with preview changes nothing, and says what it would', async () => {
    const [source, target] = [await register(), await register()];
    await post(buildObservation(`Patient/${source}`));
    const response = await merge(source, target, { name: 'preview', valueBoolean: true });
    expect(response.status).toBe(200);
    expect(
      outputOf<OperationOutcome>(response, 'outcome')
        .issue.map(({ diagnostics }) => diagnostics)
        .join(),
    ).toContain('1 Observation');
    expect(outputOf<Patient>(response, 'result').link?.[0]?.type).toBe('replaces');
    expect(outputOf(response, 'task')).toBeUndefined();
    for (const id of [source, target]) expect((await read(`Patient/${id}`)).meta?.versionId).toBe('1');
    expect(await observationsOf(source)).toHaveLength(1);
  });

  test('finds both by identifiers, and takes a result-patient with its exact numbers', async () => {
    const identifierOf = (value: string) => ({ system: 'https://y.example', value });
    const source = await register({ identifier: [identifierOf('s')] });
    const target = await register({ identifier: [identifierOf('t')] });
    const body = JSON.stringify({
      resourceType: 'Parameters',
      parameter: [
        { name: 'source-patient-identifier', valueIdentifier: identifierOf('s') },
        { name: 'target-patient-identifier', valueIdentifier: identifierOf('t') },
        {
          name: 'result-patient',
          resource: {
            resourceType: 'Patient',
            id: target,
            name: [{ family: 'Result' }],
            extension: [{ url: 'https://x.example/weight', valueDecimal: 1.5 }],
          },
        },
      ],
    }).replace('1.5', '1.50');
    const response = await a.request('POST', '/Patient/$merge', body);
    expect([response.status, response.json.issue]).toEqual([200, undefined]);
    expect(response.text).toContain('"valueDecimal":1.50');
    const { text, json } = await a.request('GET', `/Patient/${target}`);
    expect(json.name).toEqual([{ family: 'Result' }]);
    expect(text).toContain('"valueDecimal":1.50');
    const numbers = (json as Patient).identifier?.filter(({ system }) => system?.endsWith('/sid/patient'));
    expect(numbers?.map(({ use }) => use)).toEqual(['usual', 'old']);
    expect((await read<Patient>(`Patient/${source}`)).active).toBe(false);
  });

  test('makes later writes to the source a 409 that names the target, the last of a chain', async () => {
    const [first, second, third] = [await register(), await register(), await register()];
    expect((await merge(first, second)).status).toBe(200);
    expect((await merge(second, third)).status).toBe(200);
    const current = await read<Patient>(`Patient/${first}`);
    for (const [method, body] of [
      ['PUT', { ...current, gender: 'male' }],
      ['DELETE', undefined],
    ] as const) {
      const { status, json } = await a.request(method, `/Patient/${first}`, body);
      expect([status, json.issue[0].diagnostics]).toEqual([409, expect.stringContaining(`Patient/${third}`)]);
    }
    const again = await merge(first, third);
    expect([again.status, again.json.issue[0].diagnostics]).toEqual([
      409,
      expect.stringContaining(`Patient/${second}`),
    ]);
    const imported = { other: { reference: `Patient/${third}` }, type: 'replaced-by' as const };
    const linked = await register({ link: [imported] });
    const put = { ...(await read<Patient>(`Patient/${linked}`)), gender: 'male' };
    expect((await a.request('PUT', `/Patient/${linked}`, put)).status).toBe(200);
  });

  test('lets nothing new be booked or charged for the source, and says who goes on', async () => {
    const [source, second, target] = [await register(), await register(), await register()];
    const kept = await post(buildAppointment(`Patient/${source}`, 'Practitioner/of-merged', { status: 'waitlist' }));
    expect((await merge(source, second)).status).toBe(200);
    expect((await merge(second, target)).status).toBe(200);
    const subject = { reference: `Patient/${source}` };
    const visit = buildAppointment(subject.reference, 'Practitioner/of-merged-2');
    const refused: Resource[] = [
      visit,
      { resourceType: 'Encounter', status: 'planned', class: { code: 'AMB' }, subject },
      { resourceType: 'Invoice', status: 'draft', subject },
      { resourceType: 'ChargeItem', status: 'billable', code: { text: 'X' }, subject },
    ];
    for (const resource of refused) {
      const { status, json } = await a.request('POST', `/${resource.resourceType}`, resource);
      const { code, diagnostics } = json.issue?.[0] ?? {};
      expect([resource.resourceType, status, code]).toEqual([resource.resourceType, 422, 'business-rule']);
      expect(diagnostics).toContain(`Patient/${target}`);
    }
    const stored = await read<Resource>(`Appointment/${kept}`);
    const { participant } = visit;
    expect((await a.request('PUT', `/Appointment/${kept}`, { ...stored, participant })).status).toBe(422);
    expect((await a.request('PUT', `/Appointment/${kept}`, { ...stored, comment: 'calls back' })).status).toBe(200);
    // History that is brought in, and what was found of whomever, is kept as it is told.
    await post({ ...visit, status: 'fulfilled' });
    await post(buildObservation(subject.reference));
    const elsewhere = await server.b.request('POST', '/Appointment', visit);
    expect(elsewhere.status).toBe(201);
  });

  test('refuses what cannot be merged', async () => {
    const [one, inactive, elsewhere] = [
      await register(),
      await register({ active: false }),
      await register({}, server.b),
    ];
    expect((await merge(one, one)).status).toBe(422);
    expect((await merge(one, inactive)).status).toBe(422);
    expect((await merge(inactive, one)).status).toBe(422);
    expect((await merge(one, elsewhere)).status).toBe(404);
    expect((await merge('none', one)).status).toBe(404);
    expect((await a.request('POST', '/Patient/$merge', { resourceType: 'Parameters' })).status).toBe(400);
    expect(
      (await merge(one, inactive, { name: 'result-patient', resource: { resourceType: 'Patient', id: one } })).status,
    ).toBe(422);
    expect((await read(`Patient/${one}`)).meta?.versionId).toBe('1');
  });

  test('is for clinic administrators, as its undoing is: 403', async () => {
    const [source, target] = [await register(), await register()];
    const headers = { Authorization: `Bearer ${a.token}`, 'Content-Type': 'application/json' };
    const desk = { name: 'desk', grantTypes: ['client_credentials'], roles: ['front-desk'] };
    const { json } = await send(`${server.origin}/t/${a.name}/admin/clients`, 'POST', desk, headers);
    const token = await fetchToken(server.origin, a.name, json.clientId, json.clientSecret);
    const parameter = [named('source-patient', source), named('target-patient', target)];
    for (const [operation, inputs] of [
      ['$merge', parameter],
      ['$merge-undo', [{ name: 'task', valueReference: { reference: 'Task/none' } }]],
    ] as const) {
      const body = { resourceType: 'Parameters', parameter: inputs };
      const url = `${server.origin}/t/${a.name}/fhir/Patient/${operation}`;
      expect((await send(url, 'POST', body, { Authorization: `Bearer ${token}` })).status).toBe(403);
    }
  });

  test('of 20 at once is done once', async () => {
    const [source, target] = [await register(), await register()];
    await post(buildObservation(`Patient/${source}`));
    const statuses = (await Promise.all(Array.from({ length: 20 }, () => merge(source, target)))).map(
      ({ status }) => status,
    );
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(19);
    const [left, right] = [await register(), await register()];
    const both = await Promise.all([merge(left, right), merge(right, left)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
  });
});

describe('$merge-undo', () => {
  test('makes everything as it was, but for what was changed since', async () => {
    const source = await register({ identifier: [{ system: 'https://z.example', value: 'zs' }] });
    const target = await register();
    const [before, targetBefore] = [await read<Patient>(`Patient/${source}`), await read<Patient>(`Patient/${target}`)];
    const body = JSON.stringify(buildObservation(`Patient/${source}`)).replace('"value":72', '"value":72.50');
    const restored = (await a.request('POST', '/Observation', body)).json.id;
    const touched = await post(buildObservation(`Patient/${source}`));
    const task = outputOf<Task>(await merge(source, target), 'task').id!;
    const changed = { ...(await read<Resource>(`Observation/${touched}`)), status: 'amended' } as Resource;
    expect((await a.request('PUT', `/Observation/${touched}`, changed)).status).toBe(200);
    const response = await undo(task);
    expect([response.status, response.json.issue]).toEqual([200, undefined]);
    const left = [{ type: { text: 'left as it is' }, valueReference: { reference: `Observation/${touched}` } }];
    expect(outputOf<Task>(response, 'task')).toMatchObject({ status: 'cancelled', output: left });
    expect(outputOf<OperationOutcome>(response, 'outcome').issue.map(({ diagnostics }) => diagnostics)).toEqual([
      `The merge of Patient/${source} into Patient/${target} was taken back.`,
      `Changed since, and so left about Patient/${target}: Observation/${touched}. See whose they are.`,
    ]);
    const withoutMeta = ({ meta: _meta, ...rest }: Patient) => rest;
    expect(withoutMeta(await read(`Patient/${source}`))).toEqual(withoutMeta(before));
    expect(withoutMeta(await read(`Patient/${target}`))).toEqual(withoutMeta(targetBefore));
    const { json, text } = await a.request('GET', `/Observation/${restored}`);
    expect([json.subject.reference, json.meta.versionId]).toEqual([`Patient/${source}`, '3']);
    expect(text).toContain('"value":72.50');
    expect(await read(`Observation/${touched}`)).toMatchObject({ subject: { reference: `Patient/${target}` } });
    expect((await a.request('PUT', `/Patient/${source}`, { ...before, gender: 'male' })).status).toBe(200);
    expect((await undo(task)).status).toBe(409);
  });

  test('of a target that was changed since takes away what the source brought only', async () => {
    const source = await register({ identifier: [{ system: 'https://z.example', value: 'zt' }] });
    const target = await register();
    const task = outputOf<Task>(await merge(source, target), 'task').id!;
    const current = await read<Patient>(`Patient/${target}`);
    await a.request('PUT', `/Patient/${target}`, { ...current, gender: 'female' });
    expect((await undo(task)).status).toBe(200);
    const after = await read<Patient>(`Patient/${target}`);
    expect([after.gender, after.link, after.identifier?.length]).toEqual(['female', undefined, 1]);
  });

  test('is refused where the target was merged on, and for what is no Task of a merge', async () => {
    const [first, second, third] = [await register(), await register(), await register()];
    const task = outputOf<Task>(await merge(first, second), 'task').id!;
    const later = outputOf<Task>(await merge(second, third), 'task').id!;
    expect((await undo(task)).status).toBe(409);
    expect((await undo(later)).status).toBe(200);
    expect((await undo(task)).status).toBe(200);
    expect((await undo('none')).status).toBe(404);
  });

  test('goes by a Task that nobody else can change', async () => {
    const [source, target] = [await register(), await register()];
    const task = outputOf<Task>(await merge(source, target), 'task');
    expect((await a.request('PUT', `/Task/${task.id}`, { ...task, status: 'failed' })).status).toBe(422);
    expect((await a.request('DELETE', `/Task/${task.id}`)).status).toBe(422);
  });

  test('of two that were taken for one person leaves no question open', async () => {
    const eva = { name: [{ family: 'Question', given: ['Eva'] }], birthDate: '1961-01-01' };
    const [target, source] = [await register(eva), await register(eva)];
    const find = async () =>
      (await a.request('GET', `/Task?code=possible-duplicate&focus=Patient/${source},Patient/${target}`)).json;
    expect((await find()).entry[0].resource.status).toBe('requested');
    await merge(source, target);
    expect((await find()).entry[0].resource.status).toBe('completed');
  });
});

test('many resources follow by a job, and come back by one', async () => {
  const [source, target] = [await register(), await register()];
  const observation = buildObservation(`Patient/${source}`);
  const entry = Array.from({ length: 450 }, () => ({
    resource: observation,
    request: { method: 'POST', url: 'Observation' },
  }));
  expect((await a.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry })).status).toBe(200);
  const response = await merge(source, target);
  const task = outputOf<Task>(response, 'task');
  expect(task.status).toBe('in-progress');
  expect((await merge(target, await register())).status).toBe(409);
  await expectStatus(task.id!, 'completed');
  expect([(await observationsOf(source)).length, (await observationsOf(target)).length]).toEqual([0, 450]);
  expect((await read<Task>(`Task/${task.id}`)).output).toHaveLength(452);
  expect((await undo(task.id!)).status).toBe(200);
  await expectStatus(task.id!, 'cancelled');
  expect([(await observationsOf(source)).length, (await observationsOf(target)).length]).toEqual([450, 0]);
  expect((await read<Patient>(`Patient/${source}`)).active).toBe(true);
}, 60_000);

/** Asks until it is so. */
async function expectStatus(task: string, status: Task['status']): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    if ((await read<Task>(`Task/${task}`)).status === status) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`The Task has not become ${status}.`);
}

test('a Patient with financial records is not deleted: 409, domain.md D12', async () => {
  const id = await register();
  const invoice = { resourceType: 'Invoice', status: 'draft', subject: { reference: `Patient/${id}` } } as const;
  const kept = await post(invoice);
  const refused = await a.request('DELETE', `/Patient/${id}`);
  expect([refused.status, refused.json.issue[0].code]).toEqual([409, 'conflict']);
  expect((await a.request('DELETE', `/Invoice/${kept}`)).status).toBeLessThan(300);
  expect((await a.request('DELETE', `/Patient/${id}`)).status).toBeLessThan(300);
});
