// Whole packages of definitions over HTTP, for administrators: https://confluence.hl7.org/display/FHIR/NPM+Package+Specification

import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { StructureDefinition } from '@medplum/fhirtypes';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { packageLimits } from '../../src/validation/profiles/read-package.ts';
import { structure } from '../fhir/profiles/structures.ts';
import { until } from '../jobs/job-bed.ts';
import { buildPatient } from '../support/builders.ts';
import { packageOf } from '../support/fhir-package.ts';
import { fetchToken, startTestServer, type TestServer, type TestTenant } from '../support/server.ts';
import { expressionsOf } from './bundle-requests.ts';
import { clientOf } from './clients.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

function asking(name: string, element: string, overrides: Partial<StructureDefinition> = {}): StructureDefinition {
  const elements = [
    { id: 'Patient', path: 'Patient' },
    { id: `Patient.${element}`, path: `Patient.${element}`, min: 1 },
  ];
  return structure(`urn:packages:${name}`, 'Patient', elements, { id: name, ...overrides }).resource;
}

type Sender = Pick<TestTenant, 'name' | 'token'>;

async function install(body: Buffer<ArrayBuffer>, tenant: Sender = server.a, headers: Record<string, string> = {}) {
  const response = await fetch(`${server.origin}/t/${tenant.name}/admin/packages`, {
    method: 'POST',
    body,
    headers: { Authorization: `Bearer ${tenant.token}`, 'Content-Type': 'application/gzip', ...headers },
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: JSON.parse(text) };
}

/** A request under way. */
function sending(headers: Record<string, string | number> = {}, { name, token }: Sender = server.a) {
  return httpRequest(`${server.origin}/t/${name}/admin/packages`, {
    method: 'POST',
    agent: false,
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/gzip', ...headers },
  });
}

/** A client that has begun to send and goes on no further; it has its tenant's turn when this resolves. */
async function stalled(tenant: Sender = server.a, begin = Buffer.from('x')): Promise<ReturnType<typeof sending>> {
  const slow = sending({}, tenant);
  slow.on('error', () => undefined).write(begin);
  // Refused for its type as long as nobody has the turn, which it then leaves at once.
  const probe = { 'Content-Type': 'application/json' };
  while ((await install(begin, tenant, probe)).status !== 429) expect(slow.destroyed).toBe(false);
  return slow;
}

/** Files of this process, for other tests of the same machine have their own. */
const spooled = () => readdirSync(tmpdir()).filter((name) => name.startsWith(`hpms-${process.pid}-`));

async function administratorOf(name: string) {
  const { clientId, clientSecret } = await createTenant(server.app.doors, { name });
  return { name, token: await fetchToken(server.origin, name, clientId, clientSecret) };
}

const faultsOf = async (name: string, tenant: TestTenant = server.a): Promise<string[]> =>
  expressionsOf(await tenant.request('POST', `/Patient/$validate?profile=urn:packages:${name}`, buildPatient()));

describe('a package', () => {
  test('is stored whole, is in force at once, and is its tenant’s alone', async () => {
    const child = asking('child', 'photo', { baseDefinition: 'urn:packages:parent' });
    const codes = { resourceType: 'CodeSystem', id: 'codes', url: 'urn:packages:codes', status: 'active' };
    const bytes = await packageOf(
      ['StructureDefinition-child.json', child],
      ['StructureDefinition-parent.json', asking('parent', 'contact')],
      ['CodeSystem-codes.json', { ...codes, content: 'complete', concept: [{ code: 'a' }] }],
      ['Patient-example.json', { resourceType: 'Patient', id: 'example' }],
    );
    const { status, json } = await install(bytes);
    expect([status, json]).toEqual([
      200,
      {
        ...{ name: 'test.pack', version: '1.0.0', dependencies: ['other.pack@2.0.0'] },
        stored: ['StructureDefinition/child', 'StructureDefinition/parent', 'CodeSystem/codes'],
      },
    ]);
    expect(await faultsOf('child')).toEqual(expect.arrayContaining(['Patient.contact', 'Patient.photo']));
    const lookup = '/CodeSystem/$validate-code?url=urn:packages:codes&code=a';
    expect((await server.a.request('GET', lookup)).json.parameter[0].valueBoolean).toBe(true);
    expect((await server.a.request('GET', '/Patient/example')).status).toBe(404);
    expect((await server.b.request('GET', '/StructureDefinition/child')).status).toBe(404);
    expect(await faultsOf('child', server.b)).not.toContain('Patient.photo');
  });

  test('replaces what has the same ids, as a new version', async () => {
    expect((await install(await packageOf(['a.json', asking('again', 'photo')]))).status).toBe(200);
    expect((await install(await packageOf(['a.json', asking('again', 'contact')]))).status).toBe(200);
    expect(await faultsOf('again')).toContain('Patient.contact');
    expect((await server.a.request('GET', '/StructureDefinition/again')).json.meta.versionId).toBe('2');
  });

  test('with one fault is not stored at all, and the file and element are named', async () => {
    const gender = { id: 'Patient.gender', path: 'Patient.gender', max: '2' };
    const wide = structure('urn:packages:wide', 'Patient', [{ id: 'Patient' }, gender], { id: 'wide' }).resource;
    for (const bad of [wide, { resourceType: 'ValueSet', id: 'odd', status: 'active', nothing: 1 }]) {
      const refused = await install(await packageOf(['good.json', asking('good', 'photo')], ['bad.json', bad]));
      expectRefusal(refused, 422);
      expect(refused.json.issue[0].diagnostics).toMatch(/^package\/bad\.json: /);
      expect(refused.json.issue[0].expression[0]).toMatch(/^(?:StructureDefinition|ValueSet)\./);
    }
    expect((await server.a.request('GET', '/StructureDefinition/good')).status).toBe(404);
  });

  test('does not touch definitions of the server itself', async () => {
    const refused = await install(await packageOf(['a.json', asking('hpms-invoice', 'photo')]));
    expectRefusal(refused, 405);
  });
});

describe('who may install one', () => {
  test('is an administrator: nobody else gets past 403, nobody without a token past 401', async () => {
    const bytes = await packageOf(['a.json', asking('mine', 'photo')]);
    for (const scope of ['system/*.rs', 'system/StructureDefinition.cruds']) {
      const { token } = await clientOf(server, server.a, scope);
      expectRefusal(await install(bytes, server.a, { Authorization: `Bearer ${token}` }), 403);
    }
    expectRefusal(await install(bytes, server.a, { Authorization: '' }), 401);
    expectRefusal(await install(bytes, server.a, { Authorization: `Bearer ${server.b.token}` }), 401);
    expectRefusal(await install(bytes, { ...server.a, name: 'nobody' }), 404);
    expect((await server.a.request('GET', '/StructureDefinition/mine')).status).toBe(404);
  });
});

describe('packages at once', () => {
  test('are read one at a time for a tenant: the second is told to come again, and others are not in its way', async () => {
    const bytes = await packageOf(['a.json', asking('slow', 'photo')]);
    const slow = await stalled(server.a, bytes.subarray(0, 20));
    const quick = await packageOf(['a.json', asking('quick', 'photo')]);
    const second = await install(quick);
    expectRefusal(second, 429);
    expect(second.headers.get('Retry-After')).toBe('5');
    expect((await install(quick, server.b)).status).toBe(200);
    slow.end(bytes.subarray(20));
    const [answer] = (await once(slow, 'response')) as [IncomingMessage];
    expect(answer.statusCode).toBe(200);
    answer.resume();
    expect((await install(quick)).status).toBe(200);
  });

  test('wait for nobody’s slow client: two tenants never end, a third installs', async () => {
    const slow = [await stalled(server.a), await stalled(server.b)];
    const third = await administratorOf('clinic-c');
    const bytes = await packageOf(['a.json', asking('patient', 'photo')]);
    expect((await install(bytes, third)).status).toBe(200);
    expectRefusal(await install(bytes), 429);
    for (const one of slow) one.destroy();
    for (const tenant of [server.a, server.b]) while ((await install(bytes, tenant)).status === 429);
    expect((await install(bytes)).status).toBe(200);
  });

  test('whose client goes away makes room', async () => {
    const gone = await stalled();
    gone.destroy();
    const bytes = await packageOf(['a.json', asking('room', 'photo')]);
    while ((await install(bytes)).status !== 200) expect(gone.destroyed).toBe(true);
  });

  test('leave no file behind, whether they are installed, refused or broken off', async () => {
    const bytes = await packageOf(['a.json', asking('kept', 'photo')]);
    expect((await install(bytes)).status).toBe(200);
    expectRefusal(await install(Buffer.from('nothing')), 400);
    const gone = await stalled();
    await until(() => spooled().length === 1);
    gone.destroy();
    while ((await install(bytes)).status !== 200) expect(gone.destroyed).toBe(true);
    expect(spooled()).toEqual([]);
  });
});

describe('what is no package', () => {
  test('is refused before it is read when its type or method is another', async () => {
    const bytes = await packageOf(['a.json', asking('typed', 'photo')]);
    expectRefusal(await install(bytes, server.a, { 'Content-Type': 'application/json' }), 415);
    expectRefusal(await install(bytes, server.a, { 'Content-Encoding': 'zstd' }), 415);
    const response = await fetch(`${server.origin}/t/${server.a.name}/admin/packages`);
    expect([response.status, response.headers.get('Allow')]).toEqual([405, 'POST, OPTIONS']);
    expectRefusal({ status: response.status, text: await response.text() }, 405);
  });

  test('or is damaged or empty, is a 400 that says so', async () => {
    const whole = await packageOf(['a.json', asking('cut', 'photo')]);
    for (const bytes of [Buffer.from('nothing'), Buffer.alloc(0), whole.subarray(0, 40), gzipSync('no tar at all')]) {
      expectRefusal(await install(Buffer.from(bytes)), 400);
    }
    expectRefusal(await install(await packageOf()), 400);
  });

  test('or is too large, packed or unpacked, is a 413 that the client gets to read', async () => {
    const bomb = await packageOf(['a.json', { resourceType: 'ValueSet', name: 'x'.repeat(30_000_000) }]);
    expect(bomb.length).toBeLessThan(100_000);
    expectRefusal(await install(bomb), 413);
    const request = sending({ 'Content-Length': packageLimits.packedBytesMax + 1 });
    request.flushHeaders();
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    request.on('error', () => undefined).destroy();
    expect(answer.statusCode).toBe(413);
  });

  test('does not keep the next one out', async () => {
    expect((await install(await packageOf(['a.json', asking('next', 'photo')]))).status).toBe(200);
  });
});
