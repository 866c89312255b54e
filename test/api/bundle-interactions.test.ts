// Every interaction as an entry of a bundle: conditional ones, patches, preconditions, histories: https://hl7.org/fhir/R4/http.html#transaction

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
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
const get = async (path: string) => (await server.a.request('GET', path)).json;

let numbers = 0;
/** A patient with an identifier of its own, stored at version 1, and how to find it. */
async function stored() {
  const { id, ...patient } = identified();
  const { json } = await server.a.request('PUT', `/Patient/${id}`, { ...patient, id });
  return { patient, id: json.id as string, query: queryOf(patient) };
}

function identified() {
  const value = `bundle-${++numbers}`;
  return { ...buildPatient({ identifier: [{ system: 'urn:test', value }] }), id: value };
}

const withoutId = ({ id: _, ...rest }: ReturnType<typeof identified>) => rest;
const queryOf = (patient: { identifier?: { value?: string }[] }) =>
  `identifier=urn:test|${patient.identifier?.[0]?.value}`;
const ifNoneExist = (resource: object, query: string, fullUrl?: string) => ({
  ...postEntry(resource, fullUrl),
  request: { method: 'POST', url: 'Patient', ifNoneExist: query },
});
const uuid = (n: number) => `urn:uuid:00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

describe.each(['transaction', 'batch'] as const)('in a %s', (type) => {
  const send = (...entry: Entry[]) => sendBundle(server.a, type, entry);

  test.each(['metadata', 'metadata?mode=full'])('%s is refused with the reason', async (url) => {
    for (const asked of [url, `${server.a.baseUrl}/${url}`]) {
      const { json } = await send(getEntry(asked));
      const outcome = type === 'batch' ? json.entry[0].response.outcome : json;
      expect(outcome.issue).toEqual([
        {
          severity: 'error',
          code: 'not-supported',
          diagnostics: 'The capability statement is not given in a bundle; GET [base]/metadata by itself.',
          expression: ['Bundle.entry[0].request.url'],
        },
      ]);
    }
  });

  test('a conditional create makes one where there is none, and finds it where there is (http.html#ccreate)', async () => {
    const patient = withoutId(identified());
    const first = await send(ifNoneExist(patient, queryOf(patient)));
    expect(statusesOf(first)).toEqual(['201']);
    const second = await send(ifNoneExist(patient, `Patient?${queryOf(patient)}`));
    expect(statusesOf(second)).toEqual(['200']);
    expect(placeOf(second, 0)).toBe(placeOf(first, 0));
    expect((await get(`/Patient?${queryOf(patient)}`)).total).toBe(1);
  });

  test('a conditional update updates the one that meets the criteria, or creates it (http.html#cond-update)', async () => {
    const { id, patient, query } = await stored();
    const updated = await send({
      resource: { ...patient, gender: 'other' },
      request: { method: 'PUT', url: `Patient?${query}` },
    });
    expect(statusesOf(updated)).toEqual(['200']);
    expect(await get(`/Patient/${id}`)).toMatchObject({ gender: 'other', meta: { versionId: '2' } });
    const other = withoutId(identified());
    const created = await send({ resource: other, request: { method: 'PUT', url: `Patient?${queryOf(other)}` } });
    expect(statusesOf(created)).toEqual(['201']);
  });

  test('a conditional delete deletes all that meet the criteria, and says how many', async () => {
    const [one, two] = [await stored(), await stored()];
    const [none, single] = [
      await send(deleteEntry('Patient?identifier=urn:test|nobody')),
      await send(deleteEntry(`Patient?${one.query}`)),
    ];
    expect([...statusesOf(none), ...statusesOf(single)]).toEqual(['204', '204']);
    expect((await server.a.request('GET', `/Patient/${one.id}`)).status).toBe(410);
    const third = await stored();
    const several = await send(deleteEntry(`Patient?identifier=urn:test|${two.id},urn:test|${third.id}`));
    expect(statusesOf(several)).toEqual(['200']);
    expect(several.json.entry[0].response.outcome.issue[0].diagnostics).toContain('2 Patient');
  });

  test.each([
    [
      'a FHIRPath Patch',
      () => ({
        resourceType: 'Parameters',
        parameter: [
          {
            name: 'operation',
            part: [
              { name: 'type', valueCode: 'replace' },
              { name: 'path', valueString: 'Patient.gender' },
              { name: 'value', valueCode: 'other' },
            ],
          },
        ],
      }),
    ],
    ['a JSON Patch', () => binary('application/json-patch+json', [{ op: 'replace', path: '/gender', value: 'other' }])],
    ['a merge patch', () => binary('application/merge-patch+json', { gender: 'other' })],
  ])('%s is applied, by id and by criteria', async (_, patch) => {
    for (const urlOf of [
      ({ id }: { id: string }) => `Patient/${id}`,
      ({ query }: { query: string }) => `Patient?${query}`,
    ]) {
      const patient = await stored();
      const answer = await send({ resource: patch(), request: { method: 'PATCH', url: urlOf(patient) } });
      expect(statusesOf(answer)).toEqual(['200']);
      expect(await get(`/Patient/${patient.id}`)).toMatchObject({ gender: 'other', meta: { versionId: '2' } });
    }
  });

  test('preconditions of reads and writes hold (ifNoneMatch, ifModifiedSince, ifMatch)', async () => {
    const { id, patient } = await stored();
    const { lastUpdated } = (await get(`/Patient/${id}`)).meta;
    const read = (extra: object) => ({ request: { method: 'GET', url: `Patient/${id}`, ...extra } });
    const answer = await send(
      read({ ifNoneMatch: 'W/"1"' }),
      read({ ifNoneMatch: 'W/"2"' }),
      read({ ifModifiedSince: lastUpdated }),
      read({ ifModifiedSince: '2001-01-01T00:00:00Z' }),
    );
    expect(statusesOf(answer)).toEqual(['304', '200', '304', '200']);
    const exists = await send(putEntry({ ...patient, id }, { ifNoneMatch: '*' }));
    expect(type === 'batch' ? statusesOf(exists) : [String(exists.status)]).toEqual(['412']);
  });

  test('HEAD, histories and searches of all levels are answered', async () => {
    const { id, query } = await stored();
    const answer = await send(
      { request: { method: 'HEAD', url: `Patient/${id}` } },
      getEntry(`Patient/${id}/_history`),
      getEntry('Patient/_history?_count=1'),
      getEntry('_history?_count=1'),
      getEntry(`Patient?${query}`),
      getEntry(`Patient/${id}/Observation`),
    );
    expect(statusesOf(answer)).toEqual(['200', '200', '200', '200', '200', '200']);
    expect(answer.json.entry.map(({ resource }: { resource?: { type: string } }) => resource?.type)).toEqual([
      undefined,
      'history',
      'history',
      'history',
      'searchset',
      'searchset',
    ]);
  });

  test('a search by POST is asked by its URL, and refused where a resource seems to ask (search.html#errors)', async () => {
    const { id, query } = await stored();
    const search = (url: string, resource?: object) => ({
      request: { method: 'POST', url },
      ...(resource && { resource }),
    });
    const answer = await send(search(`Patient/_search?${query}`), search(`Patient/${id}/Observation/_search`));
    expect(answer.json.entry.map(({ resource }: { resource: { total: number } }) => resource.total)).toEqual([1, 0]);
    const form = { resourceType: 'Binary', contentType: 'application/x-www-form-urlencoded', data: btoa(query) };
    const parameters = { resourceType: 'Parameters', parameter: [{ name: '_id', valueString: id }] };
    for (const resource of [form, parameters]) {
      const { json } = await send(search('Patient/_search', resource));
      const { issue } = type === 'batch' ? json.entry[0].response.outcome : json;
      expect(issue).toMatchObject([{ code: 'not-supported', expression: ['Bundle.entry[0].resource'] }]);
    }
  });

  test('operations are done', async () => {
    const { id } = await stored();
    const answer = await send(getEntry(`Patient/${id}/$meta`));
    expect(statusesOf(answer)).toEqual(['200']);
    expect(answer.json.entry[0].resource).toMatchObject({
      resourceType: 'Parameters',
      parameter: [{ name: 'return', valueMeta: { versionId: '1' } }],
    });
  });

  test('a native Binary stays a resource, whatever _format the entry names', async () => {
    const [content, posted] = ['","oops":"', { contentType: 'text/plain', resourceType: 'Binary' }];
    const data = Buffer.from(content).toString('base64');
    const { id } = (await server.a.request('POST', '/Binary', { ...posted, data })).json;
    const patient = await stored();
    const { json } = await send(
      getEntry(`Binary/${id}?_format=text/plain`),
      getEntry(`Binary/${id}?_format=image/png`),
      getEntry(`Patient/${patient.id}/$render?_format=application/pdf`),
    );
    const shown = json.entry.map(({ resource }: { resource: object }) => resource);
    expect(shown).toMatchObject([
      { ...posted, data },
      { ...posted, data },
      { resourceType: 'Binary', contentType: 'application/pdf' },
    ]);
  });

  test('Prefer: return=minimal leaves the resources out, OperationOutcome says what was done (http.html#ops)', async () => {
    const bundle = () => ({ resourceType: 'Bundle', type, entry: [postEntry(buildPatient())] });
    const minimal = await server.a.request('POST', '', bundle(), { Prefer: 'return=minimal' });
    expect(minimal.json.entry[0]).not.toHaveProperty('resource');
    expect(minimal.json.entry[0].response.location).toMatch(/\/_history\/1$/);
    const outcome = await server.a.request('POST', '', bundle(), { Prefer: 'return=OperationOutcome' });
    expect(outcome.json.entry[0]).not.toHaveProperty('resource');
    expect(outcome.json.entry[0].response.outcome.resourceType).toBe('OperationOutcome');
  });
});

function binary(contentType: string, patch: unknown) {
  return { resourceType: 'Binary', contentType, data: Buffer.from(JSON.stringify(patch)).toString('base64') };
}

describe('links in a transaction', () => {
  test('to a conditional create lead to the resource that was there already', async () => {
    const { id, patient, query } = await stored();
    const answer = await transaction(ifNoneExist(patient, query, uuid(1)), postEntry(buildObservation(uuid(1))));
    expect(statusesOf(answer)).toEqual(['200', '201']);
    expect(answer.json.entry[1].resource.subject.reference).toBe(`Patient/${id}`);
  });

  test('to a conditional update lead to the one that was found, or to the new one', async () => {
    const { id, patient, query } = await stored();
    const other = withoutId(identified());
    const put = (resource: object, url: string, fullUrl: string) => ({
      resource,
      fullUrl,
      request: { method: 'PUT', url },
    });
    const answer = await transaction(
      put(patient, `Patient?${query}`, uuid(2)),
      put(other, `Patient?${queryOf(other)}`, uuid(3)),
      postEntry(buildObservation(uuid(2))),
      postEntry(buildObservation(uuid(3))),
    );
    expect(statusesOf(answer)).toEqual(['200', '201', '201', '201']);
    expect(answer.json.entry[2].resource.subject.reference).toBe(`Patient/${id}`);
    expect(answer.json.entry[3].resource.subject.reference).toBe(placeOf(answer, 1));
  });

  test('a conditional reference becomes the one resource that meets it (trules)', async () => {
    const { id, query } = await stored();
    const answer = await transaction(
      postEntry(buildObservation(`Patient?${query}`)),
      postEntry(buildObservation(`Patient?${query}`)),
    );
    expect(statusesOf(answer)).toEqual(['201', '201']);
    for (const { resource } of answer.json.entry) expect(resource.subject.reference).toBe(`Patient/${id}`);
  });

  test('a conditional reference that nothing meets, or several, refuses the whole with 412 and its place (security.md 9)', async () => {
    const [one, two] = [await stored(), await stored()];
    const several = `Patient?identifier=urn:test|${one.id},urn:test|${two.id}`;
    await server.b.request('PUT', '/Patient/of-b', {
      ...buildPatient({ identifier: [{ system: 'urn:test', value: 'of-b' }] }),
      id: 'of-b',
    });
    for (const reference of ['Patient?identifier=urn:test|nobody', several, 'Patient?identifier=urn:test|of-b']) {
      const refused = await transaction(postEntry(buildPatient()), postEntry(buildObservation(reference)));
      expect(refused.status).toBe(412);
      expect(expressionsOf(refused)).toEqual(['Bundle.entry[1].resource.subject']);
      expect(refused.text).not.toContain('nobody');
    }
  });
});

test('links lead to the ids that are stored, also where the database made the transaction run again', async () => {
  const raced = { ...buildPatient(), id: 'raced' };
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, n) =>
      transaction(postEntry(buildPatient(), uuid(n)), postEntry(buildObservation(uuid(n))), putEntry(raced)),
    ),
  );
  for (const answer of answers) {
    expect(answer.status).toBe(200);
    expect(answer.json.entry[1].resource.subject.reference).toBe(placeOf(answer, 0));
  }
});

describe('a transaction is refused', () => {
  test('when two entries turn out to be about one resource (trules: identities SHALL NOT overlap)', async () => {
    const { id, patient, query } = await stored();
    const answer = await transaction(putEntry({ ...patient, id }), deleteEntry(`Patient?${query}`));
    expect(answer.status).toBe(400);
    expect((await get(`/Patient/${id}`)).meta.versionId).toBe('1');
  });

  test('when criteria of an entry mean nothing, and the entry is named', async () => {
    for (const url of ['Patient?', 'Patient?_count=1', 'Patient?nothing=1', 'Patient?birthdate=soon']) {
      const answer = await transaction(postEntry(buildPatient()), deleteEntry(url));
      expect([400, 412]).toContain(answer.status);
      expect(expressionsOf(answer)[0]).toMatch(/^Bundle\.entry\[1\]/);
    }
  });
});
