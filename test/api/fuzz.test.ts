// Generated bad input: whatever arrives, the answer is below 500, and a refusal is an OperationOutcome: https://hl7.org/fhir/R4/http.html#Status-Codes

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { rawRequest, sendRaw } from '../http/raw-request.ts';
import { buildAppointment, buildObservation, buildPatient } from '../support/builders.ts';
import { send, startTestServer, type TestResponse, type TestServer } from '../support/server.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

const seed = 20_261_120;
const options = { seed, numRuns: 250 };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  expect((await send(`${server.origin}/readyz`, 'GET')).status).toBe(200);
  expectNoFailure(server.logLines);
  await server.close();
});

function expectAnswer(answer: TestResponse): void {
  expect(answer.status).toBeLessThan(500);
  if (answer.status >= 400) expectRefusal(answer);
}

const good: readonly object[] = [
  buildPatient(),
  buildObservation('Patient/1'),
  buildAppointment('Patient/1', 'Practitioner/1'),
];
const bundleOf = (resource: unknown) => ({
  resourceType: 'Bundle',
  type: 'transaction',
  entry: [{ fullUrl: 'urn:uuid:1', resource, request: { method: 'POST', url: 'Patient' } }],
});

/** A good text with some of its characters cut out, doubled or replaced. */
const brokenText = fc
  .tuple(
    fc.constantFrom(...good),
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.nat(20),
        fc.constantFrom('', '"', '{', '}', '[', ']', ',', ':', '\\', '\u0000', '1e9', 'null', 'é', '\ud800'),
      ),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
  )
  .map(([resource, cuts]) =>
    cuts.reduce((text, [at, length, put]) => {
      const start = at % text.length;
      return text.slice(0, start) + put + text.slice(start + length);
    }, JSON.stringify(resource)),
  );

const strange = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>([], {}, null, '', 0, -0, 1e308, 'Patient/1', '../..', 'urn:uuid:1', [null], [[]], {
    reference: 7,
  }),
);

/** A good resource with one of its values, at any depth, replaced by something strange. */
const brokenValue = fc.tuple(fc.constantFrom(...good), fc.nat(), strange).map(([resource, at, value]) => {
  const places: [Record<string, unknown>, string][] = [];
  const copy = structuredClone(resource) as Record<string, unknown>;
  const walk = (node: Record<string, unknown>) => {
    for (const [key, child] of Object.entries(node)) {
      places.push([node, key]);
      if (typeof child === 'object' && child !== null) walk(child as Record<string, unknown>);
    }
  };
  walk(copy);
  const [node, key] = places[at % places.length] as [Record<string, unknown>, string];
  node[key] = value;
  return copy;
});

describe(`bodies (seed ${seed})`, () => {
  const post = (path: string, body: string) => server.a.request('POST', path, body);

  test('texts that are nearly JSON', async () => {
    await fc.assert(
      fc.asyncProperty(brokenText, async (text) => {
        for (const path of ['/Patient', '/Observation', '']) expectAnswer(await post(path, text));
      }),
      options,
    );
  });

  test('any JSON at all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), async (text) => expectAnswer(await post('/Patient', text))),
      options,
    );
  });

  test('resources with one strange value, alone and in a Bundle', async () => {
    await fc.assert(
      fc.asyncProperty(brokenValue, async (resource) => {
        const type = typeof resource.resourceType === 'string' ? encodeURIComponent(resource.resourceType) : 'Patient';
        expectAnswer(await post(`/${type}`, JSON.stringify(resource)));
        expectAnswer(await post('', JSON.stringify(bundleOf(resource))));
      }),
      options,
    );
  });

  test('Bundles with a strange part', async () => {
    const part = fc.constantFrom(
      'fullUrl',
      'resource',
      'request',
      'method',
      'url',
      'ifMatch',
      'ifNoneExist',
      'entry',
      'type',
    );
    await fc.assert(
      fc.asyncProperty(part, strange, fc.constantFrom('batch', 'transaction'), async (name, value, type) => {
        const request = {
          method: 'POST',
          url: 'Patient',
          ...(['method', 'url', 'ifMatch', 'ifNoneExist'].includes(name) ? { [name]: value } : {}),
        };
        const entry = {
          resource: buildPatient(),
          request,
          ...(['fullUrl', 'resource', 'request'].includes(name) ? { [name]: value } : {}),
        };
        const bundle = {
          resourceType: 'Bundle',
          type,
          entry: [entry],
          ...(['entry', 'type'].includes(name) ? { [name]: value } : {}),
        };
        const answer = await post('', JSON.stringify(bundle));
        expectAnswer(answer);
        for (const one of answer.json.entry ?? []) expect(Number(one.response.status.slice(0, 3))).toBeLessThan(500);
      }),
      options,
    );
  });

  test('JSON Patches with strange parts', async () => {
    await server.a.request('PUT', '/Patient/patched', { ...buildPatient(), id: 'patched' });
    const path = fc.oneof(
      fc.constantFrom(
        '',
        '/',
        '/name/0',
        '/name/-',
        '/name/01',
        '/name/4294967296',
        '/id',
        '/meta',
        '/meta/tag',
        '/~0~1',
        "/name/0'||(x)",
        '/__proto__/x',
        '/constructor/prototype/x',
        '/name/length',
      ),
      fc.string(),
    );
    const operation = fc.record(
      {
        op: fc.constantFrom<unknown>('add', 'remove', 'replace', 'move', 'copy', 'test', 7),
        path,
        from: path,
        value: strange,
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.array(operation, { maxLength: 3 }), strange), async (patch) => {
        const headers = { 'Content-Type': 'application/json-patch+json' };
        expectAnswer(await server.a.request('PATCH', '/Patient/patched', JSON.stringify(patch), headers));
      }),
      options,
    );
    const { json } = await server.a.request('GET', '/Patient/patched');
    expect(json).toMatchObject({ resourceType: 'Patient', id: 'patched' });
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });
});

describe(`URLs (seed ${seed})`, () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom(
      "' OR 1=1--",
      '$1',
      '\\',
      '%',
      '\u0000',
      '__proto__',
      'constructor',
      '2020',
      'ge2020',
      'a|b',
      '|',
      ',',
      '..',
      'Patient/1',
    ),
  );
  const names = [
    ...[
      '_id',
      '_lastUpdated',
      '_count',
      '_sort',
      '_include',
      '_total',
      '_summary',
      '_elements',
      '_cursor',
      '_format',
      '_has',
    ],
    ...[
      'name',
      'family:exact',
      'identifier',
      'birthdate',
      'gender',
      'general-practitioner',
      'phone',
      'link:Patient',
      '__proto__',
      'constructor',
    ],
  ];

  test('searches with any names and values (security.md 77, 78, 80)', async () => {
    const pair = fc.tuple(fc.oneof(fc.constantFrom(...names), text), text);
    await fc.assert(
      fc.asyncProperty(fc.array(pair, { maxLength: 5 }), async (pairs) => {
        const query = new URLSearchParams(pairs).toString();
        expectAnswer(await server.a.request('GET', `/Patient?${query}`));
        const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
        expectAnswer(await server.a.request('POST', '/AuditEvent/_search', query, form));
      }),
      options,
    );
  });

  test('paths of any bytes that a request line can hold', async () => {
    const printable = fc.string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
      maxLength: 40,
    });
    const part = fc.oneof(
      printable,
      fc.constantFrom('Patient', '_history', '..', '%2e%2e', '%00', '%', '%zz', '$x', '', '_search', 'metadata', '1'),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { maxLength: 5 }),
        fc.constantFrom('GET', 'DELETE', 'POST', 'PUT', 'PATCH'),
        async (parts, method) => {
          const lines = [
            `${method} /t/clinic-a/fhir/${parts.join('/')} HTTP/1.1`,
            `Authorization: Bearer ${server.a.token}`,
          ];
          const { status } = await sendRaw(server.origin, rawRequest([...lines, 'Content-Length: 0']));
          expect(status).toBeGreaterThanOrEqual(200);
          expect(status).toBeLessThan(500);
        },
      ),
      options,
    );
  });

  test('headers of any printable value', async () => {
    const value = fc.string({
      unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
      maxLength: 60,
    });
    const name = fc.constantFrom(
      'Accept',
      'Content-Type',
      'If-Match',
      'If-None-Match',
      'Prefer',
      'Idempotency-Key',
      'X-Request-Id',
      'Authorization',
      'Content-Encoding',
      'If-None-Exist',
      'Range',
    );
    await fc.assert(
      fc.asyncProperty(
        name,
        value.filter((one) => !/[\u007f-\u009f]/.test(one)),
        async (header, given) => {
          const body = JSON.stringify(buildPatient());
          const own = [`Authorization: Bearer ${server.a.token}`, 'Content-Type: application/fhir+json'];
          const lines = [
            'POST /t/clinic-a/fhir/Patient HTTP/1.1',
            ...own.filter((line) => !line.startsWith(header)),
            `${header}: ${given}`,
          ];
          const { status } = await sendRaw(
            server.origin,
            rawRequest([...lines, `Content-Length: ${Buffer.byteLength(body)}`], body),
          );
          expect(status).toBeGreaterThanOrEqual(200);
          expect(status).toBeLessThan(500);
        },
      ),
      options,
    );
  });
});
