// The server's own OperationDefinitions and SearchParameters: read by everybody, written by nobody: https://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.rest.resource.operation.definition

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from '../support/server.ts';
import { deleteEntry, expressionsOf, putEntry, sendBundle } from './bundle-requests.ts';
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

const builtIn = [
  '/SearchParameter/Patient-identifier',
  '/SearchParameter/Resource-id',
  '/OperationDefinition/Resource-meta',
];

describe('a built-in definition', () => {
  test.each(builtIn)('is read by every tenant: %s', async (place) => {
    for (const tenant of [server.a, server.b]) {
      const { status, json } = await tenant.request('GET', place);
      expect([status, `/${json.resourceType}/${json.id}`]).toEqual([200, place]);
    }
  });

  test('needs the right to read its type, as any resource', async () => {
    const client = await clientOf(server, server.a, 'system/SearchParameter.r');
    expect((await client.request('GET', '/SearchParameter/Patient-identifier')).status).toBe(200);
    expectRefusal(await client.request('GET', '/OperationDefinition/Resource-meta'), 403);
  });

  test('is there only for what is offered', async () => {
    for (const place of ['/SearchParameter/Patient-phonetic', '/SearchParameter/nothing', '/OperationDefinition/x']) {
      expectRefusal(await server.a.request('GET', place), 404);
    }
  });

  test.each(builtIn)('is never written, patched or deleted, and stays what it was: %s', async (place) => {
    const { json: before } = await server.a.request('GET', place);
    const patch = { 'Content-Type': 'application/json-patch+json' };
    const rename = [{ op: 'replace', path: '/name', value: 'mine' }];
    for (const refusal of [
      await server.a.request('PUT', place, { ...before, name: 'mine' }),
      await server.a.request('PATCH', place, rename, patch),
      await server.a.request('DELETE', place),
    ]) {
      expectRefusal(refusal, 405);
      expect(refusal.json.issue[0].diagnostics).toMatch(/definition of the server itself/);
    }
    expect((await server.a.request('GET', place)).json).toEqual(before);
  });

  test('makes a transaction that writes it fail, with the entry’s place', async () => {
    const { json } = await server.a.request('GET', '/SearchParameter/Patient-identifier');
    const answer = await sendBundle(server.a, 'transaction', [putEntry({ ...json, name: 'mine' })]);
    expectRefusal(answer, 405);
    expect(expressionsOf(answer)[0]).toMatch(/^Bundle\.entry\[0\]/);
    expectRefusal(await sendBundle(server.a, 'transaction', [deleteEntry('SearchParameter/Resource-id')]), 405);
  });
});

test('a definition of a tenant’s own lives beside them, for that tenant only', async () => {
  const { id: _id, ...own } = (await server.a.request('GET', '/SearchParameter/Patient-identifier')).json;
  const mine = { ...own, url: 'http://example.org/SearchParameter/mine', name: 'mine', code: 'mine' };
  const { json } = await server.a.request('POST', '/SearchParameter', mine);
  expect((await server.a.request('GET', `/SearchParameter/${json.id}`)).json).toMatchObject(mine);
  expectRefusal(await server.b.request('GET', `/SearchParameter/${json.id}`), 404);
});
