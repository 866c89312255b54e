// Value sets over several code systems: each code belongs to its own system, and what cannot be told of one part leaves the
// others as they are: https://hl7.org/fhir/R4/valueset.html#composition

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from '../support/server.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';
import { animalSystem, animals, put, valueSet, valuesOf } from './terminology-world.ts';

const nullFlavor = 'http://terminology.hl7.org/CodeSystem/v3-NullFlavor';
const married = 'http://terminology.hl7.org/CodeSystem/v3-MaritalStatus';
const isA = (value: string) => ({ property: 'concept', op: 'is-a' as const, value });

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await put(server.a, animalSystem);
  const plants = { ...animalSystem, id: 'plants', url: 'urn:plants', valueSet: 'urn:plants:all' };
  await put(server.a, {
    ...plants,
    concept: [
      { code: 'dog', display: 'Dogwood' },
      { code: 'oak', property: [{ code: 'notSelectable', valueBoolean: true }] },
    ],
  } as typeof animalSystem);
  const dogs = { system: animals, filter: [isA('dog')] };
  const unknown = { system: 'urn:nowhere', filter: [isA('x')] };
  await put(server.a, valueSet('both', { include: [dogs, { system: 'urn:plants' }] }));
  await put(server.a, valueSet('doubtful', { include: [unknown, dogs, { system: 'urn:open' }] }));
  await put(server.a, valueSet('without', { include: [dogs], exclude: [unknown] }));
  await put(server.a, valueSet('importing', { include: [{ valueSet: ['urn:vs:none'] }, dogs] }));
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const validated = async (id: string, system: string, code: string) =>
  await server.a.request('GET', `/ValueSet/${id}/$validate-code?system=${system}&code=${code}`);

describe('$validate-code', () => {
  test.each([
    ['both', animals, 'poodle', true],
    ['both', 'urn:plants', 'dog', true],
    ['both', 'urn:plants', 'poodle', false],
    ['both', animals, 'cat', false],
    ['both', 'urn:plants', 'oak', false],
    ['doubtful', animals, 'poodle', true],
    ['doubtful', animals, 'cat', false],
    ['doubtful', 'urn:open', 'x', false],
    ['doubtful', 'urn:other', 'x', false],
    ['importing', animals, 'poodle', true],
  ])('%s: %s %s is %s', async (id, system, code, result) => {
    const { status, json } = await validated(id, system, code);
    expect([status, valuesOf(json, 'result')]).toEqual([200, [result]]);
  });

  test.each([
    ['doubtful', 'urn:nowhere', 'x'],
    ['importing', animals, 'cat'],
  ])('%s: %s %s cannot be told, and is refused', async (id, system, code) => {
    expectRefusal(await validated(id, system, code), 400);
  });

  test('what is left out of another system matters to nobody', async () => {
    expect(valuesOf((await validated('without', animals, 'poodle')).json, 'result')).toEqual([true]);
  });

  test('a code alone is one of any part, in whatever order they stand', async () => {
    const url = 'http://example.org/StructureDefinition/any';
    const element = [
      { id: 'Observation', path: 'Observation' },
      {
        id: 'Observation.code',
        path: 'Observation.code',
        binding: { strength: 'required', valueSet: 'urn:vs:doubtful' },
      },
    ];
    const profile = {
      ...{ resourceType: 'StructureDefinition', id: 'any', url, name: 'Any', status: 'active', kind: 'resource' },
      ...{ abstract: false, type: 'Observation', derivation: 'constraint', differential: { element } },
      baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Observation',
    };
    await put(server.a, profile);
    const context = `context=${encodeURIComponent(`${url}#Observation.code`)}`;
    const ofCode = async (code: string) =>
      await server.a.request('GET', `/ValueSet/$validate-code?${context}&code=${code}`);
    expect(valuesOf((await ofCode('poodle')).json, 'result')).toEqual([true]);
    expectRefusal(await ofCode('cat'), 400);
    await put(server.a, valueSet('doubtful', { include: [{ system: 'urn:open' }, { system: 'urn:plants' }] }));
    expect(valuesOf((await ofCode('dog')).json, 'result')).toEqual([true]);
    await put(server.a, valueSet('doubtful', { include: [{ system: animals }, { system: 'urn:plants' }] }));
    const ambiguous = await ofCode('dog');
    expect([valuesOf(ambiguous.json, 'result'), valuesOf(ambiguous.json, 'message')[0]]).toEqual([
      [false],
      expect.stringContaining('give its system'),
    ]);
    expect(valuesOf((await ofCode('cat')).json, 'result')).toEqual([true]);
    await put(server.a, valueSet('doubtful', { include: [{ system: 'urn:open' }, { system: 'urn:plants' }] }));
    const unknown = await ofCode('oak');
    expect([valuesOf(unknown.json, 'result'), valuesOf(unknown.json, 'message')[0]]).toEqual([
      [false],
      expect.stringContaining('urn:open is not here'),
    ]);
  });
});

describe('warnings of extensible bindings (terminologies.html#extensible)', () => {
  const warned = async (resource: { resourceType: string }) => {
    const { json } = await server.a.request('POST', `/${resource.resourceType}/$validate`, resource);
    const issues = json.issue as { severity: string; code: string; expression?: string[] }[];
    return issues.flatMap((one) => (one.code === 'code-invalid' ? [`${one.severity} ${one.expression?.[0]}`] : []));
  };
  const patient = (system: string, code: string) => ({
    resourceType: 'Patient',
    maritalStatus: { coding: [{ system, code }] },
  });

  test.each([
    [married, 'M', []],
    [nullFlavor, 'UNK', []],
    [nullFlavor, 'M', ['warning Patient.maritalStatus']],
    [married, 'UNK', ['warning Patient.maritalStatus']],
    ['urn:other', 'M', ['warning Patient.maritalStatus']],
  ])('Patient.maritalStatus %s %s', async (system, code, warnings) => {
    expect(await warned(patient(system, code))).toEqual(warnings);
  });

  test('what only the tables of terminology know counts too; what cannot be told is no warning', async () => {
    const country = (code: string, system = 'urn:iso:std:iso:3166') => ({
      ...{ resourceType: 'Questionnaire', status: 'draft', jurisdiction: [{ coding: [{ system, code }] }] },
    });
    expect(await warned(country('CH'))).toEqual([]);
    expect(await warned(country('QQ'))).toEqual(['warning Questionnaire.jurisdiction[0]']);
    const contact = (code: string) => ({
      resourceType: 'Patient',
      contact: [
        {
          name: { text: 'x' },
          relationship: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0131', code }] }],
        },
      ],
    });
    expect(await warned(contact('N'))).toEqual([]);
    expect(await warned(contact('no'))).toEqual(['warning Patient.contact[0].relationship[0]']);
    const reason = { coding: [{ system: 'http://snomed.info/sct', code: '1' }] };
    const encounter = { status: 'planned', class: { system: 'urn:x', code: 'x' }, reasonCode: [reason] };
    expect(await warned({ resourceType: 'Encounter', ...encounter })).not.toContain('warning Encounter.reasonCode[0]');
    const broken = { ...country('QQ'), jurisdiction: [{ coding: [null] }] };
    expect((await warned(broken)).join()).not.toContain('warning');
  });

  test("tables of HL7 version 2 count as R4's own value sets do", async () => {
    const person = (code: string) => ({
      ...{ resourceType: 'RelatedPerson', patient: { display: 'x' } },
      relationship: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0131', code }] }],
    });
    expect(await warned(person('N'))).toEqual([]);
    expect(await warned(person('MTH'))).toEqual(['warning RelatedPerson.relationship[0]']);
  });
});
