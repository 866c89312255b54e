// The operations $meta, $meta-add and $meta-delete over HTTP: https://hl7.org/fhir/R4/resource-operation-meta.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Coding, Meta, Parameters, Resource } from '@medplum/fhirtypes';
import { buildPatient } from '../support/builders.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/server.ts';
import { getEntry, sendBundle, statusesOf } from './bundle-requests.ts';
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

const vip: Coding = { system: 'urn:tags', code: 'vip', display: 'Important' };
const lost: Coding = { system: 'urn:tags', code: 'record-lost' };
const restricted: Coding = { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' };
const profile = 'http://example.org/StructureDefinition/p';

const withMeta = (valueMeta: Meta): Parameters => ({
  resourceType: 'Parameters',
  parameter: [{ name: 'meta', valueMeta }],
});
const metaOf = (json: Parameters) => json.parameter?.[0]?.valueMeta;

async function patientWith(meta: Meta, tenant: TestTenant = server.a): Promise<string> {
  const { json } = await tenant.request('POST', '/Patient', buildPatient({ meta }));
  return `/Patient/${json.id}`;
}

const found = async (query: string, tenant: TestTenant = server.a): Promise<string[]> => {
  const { json } = await tenant.request('GET', `/Patient?${query}&_count=100`);
  return (json.entry ?? []).map(({ resource }: { resource: Resource }) => `/Patient/${resource.id}`);
};

const audits = async (place: string): Promise<string[]> => {
  const { json } = await server.a.request('GET', `/AuditEvent?entity=${place.slice(1)}&action=C,U,D&_count=100`);
  return (json.entry ?? []).map(({ resource }: { resource: { action: string } }) => resource.action);
};

describe('$meta', () => {
  test('gives the meta of the resource as reading it does, by GET and by POST', async () => {
    const place = await patientWith({ tag: [vip], profile: [profile] });
    const { json: patient } = await server.a.request('GET', place);
    const got = await server.a.request('GET', `${place}/$meta`);
    expect(got.json).toEqual({ resourceType: 'Parameters', parameter: [{ name: 'return', valueMeta: patient.meta }] });
    const posted = await server.a.request('POST', `${place}/$meta`, { resourceType: 'Parameters' });
    expect(posted.json).toEqual(got.json);
  });

  test('gives that of one version, also of one that is past', async () => {
    const place = await patientWith({ tag: [vip] });
    await server.a.request('POST', `${place}/$meta-add`, withMeta({ tag: [lost] }));
    const past = await server.a.request('GET', `${place}/_history/1/$meta`);
    expect(metaOf(past.json)).toMatchObject({ versionId: '1', tag: [vip] });
    const now = await server.a.request('GET', `${place}/_history/2/$meta`);
    expect(metaOf(now.json)).toMatchObject({ versionId: '2', tag: [vip, lost] });
    expectRefusal(await server.a.request('GET', `${place}/_history/3/$meta`), 404);
  });

  test('keeps the exact text of decimals in extensions', async () => {
    const text = `{"resourceType":"Patient","meta":{"tag":[{"system":"urn:t","code":"a","extension":[{"url":"urn:w","valueDecimal":1.500}]}]}}`;
    const { json } = await server.a.request('POST', '/Patient', text);
    expect((await server.a.request('GET', `/Patient/${json.id}/$meta`)).text).toContain('"valueDecimal":1.500');
    const added = await server.a.request(
      'POST',
      `/Patient/${json.id}/$meta-add`,
      `{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"code":"b","extension":[{"url":"urn:w","valueDecimal":2.50}]}]}}]}`,
    );
    expect(added.text).toMatch(/1\.500.*2\.50/);
    expect((await server.a.request('GET', `/Patient/${json.id}`)).text).toMatch(/1\.500.*2\.50/);
    const rest = await server.a.request(
      'POST',
      `/Patient/${json.id}/$meta-delete`,
      withMeta({ tag: [{ system: 'urn:t', code: 'a' }] }),
    );
    expect(rest.text).toContain('"valueDecimal":2.50');
    expect(metaOf(rest.json)?.tag).toEqual([{ code: 'b', extension: [{ url: 'urn:w', valueDecimal: 2.5 }] }]);
  });
});

describe('$meta-add and $meta-delete', () => {
  test('make a new version with its AuditEvent, and what finds the resource follows', async () => {
    const place = await patientWith({ tag: [vip] });
    const added = await server.a.request(
      'POST',
      `${place}/$meta-add`,
      withMeta({ versionId: '99', source: 'urn:x', tag: [lost], security: [restricted], profile: [profile] }),
    );
    expect(added.status).toBe(200);
    expect(metaOf(added.json)).toMatchObject({
      versionId: '2',
      tag: [vip, lost],
      security: [restricted],
      profile: [profile],
    });
    expect(metaOf(added.json)).not.toHaveProperty('source');
    const { json: now } = await server.a.request('GET', place);
    expect(now.meta).toEqual(metaOf(added.json));
    for (const query of ['_tag=urn:tags|record-lost', `_security=R`, `_profile=${profile}`]) {
      expect(await found(query)).toContain(place);
    }
    // A label needs a right of its own: test/attacks/scopes.test.ts, attack 37.
    const other = await clientOf(server, server.a, 'system/*.cruds');
    expectRefusal(await other.request('POST', `${place}/$meta-delete`, withMeta({ security: [restricted] })), 403);
    const { security: _, ...rest } = now.meta;
    const taken = await server.a.request('POST', `${place}/$meta-delete`, withMeta({ ...rest, tag: [lost] }));
    expect(metaOf(taken.json)).toEqual({ ...now.meta, ...without, tag: [vip], lastUpdated: expect.any(String) });
    expect(await found('_tag=urn:tags|record-lost')).not.toContain(place);
    expect(await found('_tag=urn:tags|vip')).toContain(place);
    expect((await audits(place)).sort()).toEqual(['C', 'U', 'U']);
  });
  const without = { versionId: '3', profile: undefined };

  test('with nothing to add or to delete make none', async () => {
    const place = await patientWith({ tag: [vip] });
    const again = await server.a.request(
      'POST',
      `${place}/$meta-add`,
      withMeta({ tag: [{ ...vip, display: 'Other', version: '2' }] }),
    );
    expect(metaOf(again.json)).toMatchObject({ versionId: '1', tag: [vip] });
    const absent = await server.a.request('POST', `${place}/$meta-delete`, withMeta({ tag: [lost] }));
    expect(metaOf(absent.json)).toEqual(metaOf(again.json));
    expect((await server.a.request('GET', place)).json.meta.versionId).toBe('1');
    expect(await audits(place)).toEqual(['C']);
  });

  test('keep to If-Match, with something to do and with nothing', async () => {
    const place = await patientWith({ tag: [vip] });
    for (const tag of [vip, lost]) {
      const stale = { 'If-Match': 'W/"2"' };
      expectRefusal(await server.a.request('POST', `${place}/$meta-add`, withMeta({ tag: [tag] }), stale), 412);
    }
    const right = await server.a.request('POST', `${place}/$meta-add`, withMeta({ tag: [lost] }), {
      'If-Match': 'W/"1"',
    });
    expect(right.status).toBe(200);
  });

  test('twenty at once lose none', async () => {
    const place = await patientWith({});
    const tags = Array.from({ length: 20 }, (_, n) => ({ system: 'urn:race', code: `t${n}` }));
    const answers = await Promise.all(
      tags.map((tag) => server.a.request('POST', `${place}/$meta-add`, withMeta({ tag: [tag] }))),
    );
    expect(answers.map(({ status }) => status)).toEqual(tags.map(() => 200));
    const { json } = await server.a.request('GET', place);
    expect(json.meta.versionId).toBe('21');
    expect(json.meta.tag.map(({ code }: Coding) => code).sort()).toEqual(tags.map(({ code }) => code).sort());
  });

  test('take no tag without a code, which nobody could take away again', async () => {
    const place = await patientWith({});
    const answer = await server.a.request('POST', `${place}/$meta-add`, withMeta({ tag: [{ display: 'Eva Muster' }] }));
    expectRefusal(answer, 422);
    expect(answer.json.issue[0].expression[0]).toMatch(/tag\[0\]\.code$/);
    expect(answer.text).not.toContain('Eva');
  });
});

test('a Binary that came in its own type keeps its bytes: https://hl7.org/fhir/R4/binary.html#rest', async () => {
  const made = await server.a.request('POST', '/Binary', 'plain words', { 'Content-Type': 'text/plain' });
  const [place = ''] = /\/Binary\/[^/]+/.exec(made.headers.get('Location') ?? '') ?? [];
  const added = await server.a.request('POST', `${place}/$meta-add`, withMeta({ tag: [lost] }));
  expect(metaOf(added.json)).toMatchObject({ versionId: '2', tag: [lost] });
  expect(metaOf((await server.a.request('GET', `${place}/_history/1/$meta`)).json)).not.toHaveProperty('tag');
  const { text } = await server.a.request('GET', place, undefined, { Accept: 'text/plain' });
  expect(text).toBe('plain words');
});

test('in a transaction they see what it wrote, and in a batch each is for itself', async () => {
  const place = (await patientWith({})).slice(1);
  const add = (tag: Coding, url = `${place}/$meta-add`) => ({
    resource: withMeta({ tag: [tag] }),
    request: { method: 'POST', url },
  });
  const done = await sendBundle(server.a, 'transaction', [add(lost), getEntry(`${place}/$meta`)]);
  expect(statusesOf(done)).toEqual(['200', '200']);
  expect(metaOf(done.json.entry[1].resource)).toMatchObject({ versionId: '2', tag: [lost] });
  const partly = await sendBundle(server.a, 'batch', [add(vip), add(vip, 'Patient/nothing/$meta-add')]);
  expect(statusesOf(partly)).toEqual(['200', '404']);
  expect((await server.a.request('GET', `/${place}`)).json.meta).toMatchObject({ versionId: '3', tag: [lost, vip] });
});

describe('a call that is wrong is refused and changes nothing', () => {
  const good = withMeta({ tag: [lost] });
  const refusedCall = async (path: string, body: unknown, status: number, text: RegExp, method = 'POST') => {
    const place = await patientWith({});
    const answer = await server.a.request(method, place + path, method === 'GET' ? undefined : body);
    expectRefusal(answer, status);
    expect(answer.json.issue[0].diagnostics).toMatch(text);
    expect((await server.a.request('GET', place)).json.meta.versionId).toBe('1');
  };

  test.each([
    ['no parameter', { resourceType: 'Parameters' }, /needs the parameter "meta"/],
    ['twice', { ...good, parameter: [good.parameter?.[0], good.parameter?.[0]] }, /"meta".*given once/],
    ['another one', { ...good, parameter: [{ name: 'tags', valueCode: 'x' }] }, /"tags".*is unknown; it takes meta/],
    ['another type', { ...good, parameter: [{ name: 'meta', valueCode: 'x' }] }, /must be of type Meta/],
    ['no value', { ...good, parameter: [{ name: 'meta' }] }, /./],
    ['another body', buildPatient(), /takes a Parameters/],
    ['no resource', {}, /./],
    ['a number', 7, /./],
  ])('%s', async (_, body, text) => refusedCall('/$meta-add', body, 400, text));

  test('values in the URL', () => refusedCall('/$meta-add?meta=x', good, 400, /in the body/));
  test('unknown values in the URL', () => refusedCall('/$meta?what=x', undefined, 400, /"what".*is unknown/, 'GET'));
  test('GET for what changes something', () => refusedCall('/$meta-add', undefined, 405, /by POST only/, 'GET'));
  test('an unknown operation', () => refusedCall('/$meta-swap', good, 404, /not offered; there are .*\$meta-add/));
  test('a past version, which nobody changes', () =>
    refusedCall('/_history/1/$meta-add', good, 404, /instance, not of/));

  test.each(['/$meta', '/Patient/$meta', '/$everything', '/Patient/$everything'])(
    '%s, at no level of its own',
    async (path) => {
      const answer = await server.a.request('GET', path);
      expectRefusal(answer, 404);
      expect(answer.json.issue[0].code).toBe('not-supported');
    },
  );

  test.each([
    ['AuditEvent', 'is written by the server only'],
    ['Provenance', 'is written once'],
  ])('%s, which is never changed', async (type, text) => {
    const answer = await server.a.request('POST', `/${type}/x/$meta-add`, good);
    expectRefusal(answer, 405);
    expect(answer.json.issue[0].diagnostics).toContain(text);
  });
});

describe('who may', () => {
  test('$meta needs the right to read, the others that to update, before anything is looked up', async () => {
    const place = await patientWith({});
    const reader = await clientOf(server, server.a, 'system/Patient.r');
    const writer = await clientOf(server, server.a, 'system/Patient.u');
    const add = withMeta({ tag: [lost] });
    expect((await reader.request('GET', `${place}/$meta`)).status).toBe(200);
    expect((await writer.request('POST', `${place}/$meta-add`, add)).status).toBe(200);
    for (const target of [place, '/Patient/nothing']) {
      expectRefusal(await writer.request('GET', `${target}/$meta`), 403);
      expectRefusal(await reader.request('POST', `${target}/$meta-add`, add), 403);
      expectRefusal(await reader.request('POST', `${target}/$meta-delete`, add), 403);
    }
  });

  test('who may change and not read is shown nothing of the meta, with something to do and with nothing (security.md 29)', async () => {
    const place = await patientWith({ tag: [vip], security: [restricted], profile: [profile] });
    const other = await patientWith({ tag: [vip] });
    await server.a.request('PUT', other, { ...(await server.a.request('GET', other)).json, gender: 'other' });
    const blind = await clientOf(server, server.a, 'system/Patient.u');
    const halfBlind = await clientOf(server, server.a, 'system/Patient.u system/Patient.r?gender=other');
    const nothing = { resourceType: 'Parameters' };
    for (const [index, { request }] of [blind, halfBlind].entries()) {
      for (const [code, tag] of [
        ['add', { system: 'urn:t', code: `t${index}` }],
        ['add', vip],
        ['delete', { system: 'urn:t', code: `t${index}` }],
        ['delete', lost],
      ] as const) {
        for (const headers of [{}, { Prefer: 'return=minimal' }, { Prefer: 'return=representation' }]) {
          const { status, json } = await request('POST', `${place}/$meta-${code}`, withMeta({ tag: [tag] }), headers);
          expect([code, status, json]).toEqual([code, 200, nothing]);
        }
      }
    }
    const shown = await halfBlind.request('POST', `${other}/$meta-add`, withMeta({ tag: [lost] }));
    expect(metaOf(shown.json)).toMatchObject({ tag: [vip, lost] });
    const entry = {
      resource: withMeta({ tag: [lost] }),
      request: { method: 'POST', url: `${place.slice(1)}/$meta-add` },
    };
    for (const type of ['batch', 'transaction']) {
      const { text } = await blind.request('POST', '', { resourceType: 'Bundle', type, entry: [entry] });
      expect([text.includes('urn:tags'), text.includes(profile)]).toEqual([false, false]);
    }
    expect((await server.a.request('GET', place)).json.meta.tag).toEqual([vip, lost]);
  });

  test('what is not there, was deleted, or is another tenant’s is 404, 410, 404', async () => {
    const ofB = await patientWith({ tag: [vip] }, server.b);
    const deleted = await patientWith({});
    await server.a.request('DELETE', deleted);
    for (const [place, status] of [
      ['/Patient/nothing', 404],
      [ofB, 404],
      [deleted, 410],
    ] as const) {
      expectRefusal(await server.a.request('GET', `${place}/$meta`), status);
      expectRefusal(await server.a.request('POST', `${place}/$meta-add`, withMeta({ tag: [lost] })), status);
      expectRefusal(await server.a.request('POST', `${place}/$meta-delete`, withMeta({ tag: [vip] })), status);
    }
    expect((await server.b.request('GET', ofB)).json.meta).toMatchObject({ versionId: '1', tag: [vip] });
    expect(await found('_tag=urn:tags|vip', server.b)).toEqual([ofB]);
  });
});
