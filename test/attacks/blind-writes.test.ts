// Who may change a resource and not read it learns nothing of it by changing it (SMART App Launch 2.2, scopes: `u` is no `r`; security.md 29).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clientOf, type TestClient } from '../api/clients.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/server.ts';

let server: TestServer;
/** May create, update and search, but not read; may do so with some rows; may do all. */
let blind: TestClient;
let halfBlind: TestClient;
let seeing: TestTenant;
beforeAll(async () => {
  server = await startTestServer();
  blind = await clientOf(server, server.a, 'system/Patient.cus');
  halfBlind = await clientOf(server, server.a, 'system/Patient.cus system/Patient.r?gender=female');
  seeing = server.a;
}, 60_000);
afterAll(() => server.close());

const family = 'Geheim';
const patch = [{ op: 'add', path: '/active', value: true }];
const jsonPatch = { 'Content-Type': 'application/json-patch+json' };

async function makePatient(more: object = {}) {
  const identifier = [{ system: 'urn:mrn', value: `m${Math.random()}` }];
  const body = { resourceType: 'Patient', identifier, name: [{ family }], gender: 'male', ...more };
  const { json } = await seeing.request('POST', '/Patient', body);
  return {
    body: { ...body, id: json.id as string },
    place: `/Patient/${json.id}`,
    query: `/Patient?identifier=${identifier[0]?.value}`,
  };
}

describe.each([
  ['without r', () => blind],
  ['with r for other rows', () => halfBlind],
])('%s', (_, of) => {
  test.each(['', 'return=representation', 'return=OperationOutcome'])(
    'PATCH and PUT, by id and by criteria, answer nothing of it with Prefer: "%s"',
    async (Prefer) => {
      const { body, place, query } = await makePatient();
      const headers = Prefer === '' ? {} : { Prefer };
      const answers = [
        await of().request('PATCH', place, patch, { ...jsonPatch, ...headers }),
        await of().request('PATCH', query, patch, { ...jsonPatch, ...headers }),
        await of().request('PUT', place, { ...body, active: false }, headers),
        await of().request('PUT', query, { ...body, active: true }, headers),
      ];
      for (const answer of answers) {
        expect([answer.status, answer.text, answer.headers.get('preference-applied')]).toEqual([200, '', null]);
        expect(answer.headers.get('etag')).toMatch(/^W\/"\d"$/);
      }
      expect((await seeing.request('GET', place)).json.active).toBe(true);
    },
  );

  test('a conditional create that finds one shows nothing of it, either; what is created is what was sent', async () => {
    const { body, query } = await makePatient();
    const headers = { 'If-None-Exist': query.slice(query.indexOf('?') + 1) };
    const found = await of().request('POST', '/Patient', { resourceType: 'Patient', gender: 'male' }, headers);
    expect([found.status, found.text]).toEqual([200, '']);
    expect(found.headers.get('location')).toContain(body.id);
    const made = await of().request('POST', '/Patient', { resourceType: 'Patient', gender: 'male' });
    expect([made.status, made.json.gender]).toEqual([201, 'male']);
  });

  test('nor in a batch or a transaction', async () => {
    const { body, place } = await makePatient();
    const other = await makePatient();
    for (const type of ['batch', 'transaction']) {
      const { id: _, ...content } = body;
      const entry = [
        { request: { method: 'PUT', url: place.slice(1) }, resource: { ...content, id: body.id, active: true } },
        {
          request: { method: 'POST', url: 'Patient', ifNoneExist: `identifier=${other.body.identifier[0]?.value}` },
          resource: { resourceType: 'Patient' },
        },
      ];
      for (const Prefer of ['return=representation', 'return=OperationOutcome']) {
        const answer = await of().request('POST', '', { resourceType: 'Bundle', type, entry }, { Prefer });
        const told = answer.json.entry.map((one: { response: { status: string } }) => [
          one.response.status.slice(0, 3),
          'resource' in one,
          'outcome' in one.response,
        ]);
        expect(told).toEqual([
          ['200', false, false],
          ['200', false, false],
        ]);
        expect(answer.text).not.toContain(family);
      }
    }
  });
});

test('what may be read is answered as ever', async () => {
  const { place } = await makePatient({ gender: 'female' });
  const answer = await halfBlind.request('PATCH', place, patch, jsonPatch);
  expect([answer.status, answer.json.name[0].family]).toEqual([200, family]);
});

describe('a patch does not ask what is there', () => {
  const asking: readonly (readonly [what: string, body: unknown, headers: Record<string, string>])[] = [
    ['the operation test', [{ op: 'test', path: '/name/0/family', value: family }, ...patch], jsonPatch],
    [
      'a filter of a FHIRPath Patch',
      {
        resourceType: 'Parameters',
        parameter: [
          {
            name: 'operation',
            part: [
              { name: 'type', valueCode: 'replace' },
              { name: 'path', valueString: `Patient.name.where(family = '${family}').family` },
              { name: 'value', valueString: 'X' },
            ],
          },
        ],
      },
      { 'Content-Type': 'application/fhir+json' },
    ],
  ];

  test.each(asking)('%s: 403 for right and wrong guesses alike', async (_, body, headers) => {
    const { place } = await makePatient();
    const wrong = JSON.parse(JSON.stringify(body).replaceAll(family, 'Anders'));
    const [good, bad] = [
      await blind.request('PATCH', place, body, headers),
      await blind.request('PATCH', place, wrong, headers),
    ];
    expect([good.status, bad.status, bad.text]).toEqual([403, 403, good.text]);
    expect((await seeing.request('PATCH', place, body, headers)).status).toBe(200);
  });

  test.each(asking)('%s: nor in a batch or a transaction', async (_, body) => {
    const { place } = await makePatient();
    const resource = Array.isArray(body)
      ? {
          resourceType: 'Binary',
          contentType: 'application/json-patch+json',
          data: Buffer.from(JSON.stringify(body)).toString('base64'),
        }
      : body;
    const entry = [{ resource, request: { method: 'PATCH', url: place.slice(1) } }];
    const sent = (type: string) => blind.request('POST', '', { resourceType: 'Bundle', type, entry });
    expect((await sent('transaction')).status).toBe(403);
    expect((await sent('batch')).json.entry[0].response.status).toMatch(/^403/);
  });
});
