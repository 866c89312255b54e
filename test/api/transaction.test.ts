// A transaction over HTTP: all entries or none, in the specified order, with links resolved: https://hl7.org/fhir/R4/http.html#trules

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildAppointment, buildObservation, buildPatient } from '../support/builders.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { untilRecorded } from '../support/until-recorded.ts';
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

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const transaction = (...entry: Entry[]) => sendBundle(server.a, 'transaction', entry);
const get = (path: string) => server.a.request('GET', path);
const put = (path: string, body: unknown) => server.a.request('PUT', path, body);
const uuid = (n: number) => `urn:uuid:00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

/** A resource stored beforehand, at version 1. */
async function stored(id: string) {
  return (await put(`/Patient/${id}`, { ...buildPatient(), id })).json;
}

const countOf = async (family: string) => (await get(`/Patient?family=${family}`)).json.total as number;

describe('the answer', () => {
  test('keeps the order of the entries, each with status, location, etag, lastModified and resource (trules, response)', async () => {
    await stored('answer-1');
    await stored('answer-2');
    const answer = await transaction(
      getEntry('Patient/answer-1'),
      postEntry(buildPatient()),
      putEntry({ ...buildPatient(), id: 'answer-1' }),
      deleteEntry('Patient/answer-2'),
      putEntry({ ...buildPatient(), id: 'answer-3' }),
    );
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ resourceType: 'Bundle', type: 'transaction-response' });
    expect(statusesOf(answer)).toEqual(['200', '201', '200', '204', '201']);
    const [, created, updated, deleted] = answer.json.entry;
    expect(created.response).toMatchObject({
      location: `${server.a.baseUrl}/Patient/${created.resource.id}/_history/1`,
      etag: 'W/"1"',
      lastModified: created.resource.meta.lastUpdated,
    });
    expect(updated.response.location).toBe(`${server.a.baseUrl}/Patient/answer-1/_history/2`);
    expect(updated.response.etag).toBe('W/"2"');
    expect(deleted).toEqual({ response: { status: '204 No Content', etag: 'W/"2"', lastModified: expect.anything() } });
  });

  test('to a Bundle without entries is an empty transaction-response', async () => {
    const answer = await server.a.request('POST', '', { resourceType: 'Bundle', type: 'transaction' });
    expect(answer.status).toBe(200);
    expect(answer.json.type).toBe('transaction-response');
  });

  test('is the same with a slash behind the base URL', async () => {
    const bundle = { resourceType: 'Bundle', type: 'transaction', entry: [postEntry(buildPatient())] };
    expect((await server.a.request('POST', '/', bundle)).status).toBe(200);
  });
});

describe('the order of processing (trules: DELETE, POST, PUT, GET)', () => {
  test('reads and searches see what the same transaction wrote, wherever they stand', async () => {
    await stored('order-1');
    await stored('order-2');
    const answer = await transaction(
      getEntry('Patient/order-1'),
      getEntry('Patient?family=Orderly'),
      getEntry('Patient/order-1/_history/1'),
      putEntry({ ...buildPatient({ name: [{ family: 'Orderly' }] }), id: 'order-1' }),
      deleteEntry('Patient/order-2'),
      postEntry(buildPatient({ name: [{ family: 'Orderly' }] })),
    );
    const [read, search, vread] = answer.json.entry;
    expect(read.resource.meta.versionId).toBe('2');
    expect(search.resource).toMatchObject({ type: 'searchset', total: 2 });
    expect(vread.resource.meta.versionId).toBe('1');
  });

  test('a DELETE frees a practitioner before a POST in front of it takes the time', async () => {
    const appointment = buildAppointment('Patient/p', 'Practitioner/moves');
    const first = await server.a.request('POST', '/Appointment', appointment);
    const answer = await transaction(postEntry(appointment), deleteEntry(`Appointment/${first.json.id}`));
    expect(answer.status).toBe(200);
    expect(statusesOf(answer)).toEqual(['201', '204']);
  });
});

describe('links between entries', () => {
  test('urn:uuid becomes the new id in references, also in extensions, contained and nested resources, in both directions', async () => {
    const url = 'http://example.org/link';
    const answer = await transaction(
      postEntry(
        {
          ...buildObservation(uuid(1)),
          extension: [{ url, extension: [{ url, valueReference: { reference: uuid(1) } }] }],
          contained: [{ resourceType: 'Specimen', id: 's', subject: { reference: uuid(1) } }],
          hasMember: [{ reference: uuid(3) }],
          specimen: { reference: '#s' },
        },
        uuid(2),
      ),
      postEntry(
        {
          ...buildPatient(),
          link: [{ other: { reference: uuid(1) }, type: 'seealso' }],
          _active: { extension: [{ url, valueReference: { reference: uuid(2) } }] },
        },
        uuid(1),
      ),
      postEntry(buildObservation(uuid(1)), uuid(3)),
      postEntry({
        resourceType: 'Parameters',
        parameter: [
          { name: 'a', valueReference: { reference: uuid(1) } },
          { name: 'b', resource: buildObservation(uuid(1)) },
        ],
      }),
    );
    expect(answer.status).toBe(200);
    const [observation, patient, member, parameters] = answer.json.entry.map(
      (entry: { resource: unknown }) => entry.resource,
    );
    const place = `Patient/${patient.id}`;
    expect(observation.subject.reference).toBe(place);
    expect(observation.extension[0].extension[0].valueReference.reference).toBe(place);
    expect(observation.contained[0].subject.reference).toBe(place);
    expect(observation.hasMember[0].reference).toBe(`Observation/${member.id}`);
    expect(observation.specimen.reference).toBe('#s');
    expect(patient.link[0].other.reference).toBe(place);
    expect(patient._active.extension[0].valueReference.reference).toBe(`Observation/${observation.id}`);
    expect(parameters.parameter[0].valueReference.reference).toBe(place);
    expect(parameters.parameter[1].resource.subject.reference).toBe(place);
    expect((await get(`/Observation?subject=${place}`)).json.total).toBe(2);
    expect((await get(`/Observation/${observation.id}`)).json).toEqual(observation);
  });

  test('a version of an entry keeps its version, and a PUT entry is named by its own id', async () => {
    const answer = await transaction(
      { ...putEntry({ ...buildPatient(), id: 'linked' }), fullUrl: uuid(1) },
      postEntry(buildObservation(`${uuid(1)}/_history/1`)),
      postEntry(buildObservation(uuid(1))),
    );
    expect(answer.json.entry[2].resource.subject.reference).toBe('Patient/linked');
    expect(answer.json.entry[1].resource.subject.reference).toMatch(/^Patient\/linked(\/_history\/1)?$/);
  });

  test('absolute full URLs of another server link too, also by relative references (bundle.html#references)', async () => {
    const answer = await transaction(
      postEntry({ ...buildPatient(), id: 'old' }, 'https://other.example/fhir/Patient/old'),
      postEntry(
        buildObservation('https://other.example/fhir/Patient/old'),
        'https://other.example/fhir/Observation/o1',
      ),
      postEntry(buildObservation('Patient/old'), 'https://other.example/fhir/Observation/o2'),
      postEntry(buildObservation('Patient/old'), uuid(9)),
    );
    const place = placeOf(answer, 0);
    expect(answer.json.entry[1].resource.subject.reference).toBe(place);
    expect(answer.json.entry[2].resource.subject.reference).toBe(place);
    // Its own full URL has no base to resolve against, so this one is about the resource that is here already.
    expect(answer.json.entry[3].resource.subject.reference).toBe('Patient/old');
  });

  test('a document keeps the links between its own entries', async () => {
    const composition = {
      ...{ resourceType: 'Composition', status: 'final', type: { text: 'Report' }, title: 'Report' },
      ...{ date: '2026-01-01', author: [{ display: 'Dr. House' }], subject: { reference: uuid(5) } },
    };
    const document = {
      resourceType: 'Bundle',
      type: 'document',
      identifier: { system: 'urn:x', value: 'x' },
      timestamp: '2026-01-01T00:00:00Z',
      entry: [
        { fullUrl: uuid(7), resource: composition },
        { fullUrl: uuid(5), resource: buildPatient() },
        { fullUrl: uuid(6), resource: buildObservation(uuid(5)) },
      ],
    };
    const answer = await transaction(postEntry(document), postEntry(buildPatient(), uuid(5)));
    expect(answer.status).toBe(200);
    const [{ resource: stored }] = answer.json.entry;
    for (const index of [0, 2]) expect(stored.entry[index].resource.subject.reference).toBe(uuid(5));
  });

  test('an identifier, a string and a canonical that only look like a link stay', async () => {
    const answer = await transaction(
      postEntry(
        buildPatient({ identifier: [{ system: 'urn:ietf:rfc:3986', value: uuid(1) }], name: [{ text: uuid(1) }] }),
        uuid(1),
      ),
      postEntry({ resourceType: 'Questionnaire', status: 'active', derivedFrom: [uuid(1)] }),
    );
    expect(answer.json.entry[0].resource.identifier[0].value).toBe(uuid(1));
    expect(answer.json.entry[0].resource.name[0].text).toBe(uuid(1));
    expect(answer.json.entry[1].resource.derivedFrom).toEqual([uuid(1)]);
  });

  test('a link in an element of type uri or url and in the narrative is replaced as well (trules)', async () => {
    const div = `<div xmlns="http://www.w3.org/1999/xhtml"><a href="${uuid(1)}">it</a><img src="${uuid(1)}" alt="${uuid(1)}"/></div>`;
    const answer = await transaction(
      postEntry({ resourceType: 'Binary', contentType: 'text/plain', data: 'SFBNUw==' }, uuid(1)),
      postEntry({
        resourceType: 'DocumentReference',
        text: { status: 'generated', div },
        status: 'current',
        content: [{ attachment: { contentType: 'text/plain', url: uuid(1) } }],
      }),
    );
    const place = placeOf(answer, 0);
    const document = answer.json.entry[1].resource;
    expect(document.content[0].attachment.url).toBe(place);
    expect(document.text.div).toBe(
      div.replace(`href="${uuid(1)}"`, `href="${place}"`).replace(`src="${uuid(1)}"`, `src="${place}"`),
    );
  });
});

describe('all or nothing', () => {
  const family = (n: number) => `Nothing${'abcdefghijklmnopqrstuvwxyz'[n]}`;
  let tests = 0;

  /** A good POST, a good PUT, the bad entry, and a good POST behind it. */
  async function refused(...bad: Entry[]) {
    const name = family(tests++);
    const good = buildPatient({ name: [{ family: name }] });
    const answer = await transaction(
      postEntry(good),
      putEntry({ ...good, id: `nothing-${tests}` }),
      ...bad,
      postEntry(good),
    );
    expect(await countOf(name)).toBe(0);
    expect((await get(`/Patient/nothing-${tests}`)).status).toBe(404);
    return answer;
  }

  test('an invalid resource refuses the whole, and its element is named below its entry', async () => {
    const answer = await refused(postEntry({ ...buildPatient(), gender: 'unknowable' }));
    expect(answer.status).toBe(422);
    expect(answer.json.resourceType).toBe('OperationOutcome');
    expect(expressionsOf(answer)).toEqual(['Bundle.entry[2].resource.gender']);
  });

  test.each([
    ['a read of what is not there', getEntry('Patient/not-there'), 404],
    ['a stale ifMatch', putEntry({ ...buildPatient(), id: 'stale' }, { ifMatch: 'W/"7"' }), 412],
    ['a stale ifMatch of a DELETE', deleteEntry('Patient/stale', { ifMatch: 'W/"7"' }), 412],
    ['an ifMatch that is no version', putEntry({ ...buildPatient(), id: 'stale' }, { ifMatch: 'seven' }), 400],
    [
      'another id in the body',
      { ...putEntry({ ...buildPatient(), id: 'one' }), request: { method: 'PUT', url: 'Patient/other' } },
      400,
    ],
    [
      'another type in the body',
      { ...postEntry(buildPatient()), request: { method: 'POST', url: 'Observation' } },
      400,
    ],
    ['no resource', { request: { method: 'POST', url: 'Patient' } }, 400],
    ['no request', { resource: buildPatient() }, 400],
    ['an unknown method', { request: { method: 'OPTIONS', url: 'Patient/1' } }, 400],
    ['an unknown operation', getEntry('Patient/1/$nothing'), 404],
    ['an entry that is null', null, 400],
    ['an entry that is a number', 7, 400],
    ['a url that is a number', { resource: buildPatient(), request: { method: 'POST', url: 7 } }, 400],
    ['a method that is an array', { resource: buildPatient(), request: { method: ['POST'], url: 'Patient' } }, 400],
    ['a request that is a string', { resource: buildPatient(), request: 'POST Patient' }, 400],
    ['a fullUrl that is an object', { ...postEntry(buildPatient()), fullUrl: {} }, 400],
    ['a resource that is a list', { ...postEntry(buildPatient()), resource: [buildPatient()] }, 400],
    ['a reference that links to no entry', postEntry(buildObservation(uuid(77))), 400],
    ['a search parameter with a value that means nothing', getEntry('Patient?birthdate=soon'), 400],
    ['a search by an unknown type', getEntry('Patients?name=x'), 400],
  ])('%s refuses the whole and is named', async (_, entry, status) => {
    const answer = await refused(entry);
    expect(answer.status).toBe(status);
    expect(answer.json.resourceType).toBe('OperationOutcome');
    expect(expressionsOf(answer)[0]).toMatch(/^Bundle\.entry\[2\]/);
  });

  test('a time that is taken refuses the whole with 409', async () => {
    const appointment = buildAppointment('Patient/p', 'Practitioner/busy');
    await server.a.request('POST', '/Appointment', appointment);
    const answer = await refused(postEntry(appointment));
    expect(answer.status).toBe(409);
  });

  test('two entries of one identity refuse the whole, whatever their methods (trules: identities SHALL NOT overlap)', async () => {
    await stored('overlap');
    const patient = { ...buildPatient(), id: 'overlap' };
    const absent = { ...buildPatient(), id: 'overlap-absent' };
    for (const pair of [
      [putEntry(patient), putEntry(patient)],
      [putEntry(patient), deleteEntry('Patient/overlap')],
      [deleteEntry('Patient/overlap'), deleteEntry('Patient/overlap')],
      [deleteEntry('Patient/overlap-absent'), putEntry(absent)],
    ]) {
      const answer = await refused(...pair);
      expect(answer.status).toBe(400);
      expect(expressionsOf(answer)[0]).toMatch(/^Bundle\.entry\[[23]\]/);
    }
    expect((await get('/Patient/overlap')).json.meta.versionId).toBe('1');
  });

  test('two entries of one fullUrl refuse the whole (bdl-7)', async () => {
    const answer = await refused(postEntry(buildPatient(), uuid(1)), postEntry(buildPatient(), uuid(1)));
    expect(answer.status).toBe(400);
    expect(expressionsOf(answer)).toEqual(['Bundle.entry[3].fullUrl']);
  });

  test('leaves no AuditEvent and no history behind', async () => {
    await untilRecorded(server.database.url);
    const before = (await get('/AuditEvent?action=C,U,D&outcome=0&_summary=count')).json.total;
    await stored('untouched');
    await refused(
      putEntry({ ...buildPatient(), id: 'untouched' }),
      postEntry({ resourceType: 'Patient', nonsense: 1 }),
    );
    expect((await get('/AuditEvent?action=C,U,D&outcome=0&_summary=count')).json.total).toBe(before + 1);
    expect((await get('/Patient/untouched/_history')).json.total).toBe(1);
  });
});

describe('ifMatch of an entry', () => {
  test('that names the current version lets the write pass, weak or strong', async () => {
    await stored('match-1');
    await stored('match-2');
    const answer = await transaction(
      putEntry({ ...buildPatient(), id: 'match-1' }, { ifMatch: 'W/"1"' }),
      deleteEntry('Patient/match-2', { ifMatch: '"1"' }),
    );
    expect(statusesOf(answer)).toEqual(['200', '204']);
  });
});

describe('a request.url that leads elsewhere is 400 and refuses the whole (security.md 13)', () => {
  const base = () => server.b.baseUrl;
  test.each([
    ["another tenant's base", () => `${base()}/Patient/1`],
    ['another host', () => 'https://other.example/t/clinic-a/fhir/Patient/1'],
    ['no scheme', () => '//hpms.test/t/clinic-b/fhir/Patient/1'],
    ['steps upward', () => '../../t/clinic-b/fhir/Patient/1'],
    ['steps upward behind the type', () => 'Patient/../../../clinic-b/fhir/Patient/1'],
    ['coded dots', () => '%2e%2e/%2e%2e/clinic-b/fhir/Patient/1'],
    ['coded slashes', () => 'Patient%2F1'],
    ['a path from the root', () => '/Patient/1'],
    ['dots for an id', () => 'Patient/..'],
    ['another base of the same beginning', () => `${server.a.baseUrl}2/Patient/1`],
    ['the own base and another below it', () => `${server.a.baseUrl}/${base()}/Patient/1`],
    ['a line feed', () => 'Patient/1\nHost: x'],
    ['metadata', () => 'metadata'],
  ])('%s', async (_, url) => {
    const family = 'Elsewhere';
    for (const request of [
      { method: 'GET', url: url() },
      { method: 'DELETE', url: url() },
    ]) {
      const answer = await transaction(postEntry(buildPatient({ name: [{ family }] })), { request });
      expect(answer.status).toBe(400);
      expect(expressionsOf(answer)).toEqual([expect.stringMatching(/^Bundle\.entry\[1\]\.request/)]);
    }
    expect(await countOf(family)).toBe(0);
  });

  test('an absolute URL below the own base is the same as a relative one', async () => {
    await stored('absolute');
    const answer = await transaction(getEntry(`${server.a.baseUrl}/Patient/absolute`));
    expect(answer.json.entry[0].resource.id).toBe('absolute');
  });
});

describe('exact decimals', () => {
  test('keep their text through a transaction, entry by entry, and in its answer', async () => {
    const observation = (value: string) =>
      `{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":${value}}}`;
    const texts = ['1.00', '0.10', '100', '1.0e2', '9007199254740993', '-0.000'];
    const entries = texts.map(
      (text) => `{"resource":${observation(text)},"request":{"method":"POST","url":"Observation"}}`,
    );
    const answer = await server.a.request(
      'POST',
      '',
      `{"resourceType":"Bundle","type":"transaction","entry":[${entries.join(',')}]}`,
    );
    for (const [index, text] of texts.entries()) {
      expect((await get(`/${placeOf(answer, index)}`)).text).toContain(`"valueQuantity":{"value":${text}}`);
    }
    for (const text of texts) expect(answer.text).toContain(`"valueQuantity":{"value":${text}}`);
  });
});

describe('many entries', () => {
  test('of 10,001 are 413 before anything is done (security.md 87)', async () => {
    const entry = Array.from({ length: 10_001 }, () => ({ request: { method: 'DELETE', url: 'Patient/many' } }));
    const answer = await transaction(...entry);
    expect(answer.status).toBe(413);
    expect(expressionsOf(answer)).toEqual(['Bundle.entry']);
  });

  test('of 1,000 are written together and each has its own id', async () => {
    const answer = await transaction(
      ...Array.from({ length: 1_000 }, () => postEntry({ resourceType: 'Basic', code: { text: 'x' } })),
    );
    expect(answer.status).toBe(200);
    expect(new Set(answer.json.entry.map((entry: { resource: { id: string } }) => entry.resource.id)).size).toBe(1_000);
  });
});

describe('what is no transaction', () => {
  test.each([
    ['another resource', { resourceType: 'Patient' }, 'resourceType'],
    ['a Bundle of another type', { resourceType: 'Bundle', type: 'collection' }, 'Bundle.type'],
    ['a Bundle without type', { resourceType: 'Bundle' }, 'Bundle.type'],
    ['entries that are no list', { resourceType: 'Bundle', type: 'transaction', entry: {} }, 'Bundle.entry'],
    ['entries that are a text', { resourceType: 'Bundle', type: 'transaction', entry: 'POST' }, 'Bundle.entry'],
    ['a list', [], 'resourceType'],
    ['null', null, 'resourceType'],
  ])('%s is 400', async (_, body, expression) => {
    const answer = await server.a.request('POST', '', JSON.stringify(body));
    expect(answer.status).toBe(400);
    expect(expressionsOf(answer)).toEqual([expression]);
  });
});
