// Doors of later rounds are shut (security.md, decisions): whoever opens one takes it from this list and brings the tests of its attacks.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { expectNoFailure, expectRefusal } from '../api/refusals.ts';
import { buildPatient } from '../support/builders.ts';
import { send, startTestServer, type TestServer } from '../support/server.ts';

interface Door {
  readonly name: string;
  /** Of security.md, whose tests the door waits for. */
  readonly attacks: readonly number[];
  /** Method and path below the FHIR base, which are 404 or 405. */
  readonly calls: readonly (readonly [method: string, path: string])[];
  /** Words that no operation's name, and no path of the OpenAPI documents, has. */
  readonly words: RegExp;
}

const shutDoors: readonly Door[] = [
  {
    name: 'GraphQL',
    attacks: [19, 93],
    calls: [
      ['POST', '/$graphql'],
      ['GET', '/$graphql?query={Patient(id:1){id}}'],
      ['GET', '/Patient/known/$graphql?query={id}'],
      ['POST', '/$graphql?query=query($a:ID){...F}fragment F on Patient{...F}'],
    ],
    words: /graphql/i,
  },
  {
    name: 'bulk export',
    attacks: [14, 15],
    calls: [
      ['GET', '/$export'],
      ['GET', '/Patient/$export'],
      ['GET', '/Group/x/$export'],
      ['POST', '/$export'],
      ['GET', '/Patient/known/$everything'],
    ],
    // `/admin/tenants/{name}/export` is the operator's, of a whole tenant.
    words: /^export$|\$export|everything/i,
  },
  {
    name: 'bulk import',
    attacks: [42, 109],
    calls: [
      ['POST', '/$import'],
      ['POST', '/Patient/$import'],
    ],
    words: /\$import/i,
  },
  {
    name: 'delivery of Subscriptions',
    attacks: [17, 101, 102, 103, 104],
    calls: [
      ['GET', '/Subscription/known/$status'],
      ['GET', '/Subscription/$get-ws-binding-token'],
      ['GET', '/Subscription/known/$events'],
    ],
    words: /binding-token|\$events/i,
  },
  {
    name: 'tables of figures as CSV',
    attacks: [108, 125],
    calls: [
      ['GET', '/Account/$accounting-export'],
      ['GET', '/$accounting-export'],
      ['GET', '/$report'],
    ],
    words: /csv|accounting-export/i,
  },
];

let server: TestServer;
let listener: Server;
let calls = 0;
beforeAll(async () => {
  server = await startTestServer();
  await server.a.request('PUT', '/Patient/known', { ...buildPatient(), id: 'known' });
  listener = createServer((_, answer) => {
    calls += 1;
    answer.end();
  }).listen(0, '127.0.0.1');
});
afterAll(async () => {
  listener.close();
  expectNoFailure(server.logLines);
  await server.close();
});

describe.each(shutDoors.map((door) => [door.name, door] as const))('%s', (_, { calls: paths, words }) => {
  test.each(paths)('%s %s is nowhere', async (method, path) => {
    const answer = await server.a.request(method, path, method === 'POST' ? { resourceType: 'Parameters' } : undefined);
    expect([404, 405]).toContain(answer.status);
  });

  test('is nothing that the server says it can do', async () => {
    const { json } = await server.a.request('GET', '/metadata');
    const [rest] = json.rest as { operation?: { name: string }[]; resource: { operation?: { name: string }[] }[] }[];
    const names = [
      ...(rest?.operation ?? []),
      ...(rest?.resource ?? []).flatMap(({ operation = [] }) => operation),
    ].map(({ name }) => name);
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => words.test(name))).toEqual([]);
    const documents = await Promise.all(
      ['/openapi.json', '/t/clinic-a/openapi.json'].map((path) => send(`${server.origin}${path}`, 'GET')),
    );
    const places = documents.flatMap(({ json: document }) => Object.keys(document?.paths ?? {}));
    expect(places.filter((place) => words.test(place))).toEqual([]);
  });
});

describe('a Subscription whose endpoint may be called is kept and calls nobody, and no other is kept', () => {
  const endpoints = () => {
    const { port } = listener.address() as AddressInfo;
    return [
      ...[
        `http://127.0.0.1:${port}/`,
        `http://[::ffff:127.0.0.1]:${port}/`,
        `http://0x7f.1:${port}/`,
        `http://2130706433:${port}/`,
        `http://user@127.0.0.1:${port}/`,
      ],
      ...[
        'http://169.254.169.254/latest/',
        'https://metadata.internal/',
        'file:///etc/passwd',
        'gopher://127.0.0.1:6379/_SET',
      ],
    ];
  };

  test('whatever its endpoint and its header say', async () => {
    const subscribe = (endpoint: string, header: readonly string[]) =>
      server.a.request('POST', '/Subscription', {
        ...{ resourceType: 'Subscription', status: 'requested', reason: 'x', criteria: 'Patient?' },
        channel: { type: 'rest-hook', endpoint, payload: 'application/fhir+json', header: [...header] },
      });
    for (const endpoint of endpoints())
      expectRefusal(await subscribe(endpoint, ['Host: x\r\nX: y', 'Authorization: Bearer secret']), 422);
    // Whose host the operator of the tests has named.
    const { json, status } = await subscribe(endpoints()[0] as string, ['Authorization: Bearer secret']);
    expect([status, json.status]).toEqual([201, 'requested']);
    for (let n = 0; n < 5; n += 1) await server.a.request('POST', '/Patient', buildPatient());
    expect(calls).toBe(0);
  });
});

test('each door names the attacks that wait for it', () => {
  const numbers = shutDoors.flatMap(({ attacks }) => attacks);
  expect(numbers.every((number) => number >= 1 && number <= 125)).toBe(true);
  expect(new Set(shutDoors.map(({ name }) => name)).size).toBe(shutDoors.length);
});
