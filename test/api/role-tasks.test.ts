// The Tasks that the server makes are seen by those who can do what they ask for, and by no others: domain.md section 5, contract.md 7

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Bundle, Task } from '@medplum/fhirtypes';
import { startTestServer, type TestServer } from '../support/server.ts';
import { clientOf, type TestClient } from './clients.ts';

const codes = ['reschedule', 'possible-duplicate', 'pricing-missing', 'patient-merge', 'of-a-laboratory'] as const;
type Code = (typeof codes)[number];

let server: TestServer;
const ids = new Map<Code, string>();
beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
  for (const code of codes) {
    const { json } = await server.a.request('POST', '/Task', taskOf(code));
    ids.set(code, json.id);
  }
});
afterAll(() => server.close());

function taskOf(code: Code): Task {
  const coding = [{ system: 'https://hpms.example/fhir/CodeSystem/task-code', code }];
  return { resourceType: 'Task', status: 'requested', intent: 'order', code: { coding } };
}

async function seenBy({ request }: TestClient): Promise<Code[]> {
  const { json } = await request('GET', '/Task?_count=100');
  const found = new Set((json as Bundle).entry?.map(({ resource }) => resource?.id));
  return codes.filter((code) => found.has(ids.get(code)));
}

const patch = [{ op: 'replace', path: '/status', value: 'completed' }];
const jsonPatch = { 'Content-Type': 'application/json-patch+json' };

describe.each<readonly [string, readonly Code[], boolean]>([
  ['clinic-admin', codes, true],
  ['front-desk', ['reschedule', 'possible-duplicate'], true],
  ['nurse', ['reschedule'], true],
  ['provider', ['reschedule'], false],
  ['cashier', ['pricing-missing'], true],
  ['billing-manager', ['pricing-missing'], true],
  ['billing-staff', ['pricing-missing'], true],
  ['auditor', codes, false],
])('%s', (slug, seen, mayChange) => {
  let client: TestClient;
  beforeAll(async () => {
    client = await clientOf(server, server.a, '', [slug]);
  });

  test(`finds and reads the Tasks ${seen.join(', ')}, as if there were no others`, async () => {
    expect(await seenBy(client)).toEqual(seen);
    for (const code of codes) {
      const { status } = await client.request('GET', `/Task/${ids.get(code)}`);
      expect([code, status]).toEqual([code, seen.includes(code) ? 200 : 404]);
    }
  });

  test(`${mayChange ? 'says that they are done' : 'changes none of them'}`, async () => {
    for (const code of codes.filter((one) => one !== 'patient-merge')) {
      const { status } = await client.request('PATCH', `/Task/${ids.get(code)}`, patch, jsonPatch);
      const expected = seen.includes(code) ? 200 : 404;
      expect([code, status]).toEqual([code, mayChange ? expected : 403]);
    }
  });

  test('makes of a Task none that is not its own to see', async () => {
    const [code] = seen;
    const put = { ...taskOf('of-a-laboratory'), id: ids.get(code as Code) };
    const { status } = await client.request('PUT', `/Task/${put.id}`, put);
    expect(status).toBe(slug === 'clinic-admin' ? 200 : 403);
    if (slug === 'clinic-admin')
      await server.a.request('PUT', `/Task/${put.id}`, { ...taskOf(code as Code), id: put.id });
  });
});

test.each(['pharmacist', 'lab-technician', 'inventory-manager', 'patient'])('%s sees no Task', async (slug) => {
  const { request } = await clientOf(server, server.a, '', [slug]);
  expect((await request('GET', '/Task')).status).toBe(403);
  expect((await request('GET', `/Task/${ids.get('reschedule')}`)).status).toBe(403);
});

test('whoever sees the Tasks of one clinic sees those of no other', async () => {
  const client = await clientOf(server, server.b, '', ['clinic-admin']);
  expect(await seenBy(client)).toEqual([]);
});
