// The operation $validate tells of XML all that is wrong, as of JSON, and takes no body where the URL says all: https://hl7.org/fhir/R4/resource-operation-validate.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { OperationOutcomeIssue } from '@medplum/fhirtypes';
import { buildPatient } from '../support/builders.ts';
import { send, startTestServer, type TestServer } from '../support/server.ts';
import { clientOf } from './clients.ts';
import { expectNoFailure } from './refusals.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await server.a.request('PUT', '/Patient/there', { ...buildPatient(), id: 'there' });
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const xmlType = { 'Content-Type': 'application/fhir+xml' };
const patient = (content: string) => `<Patient xmlns="http://hl7.org/fhir">${content}</Patient>`;
const places = (json: { issue: OperationOutcomeIssue[] }) =>
  json.issue
    .filter(({ severity }) => severity === 'error')
    .map(({ code, expression }) => `${code} ${expression?.[0] ?? '-'}`);

async function validated(body: string, path = '/Patient/$validate', headers: Record<string, string> = {}) {
  const { status, json } = await server.a.request('POST', path, body, { ...xmlType, ...headers });
  expect(json.resourceType).toBe('OperationOutcome');
  return { status, places: places(json), texts: json.issue.map((one: OperationOutcomeIssue) => one.diagnostics) };
}

const div = '<div xmlns="http://www.w3.org/1999/xhtml"><p>x</p></div>';
const text = `<text><status value="generated"/>${div}</text>`;

/** Each with the places of its faults; the rest of the resource is looked at all the same. */
const faulty: readonly (readonly [string, string, readonly string[]])[] = [
  ['an unknown element', '<nickname value="x"><deep><er/></deep></nickname>', ['structure Patient.nickname']],
  ['an unknown attribute', '<active value="true" colour="red"/>', ['structure Patient.active']],
  ['an attribute of another namespace', '<active value="true" xmlns:x="urn:x" x:y="z"/>', ['structure Patient.active']],
  ['an empty attribute', '<active value=""/>', ['structure Patient.active']],
  ['an empty element', '<name/>', ['structure Patient.name[0]']],
  ['a text', 'x<active value="true">y</active>', ['structure Patient', 'structure Patient.active']],
  ['another namespace', '<active xmlns="urn:x" value="true"/>', ['structure Patient.active']],
  ['an element twice', '<active value="true"/><active value="false"/>', ['structure Patient.active']],
  ['a choice twice', '<deceasedBoolean value="true"/><deceasedDateTime value="2020"/>', ['structure Patient.deceased']],
  [
    'another order',
    '<active value="true"/><name><family value="a"/></name><identifier><value value="1"/></identifier><identifier><use value="none"/></identifier><gender value="man"/>',
    ['structure Patient.identifier[0]', 'structure Patient.identifier[1]', 'code-invalid Patient.identifier[1].use'],
  ],
  ['no resource', '<contained><Bogus><id value="a"/></Bogus></contained>', ['structure Patient.contained[0]']],
  [
    'two resources',
    '<contained><Basic><id value="a"/></Basic><Basic/></contained>',
    ['structure Patient.contained[0]'],
  ],
];

describe('a structural fault of well-formed XML is 200 with all that is wrong', () => {
  test.each(faulty)('%s', async (_, content, expected) => {
    const gender = content.includes('gender') ? '' : '<gender value="man"/>';
    const answer = await validated(patient(content.startsWith('<deceased') ? gender + content : content + gender));
    expect(answer.status).toBe(200);
    for (const place of [...expected, 'code-invalid Patient.gender']) expect(answer.places).toContain(place);
    expect(new Set(answer.places).size).toBe(answer.places.length);
  });

  test('several at once, in their order, each told once', async () => {
    const answer = await validated(
      patient(`${text}<nickname value="x"/><active value="yes"/><name><first value="x"/><given/></name><shoe/>`),
    );
    expect(answer).toMatchObject({
      status: 200,
      places: [
        'structure Patient.nickname',
        'structure Patient.name[0].first',
        'structure Patient.name[0].given[0]',
        'structure Patient.shoe',
        'structure Patient.active',
      ],
    });
  });

  test('in a narrative', async () => {
    const odd = div.replace('<p>', '<p xmlns="urn:x">');
    const { status, places } = await validated(patient(`<text><status value="generated"/>${odd}</text><shoe/>`));
    expect([status, places]).toEqual([200, ['structure Patient.text.div', 'structure Patient.shoe']]);
  });

  test('of another type, and of another namespace', async () => {
    const bogus = await validated('<Bogus xmlns="http://hl7.org/fhir"><a/></Bogus>');
    expect([bogus.status, bogus.places]).toEqual([200, ['invalid resourceType', 'structure -']]);
    const foreign = await validated('<Patient xmlns="urn:x"><active value="true"/></Patient>');
    expect([foreign.status, foreign.texts[0]]).toEqual([
      200,
      'A resource must be of the namespace http://hl7.org/fhir.',
    ]);
  });

  test('in Parameters around it, said of the resource; of the Parameters themselves 400', async () => {
    const around = (content: string, more = '') =>
      `<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="mode"/><valueCode value="create"/></parameter><parameter><name value="resource"/>${more}<resource>${content}</resource></parameter></Parameters>`;
    const inner = `<Patient><name/><shoe/>${'<gender value="man"/>'}</Patient>`;
    const answer = await validated(around(inner));
    expect([answer.status, answer.places]).toEqual([
      200,
      ['structure Patient.name[0]', 'structure Patient.shoe', 'code-invalid Patient.gender'],
    ]);
    const broken = await validated(around('<Patient/>', '<shoe/>'));
    expect([broken.status, broken.places]).toEqual([400, ['structure Parameters.parameter[1].shoe']]);
  });

  test('at most a hundred', async () => {
    const answer = await validated(patient('<shoe/>'.repeat(500)));
    expect([answer.status, answer.places.length <= 101]).toEqual([200, true]);
  });

  test('exact numbers and nulls keep their places beside what is left out', async () => {
    const observation = `<Observation xmlns="http://hl7.org/fhir">${text}<shoe/><status value="final"/><code><text value="x"/></code><component><code><text value="x"/></code><valueQuantity><value value="1.00"/></valueQuantity></component><focus><reference value="Patient/1"/></focus></Observation>`;
    const answer = await validated(observation, '/Observation/$validate');
    expect([answer.status, answer.places]).toEqual([
      200,
      ['structure Observation.shoe', 'structure Observation.focus[0]'],
    ]);
  });
});

describe('what is no XML that FHIR allows is 400, as broken JSON is', () => {
  test.each([
    ['not well-formed', patient('<active>')],
    ['a DOCTYPE', `<!DOCTYPE Patient>${patient('<active value="true"/>')}`],
    ['an instruction', `<?a b?>${patient('')}`],
    ['nothing', ''],
  ])('%s', async (_, body) => {
    expect((await validated(body)).status).toBe(400);
  });
});

test('a create, and a validation in the background, still end at the first fault', async () => {
  const body = patient('<shoe/><hat/>');
  const created = await server.a.request('POST', '/Patient', body, xmlType);
  expect([created.status, places(created.json)]).toEqual([400, ['structure Patient.shoe']]);
  const later = await validated(body, '/Patient/$validate', { Prefer: 'respond-async' });
  expect([later.status, later.places]).toEqual([400, ['structure Patient.shoe']]);
});

test('who may not read the type is told nothing', async () => {
  const client = await clientOf(server, server.a, 'system/Observation.cruds');
  const { status } = await client.request('POST', '/Patient/$validate', patient('<shoe/>'), xmlType);
  expect(status).toBe(403);
});

test('what is wrong with a value is not told in the words of JSON', async () => {
  const answer = await validated(patient('<active value="yes"/><multipleBirthInteger value="two"/>'));
  expect(answer.places).toEqual(['structure Patient.active', 'structure Patient.multipleBirth']);
  expect(answer.texts.join()).not.toContain('JSON');
});

/** Without a Content-Type and without a body. */
const posted = (path: string, headers: Record<string, string> = {}) =>
  send(`${server.origin}/t/clinic-a/fhir${path}`, 'POST', undefined, {
    Authorization: `Bearer ${server.a.token}`,
    ...headers,
  });

describe('a POST without a body, whose parameters all stand in the URL', () => {
  test.each(['/Patient/_search?_id=there', '/_search?_type=Patient&_id=there'])('searches: %s', async (path) => {
    const { status, json } = await posted(path);
    expect([status, json.type, json.entry.length]).toEqual([200, 'searchset', 1]);
    expect(json.entry[0].resource.id).toBe('there');
  });

  test('searches a compartment', async () => {
    expect((await posted('/Patient/there/Observation/_search?status=final')).status).toBe(200);
  });

  test.each(['?mode=delete', ''])('validates what is stored: %s', async (query) => {
    const { status, json } = await posted(`/Patient/there/$validate${query}`);
    expect([status, json.resourceType]).toEqual([200, 'OperationOutcome']);
    expect((await posted(`/Patient/nobody/$validate${query}`)).status).toBe(404);
  });

  test('is refused where a resource is needed', async () => {
    expect((await posted('/Patient/$validate')).status).toBe(400);
    expect((await posted('/Patient')).status).toBe(415);
    expect((await posted('')).status).toBe(415);
    expect((await posted('/Patient/there/$meta-add')).status).toBe(400);
  });

  test('but a body without a Content-Type stays 415, and so does another type', async () => {
    for (const path of ['/Patient/_search', '/Patient/$validate']) {
      const headers = { Authorization: `Bearer ${server.a.token}`, 'Content-Type': 'text/plain' };
      expect((await send(`${server.origin}/t/clinic-a/fhir${path}`, 'POST', undefined, headers)).status).toBe(415);
      const bytes = new Blob([new Uint8Array([0x61])]);
      const { status } = await fetch(`${server.origin}/t/clinic-a/fhir${path}`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${server.a.token}` },
        body: bytes,
      });
      expect(status).toBe(415);
    }
  });
});
