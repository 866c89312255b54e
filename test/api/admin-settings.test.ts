// Settings, number series, departments, tax rules and identity providers over the administration API: contract.md 3, 24, 45, 47, domain.md S5-02 to S5-04

import { describe, expect, test } from '@jest/globals';
import { findIdentityProvider } from '../../src/people/identity-providers.ts';
import { withClient } from '../support/database.ts';
import { useAdminServer } from './admin-requests.ts';
import { expectRefusal } from './refusals.ts';

const admin = useAdminServer();
const { a, b } = admin;

describe('settings', () => {
  test('are read with their defaults, and in force for the next request', async () => {
    expect((await a('GET', '/settings')).json).toContainEqual({ key: 'currency', value: 'USD' });
    const observation = {
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'x' },
      subject: { reference: 'Patient/none' },
    };
    const post = () => admin.server.a.request('POST', '/Observation', observation);
    for (const [value, status] of [
      [true, 422],
      [false, 201],
      [true, 422],
      [false, 201],
    ] as const) {
      const put = await a('PUT', '/settings/references.check', { value });
      expect(put.json).toEqual({ key: 'references.check', value });
      expect((await post()).status).toBe(status);
    }
  });

  test('are of one tenant; unknown ones are a 404, values they cannot have a 422', async () => {
    expect((await a('PUT', '/settings/timezone', { value: 'Europe/Zurich' })).status).toBe(200);
    expect((await b('GET', '/settings/timezone')).json.value).toBe('UTC');
    for (const key of ['none', '__proto__', 'constructor']) {
      expectRefusal(await a('GET', `/settings/${key}`), 404);
      expectRefusal(await a('PUT', `/settings/${key}`, { value: 1 }), 404);
    }
    expectRefusal(await a('PUT', '/settings/timezone', { value: 'Mars/Olympus' }), 422);
    expectRefusal(await a('PUT', '/settings/timezone', {}), 422);
    expectRefusal(await a('PUT', '/settings/timezone', { value: 'UTC' }, { 'If-Match': 'W/"other"' }), 412);
    expect((await a('GET', '/settings/timezone')).json.value).toBe('Europe/Zurich');
  });
});

describe('number series', () => {
  test('are those of contract.md 45, each with a pattern that can be changed', async () => {
    const patterns = (await a('GET', '/number-series')).json.map(({ pattern }: { pattern: string }) => pattern);
    expect(patterns).toEqual(['PAT', 'APT', 'INV', 'RCT', 'CN'].map((code) => `${code}-{yyyy}-{00000}`));
    for (const pattern of ['P/{yy}{MM}.{000}', '{0}', 'Rechnung {yyyy} {000000000000}', '{00000}-{yyyy}']) {
      expect((await a('PUT', '/number-series/INV', { pattern })).json).toMatchObject({ code: 'INV', pattern, next: 1 });
    }
    expect((await b('GET', '/number-series/INV')).json.pattern).toBe('INV-{yyyy}-{00000}');
    expectRefusal(await a('GET', '/number-series/XYZ'), 404);
    expectRefusal(await a('PUT', '/number-series/XYZ', { pattern: '{0}' }), 404);
  });

  test.each([
    'INV',
    'INV-{yyyy}',
    '{000}{000}',
    '{yyy}-{0}',
    '{MM}-{0}',
    'I#{0}',
    '{0',
    ' {0}',
    'é{0}',
    '{0000000000000}',
    `${'x'.repeat(62)}{0}`,
  ])('cannot be written as %s: 422', async (pattern) => {
    expectRefusal(await a('PUT', '/number-series/RCT', { pattern }), 422);
    expect((await a('GET', '/number-series/RCT')).json.pattern).toBe('RCT-{yyyy}-{00000}');
  });

  test('can go on where another system stopped, and never back: 409', async () => {
    const pattern = 'PAT-{00000}';
    expect((await a('PUT', '/number-series/PAT', { pattern, next: 4_711 })).json.next).toBe(4_711);
    expect((await a('PUT', '/number-series/PAT', { pattern })).json.next).toBe(4_711);
    expectRefusal(await a('PUT', '/number-series/PAT', { pattern, next: 4_710 }), 409);
    expectRefusal(await a('PUT', '/number-series/PAT', { pattern, next: 0 }), 422);
    expectRefusal(await a('PUT', '/number-series/PAT', { pattern, next: 1.5 }), 400);
    expect((await a('GET', '/number-series/PAT')).json.next).toBe(4_711);
  });
});

describe('departments', () => {
  test('are Organizations of the type dept, with everything else that is written there (domain.md S5-02)', async () => {
    const { id } = (await a('POST', '/departments', { name: 'Cardiology' })).json;
    const organization = (await admin.server.a.request('GET', `/Organization/${id}`)).json;
    expect(organization).toMatchObject({ active: true, name: 'Cardiology', type: [{ coding: [{ code: 'dept' }] }] });
    await admin.server.a.request('PUT', `/Organization/${id}`, { ...organization, alias: ['Heart'] });
    const below = (await a('POST', '/departments', { name: 'Echo', partOf: id })).json;
    expect(below).toEqual({ id: below.id, name: 'Echo', partOf: id, active: true });
    const changed = (await a('PATCH', `/departments/${id}`, { active: false, name: 'Old heart' })).json;
    expect(changed).toMatchObject({ name: 'Old heart', active: false });
    expect((await admin.server.a.request('GET', `/Organization/${id}`)).json).toMatchObject({
      alias: ['Heart'],
      active: false,
      meta: { versionId: '3' },
    });
    expect((await a('GET', '/departments')).json).toEqual(expect.arrayContaining([changed, below]));
    expect((await b('GET', '/departments')).json).toEqual([]);
    expectRefusal(await b('GET', `/departments/${id}`), 404);
    expectRefusal(await b('PATCH', `/departments/${id}`, { name: 'Mine' }), 404);
  });

  test('stand below one that is there, and never below themselves', async () => {
    const top = (await a('POST', '/departments', { name: 'Surgery' })).json.id;
    const low = (await a('POST', '/departments', { name: 'Theatre', partOf: top })).json.id;
    expectRefusal(await a('POST', '/departments', { name: 'X', partOf: 'nothing' }), 422);
    for (const partOf of [top, low, 'nothing']) expectRefusal(await a('PATCH', `/departments/${top}`, { partOf }), 422);
    expect((await a('PATCH', `/departments/${low}`, { partOf: top, name: 'OR' })).json).toMatchObject({ partOf: top });
  });

  test('stand below the clinic where there is one, and what is no department is none', async () => {
    const prov = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/organization-type', code: 'prov' }] };
    const clinic = { resourceType: 'Organization', name: 'Clinic', type: [prov] };
    const { id } = (await admin.server.b.request('POST', '/Organization', clinic)).json;
    expect((await b('POST', '/departments', { name: 'X' })).json.partOf).toBe(id);
    expectRefusal(await b('GET', `/departments/${id}`), 404);
    expectRefusal(await b('PATCH', `/departments/${id}`, { name: 'Y' }), 404);
    for (const wrong of [{}, { name: '' }, { name: 'X', partOf: 'a/b' }]) {
      expectRefusal(await b('POST', '/departments', wrong), 422);
    }
    expectRefusal(await b('POST', '/departments', { name: 'X', type: 'prov' }), 400);
  });
});

describe('tax rules', () => {
  test('are ChargeItemDefinitions with a tax and no base price; a new rate keeps the old one (domain.md S5-04)', async () => {
    const old = { name: 'VAT', category: 'standard', factor: 0.19 };
    const first = (await a('POST', '/tax-rules', old)).json;
    expect(first).toEqual({ id: first.id, ...old });
    expect((await admin.server.a.request('GET', `/ChargeItemDefinition/${first.id}`)).json).toMatchObject({
      status: 'active',
      extension: [{ url: 'https://hpms.example/fhir/StructureDefinition/tax-category', valueCode: 'standard' }],
      propertyGroup: [{ priceComponent: [{ type: 'tax', code: { text: 'VAT' }, factor: 0.19 }] }],
    });
    const next = { ...old, factor: 0.2, start: '2027-03-01', replaces: first.id };
    const second = (await a('POST', '/tax-rules', next)).json;
    expect((await a('GET', `/tax-rules/${first.id}`)).json).toEqual({ ...first, end: '2027-02-28' });
    expect((await a('GET', '/tax-rules')).json.map(({ factor }: { factor: number }) => factor).sort()).toEqual([
      0.19, 0.2,
    ]);
    expect((await a('PATCH', `/tax-rules/${second.id}`, { end: '2027-12-31' })).json.end).toBe('2027-12-31');
    expect((await b('GET', '/tax-rules')).json).toEqual([]);
    expectRefusal(await b('GET', `/tax-rules/${first.id}`), 404);
    expectRefusal(await b('POST', '/tax-rules', next), 404);
  });

  test.each<[object, number?]>([
    [{ factor: -0.1 }],
    [{ factor: '0.19' }, 400],
    [{ factor: 11 }],
    [{ category: '' }],
    [{ start: '2027-02-31', replaces: 'x' }, 404],
    [{ start: '2027-13-01' }],
    [{ start: '2027-02-02', end: '2027-02-01' }],
    [{ replaces: 'none' }],
    [{ rate: 1 }, 400],
  ])('with %j are refused', async (wrong, status = 422) => {
    const before = (await a('GET', '/tax-rules')).json.length;
    expectRefusal(await a('POST', '/tax-rules', { name: 'VAT', category: 'standard', factor: 0.19, ...wrong }), status);
    expect((await a('GET', '/tax-rules')).json).toHaveLength(before);
  });

  test('that have ended are not replaced a second time: they would be in force again, beside the rate that followed', async () => {
    const old = { name: 'GST', category: 'twice', factor: 0.1 };
    const first = (await a('POST', '/tax-rules', old)).json;
    const next = { ...old, factor: 0.2, start: '2027-01-01', replaces: first.id };
    await a('PATCH', `/tax-rules/${first.id}`, { end: '2026-12-31' });
    const second = (await a('POST', '/tax-rules', next)).json;
    const refusal = await a('POST', '/tax-rules', { ...next, factor: 0.3, start: '2028-01-01' });
    expectRefusal(refusal, 422);
    expect(refusal.json.issue[0].expression).toEqual(['replaces']);
    expect((await a('GET', `/tax-rules/${first.id}`)).json.end).toBe('2026-12-31');
    const third = { ...next, factor: 0.3, start: '2028-01-01', replaces: second.id };
    expect((await a('POST', '/tax-rules', third)).status).toBe(201);
  });

  test('what is a price is none', async () => {
    const price = {
      resourceType: 'ChargeItemDefinition',
      url: 'urn:price',
      status: 'active',
      propertyGroup: [{ priceComponent: [{ type: 'base', amount: { value: 10, currency: 'USD' } }] }],
    };
    const { id } = (await admin.server.a.request('POST', '/ChargeItemDefinition', price)).json;
    expectRefusal(await a('GET', `/tax-rules/${id}`), 404);
    expectRefusal(await a('PATCH', `/tax-rules/${id}`, { end: '2027-01-01' }), 404);
  });
});

describe('identity providers', () => {
  const provider = {
    issuer: 'https://idp.example.org',
    clientId: 'hpms',
    clientSecret: 'canary-secret',
    display: 'Hospital',
  };

  test('are registered once per issuer, and their secret is never shown and not readable at rest', async () => {
    const made = await a('POST', '/identity-providers', provider);
    const { id } = made.json;
    expect(made.json).toEqual({
      id,
      issuer: provider.issuer,
      clientId: 'hpms',
      display: 'Hospital',
      scopes: 'openid',
      active: true,
      hasSecret: true,
    });
    expect((await a('GET', '/identity-providers')).json).toEqual([made.json]);
    expectRefusal(await a('POST', '/identity-providers', provider), 409);
    expect((await b('POST', '/identity-providers', provider)).status).toBe(201);
    const cipher = await admin.server.app.doors.keyRing.cipherOf(admin.server.a.id);
    const stored = () =>
      admin.server.app.doors.tenantDoor(admin.server.a.id, (trx) => findIdentityProvider(trx, cipher, id));
    expect(await stored()).toMatchObject({ clientSecret: 'canary-secret' });
    const { rows } = await withClient(admin.server.database.url, (client) =>
      client.query('SELECT to_jsonb(t)::text AS text FROM store.identity_provider AS t'),
    );
    expect(JSON.stringify(rows)).not.toContain('canary-secret');
    expect(JSON.stringify(rows)).not.toContain(Buffer.from('canary-secret').toString('hex'));
    const changed = await a('PATCH', `/identity-providers/${id}`, { display: 'Clinic', active: false });
    expect(changed.json).toEqual({ ...made.json, display: 'Clinic', active: false });
    expect(await stored()).toMatchObject({ clientSecret: 'canary-secret' });
    expect((await a('PATCH', `/identity-providers/${id}`, { clientSecret: null })).json.hasSecret).toBe(false);
    expectRefusal(await b('GET', `/identity-providers/${id}`), 404);
    expectRefusal(await b('DELETE', `/identity-providers/${id}`), 404);
    expect((await a('DELETE', `/identity-providers/${id}`)).status).toBe(204);
    expectRefusal(await a('GET', `/identity-providers/${id}`), 404);
    expectRefusal(await a('DELETE', `/identity-providers/${id}`), 404);
  });

  test.each<[object, number?]>([
    [{ issuer: 'http://idp.example.org' }],
    [{ issuer: 'https://idp.example.org?x=1' }],
    [{ issuer: 'https://user@idp.example.org' }],
    [{ issuer: 'file:///etc/passwd' }],
    [{ scopes: 'openid  profile' }],
    [{ display: '' }],
    [{ clientId: undefined }],
    [{ secret: 'x' }, 400],
  ])('with %j are refused', async (wrong, status = 422) => {
    expectRefusal(await a('POST', '/identity-providers', { ...provider, ...wrong }), status);
  });
});
