// Bundles of hostile shapes are bounded and answered clearly, and nothing of what is refused is written: https://hl7.org/fhir/R4/http.html#trules

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { send, startTestServer, type TestResponse, type TestServer } from '../support/server.ts';
import {
  deleteEntry,
  type Entry,
  expressionsOf,
  getEntry,
  placeOf,
  postEntry,
  putEntry,
  sendBundle,
  statusesOf,
} from './bundle-requests.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterEach(async () => {
  expect((await send(`${server.origin}/readyz`, 'GET')).status).toBe(200);
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const transaction = (...entry: Entry[]) => sendBundle(server.a, 'transaction', entry);
const batch = (...entry: Entry[]) => sendBundle(server.a, 'batch', entry);
const post = (body: unknown) => server.a.request('POST', '', body);
const get = async (path: string) => (await server.a.request('GET', path)).json;
const uuid = (n: number) => `urn:uuid:00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const million = 'x'.repeat(1_000_000);
const list = <T>(length: number, make: (index: number) => T) => Array.from({ length }, (_, index) => make(index));

let numbers = 0;
const freshIdentifier = () => ({ system: 'urn:hostile', value: `h${++numbers}` });
const identifierOf = ({ system, value }: { system: string; value: string }) => `identifier=${system}|${value}`;

/** Of both tenants. */
async function versionsStored(): Promise<number[]> {
  const totals = [server.a, server.b].map(
    async (tenant) => (await tenant.request('GET', '/_history?_count=0')).json.total,
  );
  return await Promise.all(totals);
}

/** Sends it, sees that nothing was written and that the first issue is at this place. */
async function expectRefused(work: () => Promise<TestResponse>, status: number, place: string | RegExp) {
  const before = await versionsStored();
  const answer = await work();
  expectRefusal(answer, status);
  expect(answer.text.length).toBeLessThan(100_000);
  if (typeof place === 'string') expect(expressionsOf(answer)[0]).toBe(place);
  else expect(expressionsOf(answer)[0]).toMatch(place);
  expect(await versionsStored()).toEqual(before);
  return answer;
}

/** Good entries stand around the bad one, which is `Bundle.entry[1]`. */
const refusesEntry = (entry: Entry, status: number, place: string | RegExp = /^Bundle\.entry\[1\]/) =>
  expectRefused(() => transaction(postEntry(buildPatient()), entry, postEntry(buildPatient())), status, place);

describe('too many', () => {
  test.each(['transaction', 'batch'] as const)(
    '100,000 entries of a %s are 413 before the first is done (security.md 87)',
    async (type) => {
      const entry = list(100_000, () => ({ request: { method: 'DELETE', url: 'Patient/1' } }));
      await expectRefused(() => post({ resourceType: 'Bundle', type, entry }), 413, 'Bundle.entry');
    },
  );

  test('10,000 are taken', async () => {
    const answer = await transaction(...list(10_000, (n) => deleteEntry(`Patient/nobody-${n}`)));
    expect([answer.status, answer.json.entry.length]).toEqual([200, 10_000]);
  });

  test('10,001 good creates are 413', async () => {
    const entry = list(10_001, () => postEntry({ resourceType: 'Basic', code: { text: 'x' } }));
    await expectRefused(() => transaction(...entry), 413, 'Bundle.entry');
  });

  test('5,001 different conditional references are refused; 200 equal ones are one question', async () => {
    const entry = list(5_001, (n) => postEntry(buildObservation(`Patient?identifier=urn:hostile|r${n}`)));
    await expectRefused(() => transaction(...entry), 400, /^Bundle\.entry\[5000\]\.resource\.subject/);
    const identifier = freshIdentifier();
    const { json } = await server.a.request('POST', '/Patient', buildPatient({ identifier: [identifier] }));
    const answer = await transaction(
      ...list(200, () => postEntry(buildObservation(`Patient?${identifierOf(identifier)}`))),
    );
    expect(new Set(statusesOf(answer))).toEqual(new Set(['201']));
    for (const { resource } of answer.json.entry) expect(resource.subject.reference).toBe(`Patient/${json.id}`);
  });

  test('501 conditional references that each need a search of their own are refused, and the place is named', async () => {
    const entry = list(501, (n) => postEntry(buildObservation(`Patient?birthdate=gt${1000 + n}-01-01`)));
    await expectRefused(() => transaction(...entry), 400, /^Bundle\.entry\[\d+\]\.resource\.subject/);
  });

  test('100,000 unknown members are refused where the JSON is read, 1,000 in each of 100 entries by name', async () => {
    const members = (count: number) => Object.fromEntries(list(count, (n) => [`member${n}`, n]));
    const answer = await post({
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [postEntry({ resourceType: 'Patient', ...members(100_000) })],
    });
    expectRefusal(answer, 400);
    expect(answer.json.issue[0].diagnostics).toMatch(/line 1, column \d+/);
    const many = list(100, () => postEntry({ resourceType: 'Patient', ...members(990) }));
    await expectRefused(() => transaction(...many), 400, /^Bundle\.entry\[0\]\.resource/);
  });

  test('a conditional delete of 1,001 is 412 and deletes none, in both kinds of bundle', async () => {
    const identifier = [freshIdentifier()];
    const made = await transaction(...list(1_001, () => postEntry(buildPatient({ identifier }))));
    expect(made.status).toBe(200);
    const entry = deleteEntry(`Patient?${identifierOf(identifier[0] as { system: string; value: string })}`);
    await refusesEntry(entry, 412);
    const before = await versionsStored();
    expect(statusesOf(await batch(entry))).toEqual(['412']);
    expect(await versionsStored()).toEqual(before);
  });
});

describe('links', () => {
  test('in a circle, and to oneself, are resolved (trules: "including circular references")', async () => {
    const linked = (to: number) => buildPatient({ link: [{ other: { reference: uuid(to) }, type: 'seealso' }] });
    const answer = await transaction(
      postEntry(linked(2), uuid(1)),
      postEntry(linked(3), uuid(2)),
      postEntry(linked(1), uuid(3)),
      postEntry(linked(4), uuid(4)),
    );
    expect(statusesOf(answer)).toEqual(['201', '201', '201', '201']);
    const targets = answer.json.entry.map(
      ({ resource }: { resource: { link: { other: { reference: string } }[] } }) => resource.link[0]?.other.reference,
    );
    expect(targets).toEqual([1, 2, 0, 3].map((index) => placeOf(answer, index)));
    expect((await get(`/${placeOf(answer, 0)}`)).link[0].other.reference).toBe(placeOf(answer, 1));
  });

  test('in a chain of 5,000 are resolved, whichever way they point', async () => {
    const member = (n: number) => ({
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'x' },
      hasMember: [{ reference: uuid(n) }],
    });
    const entry = list(5_000, (n) => postEntry(member(n === 4_999 ? 4_998 : n + 1), uuid(n)));
    const answer = await transaction(...entry.slice(2_500), ...entry.slice(0, 2_500));
    expect(answer.status).toBe(200);
    const ids: string[] = answer.json.entry.map(({ resource }: { resource: { id: string } }) => resource.id);
    const inOrder = [...ids.slice(2_500), ...ids.slice(0, 2_500)];
    const targets = answer.json.entry.map(
      ({ resource }: { resource: { hasMember: { reference: string }[] } }) => resource.hasMember[0]?.reference,
    );
    expect([...targets.slice(2_500), ...targets.slice(0, 2_500)]).toEqual(
      inOrder.map((_, n) => `Observation/${inOrder[n === 4_999 ? 4_998 : n + 1]}`),
    );
  }, 60_000);

  test('by the same full URL are refused at the second entry that has it (bdl-7)', async () => {
    const entry = [5, 6, 5, 5].map((n) => postEntry(buildPatient(), uuid(n)));
    await expectRefused(() => transaction(...entry), 400, 'Bundle.entry[2].fullUrl');
  });

  test('that lead to no entry are refused at the reference', async () => {
    await refusesEntry(postEntry(buildObservation(uuid(999))), 400, 'Bundle.entry[1].resource.subject');
    await refusesEntry(postEntry(buildObservation(`urn:uuid:${million}`)), 400, 'Bundle.entry[1].resource.subject');
  });

  test('to other servers stay as they are, and nobody is asked', async () => {
    const foreign = 'http://127.0.0.1:9/fhir/Patient/1';
    const answer = await transaction(postEntry(buildObservation(foreign), 'http://127.0.0.1:9/fhir/Observation/1'));
    expect(answer.json.entry[0].resource.subject.reference).toBe(foreign);
    expect(answer.json.entry[0].fullUrl).toBe(`${server.a.baseUrl}/${placeOf(answer, 0)}`);
  });

  test("to another tenant's resources say nothing of them and change nothing there", async () => {
    const identifier = [freshIdentifier()];
    const { id } = (await server.b.request('POST', '/Patient', buildPatient({ identifier }))).json;
    const of = identifierOf(identifier[0] as { system: string; value: string });
    for (const request of [
      getEntry(`Patient/${id}`),
      getEntry(`${server.b.baseUrl}/Patient/${id}`),
      deleteEntry(`${server.b.baseUrl}/Patient/${id}`),
      postEntry(buildObservation(`Patient?${of}`)),
      { resource: binary('application/merge-patch+json', '{}'), request: { method: 'PATCH', url: `Patient/${id}` } },
      { resource: binary('application/merge-patch+json', '{}'), request: { method: 'PATCH', url: `Patient?${of}` } },
    ]) {
      const before = await versionsStored();
      const answer = await transaction(postEntry(buildPatient()), request);
      expectRefusal(answer, [400, 404, 412]);
      expect(expressionsOf(answer)[0]).toMatch(/^Bundle\.entry\[1\]/);
      expect(await versionsStored()).toEqual(before);
    }
    const answer = await transaction(
      deleteEntry(`Patient?${of}`),
      putEntry({ ...buildPatient(), id }),
      postEntry(buildObservation(`Patient/${id}`)),
    );
    expect(statusesOf(answer)).toEqual(['204', '201', '201']);
    expect((await server.b.request('GET', `/Patient/${id}`)).json.meta.versionId).toBe('1');
    expect((await server.b.request('GET', `/Observation?subject=Patient/${id}`)).json.total).toBe(0);
  });
});

describe('criteria', () => {
  const ifNoneExist = (resource: object, query: string) => ({
    ...postEntry(resource),
    request: { method: 'POST', url: 'Patient', ifNoneExist: query },
  });

  test('that two entries have are refused at the second', async () => {
    const identifier = [freshIdentifier()];
    const entry = ifNoneExist(
      buildPatient({ identifier }),
      identifierOf(identifier[0] as { system: string; value: string }),
    );
    await expectRefused(() => transaction(entry, entry), 400, /^Bundle\.entry\[1\]/);
  });

  test('of 1 MB are refused where they stand', async () => {
    await refusesEntry(
      ifNoneExist(buildPatient(), `identifier=${million}`),
      400,
      'Bundle.entry[1].request.ifNoneExist',
    );
    await refusesEntry(deleteEntry(`Patient?identifier=${million}`), 400, 'Bundle.entry[1].request.url');
    await refusesEntry(
      postEntry(buildObservation(`Patient?identifier=${million}`)),
      400,
      'Bundle.entry[1].resource.subject',
    );
  });

  test.each(['Patient?nonsense=1', 'Patient?', 'Patient?_count=1', 'Patient?birthdate=soon'])(
    'of a conditional reference that mean nothing (%s) are refused where it stands',
    async (reference) => {
      const answer = await transaction(postEntry(buildPatient()), postEntry(buildObservation(reference)));
      expectRefusal(answer, [400, 412]);
      expect(expressionsOf(answer)).toEqual(['Bundle.entry[1].resource.subject']);
    },
  );

  test('of a conditional reference see what the same transaction deletes, moves and patches (trules, step 5)', async () => {
    const [deleted, moved, patched] = [freshIdentifier(), freshIdentifier(), freshIdentifier()];
    const put = (id: string, identifier: object, family = 'Hostile') =>
      putEntry({ ...buildPatient({ name: [{ family }] }), id, identifier: [identifier] });
    await transaction(
      put('deleted', deleted, 'Deletedly'),
      put('moved', freshIdentifier()),
      put('patch-me', freshIdentifier()),
    );
    const referring = (query: string) => postEntry(buildObservation(`Patient?${query}`));
    for (const query of [identifierOf(deleted), 'family=Deletedly'])
      await expectRefused(
        () => transaction(referring(query), deleteEntry('Patient/deleted')),
        412,
        'Bundle.entry[0].resource.subject',
      );
    const answer = await transaction(
      referring(identifierOf(moved)),
      referring(identifierOf(patched)),
      put('moved', moved),
      {
        resource: binary('application/merge-patch+json', JSON.stringify({ identifier: [patched] })),
        request: { method: 'PATCH', url: 'Patient/patch-me' },
      },
    );
    expect(statusesOf(answer)).toEqual(['201', '201', '200', '200']);
    expect(answer.json.entry[0].resource.subject.reference).toBe('Patient/moved');
    expect(answer.json.entry[1].resource.subject.reference).toBe('Patient/patch-me');
  });

  test('that entries have of each other are read when all are written: they refer to each other (trules, step 5)', async () => {
    const [one, two] = [freshIdentifier(), freshIdentifier()];
    const linked = (own: typeof one, other: typeof one) =>
      ifNoneExist(
        buildPatient({
          identifier: [own],
          link: [{ other: { reference: `Patient?${identifierOf(other)}` }, type: 'seealso' }],
        }),
        identifierOf(own),
      );
    const answer = await transaction(linked(one, two), linked(two, one));
    expect(statusesOf(answer)).toEqual(['201', '201']);
    const targets = answer.json.entry.map(
      ({ resource }: { resource: { link: { other: { reference: string } }[] } }) => resource.link[0]?.other.reference,
    );
    expect(targets).toEqual([placeOf(answer, 1), placeOf(answer, 0)]);
  });
});

describe('shapes', () => {
  test.each([
    ['null', null],
    ['a number', 1e300],
    ['a text', 'POST Patient'],
    ['a list', [postEntry({ resourceType: 'Patient' })]],
    ['an empty object', {}],
    ['a bundle', { resourceType: 'Bundle', type: 'transaction', entry: [] }],
    ['a request that is a list', { request: [{ method: 'GET', url: 'Patient/1' }] }],
    [
      'names of prototypes',
      { constructor: 1, toString: 2, hasOwnProperty: 3, request: { constructor: 'GET', valueOf: 'Patient' } },
    ],
    ['a method that is the name of one', { request: { method: 'constructor', url: 'Patient/1' } }],
    [
      'a type that is the name of one',
      { resource: { resourceType: 'constructor' }, request: { method: 'POST', url: 'constructor' } },
    ],
    [
      'a resource of such a type',
      { resource: { resourceType: 'toString' }, request: { method: 'POST', url: 'Patient' } },
    ],
    ['a url of 1 MB', getEntry(`Patient/${million}`)],
    ['a full URL of 1 MB', postEntry({ resourceType: 'Patient' }, `urn:uuid:${million}`)],
    ['an id of 1 MB', putEntry({ resourceType: 'Patient', id: million })],
    [
      'another id of 1 MB in the body',
      { resource: { resourceType: 'Patient', id: million }, request: { method: 'PUT', url: 'Patient/1' } },
    ],
    ['an ifMatch of 1 MB', putEntry({ ...buildPatient(), id: 'm' }, { ifMatch: million })],
    ['an ifMatch that is a list', putEntry({ ...buildPatient(), id: 'm' }, { ifMatch: ['W/"1"'] })],
  ])('an entry that is or has %s is refused by its index', async (_, entry) => {
    const answer = await refusesEntry(entry, 400);
    expect(answer.text.length).toBeLessThan(10_000);
    const inBatch = await batch(getEntry('Patient?_count=0'), entry, getEntry('Patient?_count=0'));
    expect(statusesOf(inBatch)).toEqual(['200', '400', '200']);
  });

  test.each(['\n', '\r\n', '\t', '\u007f', '\u2028', '\ud7ff', '%0a', '%00', ' '])(
    'a url with %j in it is refused',
    async (character) => {
      for (const url of [`Patient/1${character}`, `${character}Patient/1`, `Patient/${character}1`])
        await refusesEntry(getEntry(url), 400, 'Bundle.entry[1].request.url');
    },
  );

  test('bundles in bundles are stored as they are and not carried out', async () => {
    const inner = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        postEntry(buildPatient({ name: [{ family: 'Inner' }] }), uuid(1)),
        postEntry(buildObservation('Patient?identifier=nobody')),
      ],
    };
    const nested = list(17, (n) => n).reduce<object>(
      (within) => ({ resourceType: 'Bundle', type: 'collection', entry: [{ resource: within }] }),
      inner,
    );
    const answer = await transaction(
      postEntry(nested),
      postEntry({ resourceType: 'Parameters', parameter: [{ name: 'bundle', resource: nested }] }),
    );
    expect(statusesOf(answer)).toEqual(['201', '201']);
    expect((await get('/Patient?family=Inner')).total).toBe(0);
    expect(JSON.stringify(await get(`/${placeOf(answer, 0)}`))).toContain(uuid(1));
  });

  test('nesting of 65 levels is refused where the JSON is read, and one entry of 60 is its own fault', async () => {
    const nest = (depth: number): object =>
      list(depth, (n) => n).reduce<object>((within) => ({ extension: [within] }), { url: 'urn:x' });
    const bundleOf = (depth: number) => ({
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [postEntry({ resourceType: 'Patient', ...nest(depth) })],
    });
    const deep = await post(bundleOf(32));
    expectRefusal(deep, 400);
    expect(deep.json.issue[0].diagnostics).toContain('nesting');
    await expectRefused(() => post(bundleOf(25)), 422, /^Bundle\.entry\[0\]\.resource/);
  });

  test.each(['transaction', 'batch'])(
    'a %s with a slip in the name of an element is refused, for what was meant would not be done',
    async (type) => {
      const created = postEntry(buildPatient());
      const slip = { ...created, request: { ...created.request, ifNonExist: 'identifier=x' } };
      const before = await versionsStored();
      const answer = await post({ resourceType: 'Bundle', type, entry: [slip] });
      const outcome = type === 'batch' ? answer.json.entry[0].response.outcome : answer.json;
      expect(outcome.issue[0]).toMatchObject({ code: 'structure', expression: ['Bundle.entry[0].request.ifNonExist'] });
      await expectRefused(() => post({ resourceType: 'Bundle', type, entries: [created] }), 400, 'Bundle.entries');
      await expectRefused(() => post({ resourceType: 'Bundle', type, entry: [], [million]: 1 }), 400, 'Bundle');
      expect(await versionsStored()).toEqual(before);
    },
  );

  test('__proto__ as a key is refused where the JSON is read', async () => {
    const before = await versionsStored();
    for (const place of [
      '"__proto__":{"type":"batch"},"entry":[]',
      '"entry":[{"__proto__":{"request":{"method":"GET","url":"Patient/1"}}}]',
    ]) {
      const answer = await post(`{"resourceType":"Bundle","type":"transaction",${place}}`);
      expectRefusal(answer, 400);
      expect(answer.json.issue[0].diagnostics).toContain('__proto__');
    }
    expect(await versionsStored()).toEqual(before);
  });

  test('faults of a Bundle in an entry are found below that entry, not in the outer Bundle', async () => {
    const good = { resource: buildPatient() };
    const inner = {
      resourceType: 'Bundle',
      type: 'collection',
      entry: [good, good, { resource: { ...buildPatient(), gender: 'nonsense' } }],
    };
    await refusesEntry(postEntry(inner), 422, 'Bundle.entry[1].resource.entry[2].resource.gender');
    await refusesEntry(postEntry({ ...inner, type: 'nonsense' }), 422, 'Bundle.entry[1].resource.type');
    await refusesEntry(
      { resource: { ...inner, id: 'a' }, request: { method: 'PUT', url: 'Bundle/b' } },
      400,
      'Bundle.entry[1].resource.id',
    );
  });

  test.each([
    ['an object that looks like a list', { 0: postEntry(buildPatient()), length: 1 }],
    ['a text', 'POST Patient'],
    ['null', null],
  ])('whose entry is %s is refused there', async (_, entry) => {
    for (const type of ['transaction', 'batch'])
      await expectRefused(() => post({ resourceType: 'Bundle', type, entry }), 400, 'Bundle.entry');
  });

  test.each([
    ['history', 'history'],
    ['document', 'document'],
    ['transaction-response', 'transaction-response'],
    ['no type', undefined],
    ['a list', ['transaction']],
    ['the name of a prototype', 'constructor'],
  ])('of type %s it is refused at its type', async (_, type) => {
    await expectRefused(
      () => post({ resourceType: 'Bundle', type, entry: [postEntry(buildPatient())] }),
      400,
      'Bundle.type',
    );
  });
});

const fhirpathDelete = {
  name: 'operation',
  part: [
    { name: 'type', valueCode: 'delete' },
    { name: 'path', valueString: 'Patient.photo' },
  ],
};

describe('patches in a bundle', () => {
  const operations = (count: number) => list(count, () => ({ op: 'test', path: '/id', value: 'patched' }));
  const json = JSON.stringify;
  beforeAll(async () => {
    await server.a.request('PUT', '/Patient/patched', { ...buildPatient(), id: 'patched' });
  });

  test.each([
    ['data that is no base64', raw('application/json-patch+json', '{[*]}'), /\.data$/],
    ['data with base64 broken off', raw('application/json-patch+json', 'W3siYWFh='), /\.data$/],
    ['data that is no text', raw('application/json-patch+json', 7), /\.data$/],
    ['no data', raw('application/json-patch+json', undefined), /\.data$/],
    ['data that is no JSON', binary('application/json-patch+json', 'no JSON'), /\.data$/],
    [
      'data that is no UTF-8',
      raw('application/merge-patch+json', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]).toString('base64')),
      /\.data$/,
    ],
    ['data of 65 levels', binary('application/merge-patch+json', `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`), /\.data$/],
    ['a JSON Patch that is no list', binary('application/json-patch+json', '{}'), /./],
    ['a merge patch that is no object', binary('application/merge-patch+json', '[]'), /./],
    ['2,000 operations', binary('application/json-patch+json', json(operations(2_000))), /./],
    ['a contentType that is none of the two', binary('application/json', '{}'), /\.contentType$/],
    ['a contentType that is the name of a prototype', binary('constructor', '{"parameter":[7]}'), /\.contentType$/],
    ['no contentType', { resourceType: 'Binary', data: 'e30=' }, /\.contentType$/],
    [
      'a FHIRPath Patch of 2,000 operations',
      { resourceType: 'Parameters', parameter: list(2_000, () => fhirpathDelete) },
      /./,
    ],
    ['a FHIRPath Patch of no operation', { resourceType: 'Parameters', parameter: [{ name: 'operation' }] }, /./],
    ['another resource', buildPatient(), /\.resource$/],
  ])('%s is refused at its entry', async (_, resource, place) => {
    const entry = { resource, request: { method: 'PATCH', url: 'Patient/patched' } };
    const answer = await expectRefusedPatch(entry);
    expect(expressionsOf(answer)[0]).toMatch(/^Bundle\.entry\[1\]\.resource/);
    expect(expressionsOf(answer)[0]).toMatch(place);
    expect(statusesOf(await batch(entry))).toEqual([String(answer.status)]);
    expect((await get('/Patient/patched')).meta.versionId).toBe('1');
  });

  async function expectRefusedPatch(entry: Entry): Promise<TestResponse> {
    const before = await versionsStored();
    const answer = await transaction(postEntry(buildPatient()), entry);
    expectRefusal(answer, [400, 422]);
    expect(await versionsStored()).toEqual(before);
    return answer;
  }

  test('media types are compared without case and parameters (RFC 9110 section 8.3.1)', async () => {
    const resource = binary('Application/JSON-Patch+JSON ; charset=utf-8', json(operations(1)));
    await server.a.request('PUT', '/Patient/typed', { ...buildPatient(), id: 'typed' });
    const patch = [{ op: 'replace', path: '/gender', value: 'other' }];
    const answer = await transaction({
      resource: { ...resource, data: Buffer.from(json(patch)).toString('base64') },
      request: { method: 'PATCH', url: 'Patient/typed' },
    });
    expect(statusesOf(answer)).toEqual(['200']);
  });
});

function raw(contentType: string, data: unknown): object {
  return { resourceType: 'Binary', contentType, ...(data === undefined ? {} : { data }) };
}

function binary(contentType: string, text: string): object {
  return raw(contentType, Buffer.from(text).toString('base64'));
}

describe('size', () => {
  /** White space, so that only reading costs. */
  const padded = (bytes: number) => {
    const bundle = '{"resourceType":"Bundle","type":"collection"';
    return `${bundle}${' '.repeat(bytes - bundle.length - 1)}}`;
  };

  test('a body of 64 MB is read, one byte more is 413', async () => {
    expectRefusal(await post(padded(64_000_000)), 400);
    const over = await post(padded(64_000_001));
    expectRefusal(over, 413);
    expect(over.json.issue[0].code).toBe('too-long');
  }, 60_000);

  test('answers are bounded as well: searches of 4 MB each are refused from the 25th on, by their own entries in a batch', async () => {
    const identifier = [freshIdentifier()];
    const div = `<div xmlns="http://www.w3.org/1999/xhtml">${'x'.repeat(10_000)}</div>`;
    const patient = buildPatient({ identifier, text: { status: 'generated', div } });
    expect((await transaction(...list(400, () => postEntry(patient)))).status).toBe(200);
    const search = getEntry(`Patient?${identifierOf(identifier[0] as { system: string; value: string })}&_count=1000`);
    const searches = list(140, () => search);
    const deletion = deleteEntry('Patient/not-done');
    const answer = await batch(putEntry({ ...buildPatient(), id: 'not-done' }), ...searches, deletion);
    const statuses = statusesOf(answer);
    expect(statuses.slice(0, 20)).toEqual(['201', ...list(19, () => '200')]);
    expect(new Set(statuses.slice(30))).toEqual(new Set(['400']));
    expect(answer.json.entry.at(-1).response.outcome.issue[0].code).toBe('too-costly');
    expect((await server.a.request('GET', '/Patient/not-done')).status).toBe(200);
    await expectRefused(() => transaction(postEntry(patient), ...searches), 400, /^Bundle\.entry\[2\d\]$/);
  }, 60_000);

  test('what is changed is bounded too: three resources of 45 MB are deleted one by one and not at once', async () => {
    const identifier = freshIdentifier();
    const extension = list(45, () => ({ url: 'urn:x', valueString: million }));
    const basic = { resourceType: 'Basic', code: { text: 'x' }, identifier: [identifier], extension };
    const ids: string[] = [];
    for (let count = 0; count < 3; count++) {
      const created = await server.a.request('POST', '/Basic', basic, { Prefer: 'return=minimal' });
      ids.push(/Basic\/([^/]+)/.exec(created.headers.get('Location') ?? '')?.[1] ?? '');
    }
    await expectRefused(
      () => transaction(deleteEntry(`Basic?${identifierOf(identifier)}`)),
      400,
      /^Bundle\.entry\[0\]/,
    );
    await expectRefused(() => transaction(...ids.map((id) => deleteEntry(`Basic/${id}`))), 400, /^Bundle\.entry\[\d\]/);
    expect(statusesOf(await batch(...ids.map((id) => deleteEntry(`Basic/${id}`))))).toEqual(['204', '204', '204']);
  }, 60_000);

  test('while 3,000 resources are created, others are answered', async () => {
    const { id } = (await server.b.request('POST', '/Patient', buildPatient())).json;
    const big = transaction(...list(3_000, () => postEntry(buildPatient())));
    const reads = await Promise.all(list(50, () => server.b.request('GET', `/Patient/${id}`)));
    expect(new Set(reads.map(({ status }) => status))).toEqual(new Set([200]));
    expect((await big).status).toBe(200);
  }, 60_000);
});
