// What a profile asks of elements: https://hl7.org/fhir/R4/elementdefinition.html

import { describe, expect, test } from '@jest/globals';
import type { ElementDefinition } from '@medplum/fhirtypes';
import { parseJson } from '../../../src/fhir/json.ts';
import { checkResource } from '../../../src/validation/profiles/check-resource.ts';
import { base, structure } from '../../fhir/profiles/structures.ts';
import { check, registryOf } from './check.ts';

const patientProfile = (...elements: Partial<ElementDefinition>[]) => structure('urn:p', 'Patient', elements);
const observationProfile = (...elements: Partial<ElementDefinition>[]) => structure('urn:o', 'Observation', elements);

function patient(members: object): object {
  return { resourceType: 'Patient', ...members };
}

function observation(members: object): object {
  return { resourceType: 'Observation', status: 'final', code: { text: 'x' }, ...members };
}

describe('cardinality', () => {
  const profile = patientProfile(
    { path: 'Patient.name', min: 1, max: '2' },
    { path: 'Patient.name.family', min: 1 },
    { path: 'Patient.photo', max: '0' },
  );

  test('too few are missed at the element, in every element around', () => {
    expect(check([profile], patient({}))).toEqual(['required Patient.name']);
    expect(check([profile], patient({ name: [{ family: 'A' }, { text: 'B' }] }))).toEqual([
      'required Patient.name[1].family',
    ]);
  });

  test('too many, and those that must not be there', () => {
    const name = { family: 'A' };
    expect(check([profile], patient({ name: [name, name, name] }))).toEqual(['structure Patient.name']);
    expect(check([profile], patient({ name: [name], photo: [{}] }))).toEqual(['structure Patient.photo']);
  });

  test('a primitive with nothing but extensions is there', () => {
    const reason = { url: `${base}data-absent-reason`, valueCode: 'unknown' };
    const bare = patient({ name: [{ _family: { extension: [reason] } }] });
    expect(check([profile], bare)).toEqual([]);
  });

  test('the text names profile, element, what was found and what was expected', () => {
    const [issue] = checkResource(registryOf(profile), patient({}), { profiles: ['urn:p'] });
    expect(issue?.diagnostics).toBe('At least 1 must be there, found 0 (profile urn:p, element Patient.name).');
  });
});

describe('fixed values and patterns', () => {
  const concept = { coding: [{ system: 'urn:s', code: 'a' }] };
  const fixed = patientProfile({ path: 'Patient.maritalStatus', fixedCodeableConcept: concept });
  const pattern = patientProfile({ path: 'Patient.maritalStatus', patternCodeableConcept: concept });

  test('a fixed value is the whole value, a pattern only a part of it', () => {
    const more = {
      coding: [
        { system: 'urn:t', code: 'b' },
        { system: 'urn:s', code: 'a', display: 'A' },
      ],
      text: 'A',
    };
    expect(check([fixed], patient({ maritalStatus: concept }))).toEqual([]);
    expect(check([fixed], patient({ maritalStatus: more }))).toEqual(['value Patient.maritalStatus']);
    expect(check([pattern], patient({ maritalStatus: more }))).toEqual([]);
    const other = {
      coding: [
        { system: 'urn:s', code: 'b' },
        { system: 'urn:t', code: 'a' },
      ],
    };
    expect(check([pattern], patient({ maritalStatus: other }))).toEqual(['value Patient.maritalStatus']);
  });

  test('what is not there needs no value', () => {
    expect(check([fixed], patient({}))).toEqual([]);
  });

  test('decimals are compared with the digits they were written with', () => {
    const { value, exactNumbers } = parseJson(
      `{"differential":{"element":[{"path":"Observation.value[x]","patternQuantity":{"value":1.50}}]}}`,
    );
    const differential = (value as { differential: never }).differential;
    const made = structure('urn:o', 'Observation', [], { differential });
    const profile = { ...made, exactNumbers: exactNumbers! };
    const sent = (number: string) => {
      const body = parseJson(`{"resourceType":"Observation","valueQuantity":{"value":${number}}}`);
      return check([profile], body.value as object, { exactNumbers: body.exactNumbers });
    };
    expect(sent('1.50')).toEqual([]);
    expect(sent('1.5')).toEqual(['value Observation.value']);
    expect(sent('1.500')).toEqual(['value Observation.value']);
  });

  test('lengths and bounds of numbers', () => {
    const profile = observationProfile(
      { path: 'Observation.valueQuantity.value', minValueDecimal: 0, maxValueDecimal: 10 },
      { path: 'Observation.valueQuantity.unit', maxLength: 3 },
    );
    expect(check([profile], observation({ valueQuantity: { value: 10, unit: 'kg' } }))).toEqual([]);
    expect(check([profile], observation({ valueQuantity: { value: 11 } }))).toEqual(['value Observation.value.value']);
    expect(check([profile], observation({ valueQuantity: { value: -1, unit: 'long' } }))).toEqual([
      'value Observation.value.value',
      'too-long Observation.value.unit',
    ]);
  });
});

describe('types', () => {
  test('a choice may be narrowed to some of its types', () => {
    const profile = observationProfile({
      path: 'Observation.value[x]',
      type: [{ code: 'Quantity' }, { code: 'string' }],
    });
    expect(check([profile], observation({ valueString: 'x' }))).toEqual([]);
    expect(check([profile], observation({ valueBoolean: true }))).toEqual(['structure Observation.value']);
  });

  test('a reference must point to a type of the profile, as far as it tells', () => {
    const profile = observationProfile({
      path: 'Observation.subject',
      type: [{ code: 'Reference', targetProfile: [`${base}Patient`] }],
    });
    expect(check([profile], observation({ subject: { reference: 'Patient/1' } }))).toEqual([]);
    expect(check([profile], observation({ subject: { reference: 'urn:uuid:1' } }))).toEqual([]);
    expect(check([profile], observation({ subject: { reference: 'Group/1' } }))).toEqual([
      'structure Observation.subject',
    ]);
    const contained = { contained: [{ resourceType: 'Device', id: 'd' }], subject: { reference: '#d' } };
    expect(check([profile], observation(contained))).toEqual(['structure Observation.subject']);
  });

  test('a reference may have to point into the resource, or out of it', () => {
    const profile = observationProfile({
      path: 'Observation.subject',
      type: [{ code: 'Reference', targetProfile: [`${base}Patient`], aggregation: ['contained'] }],
    });
    expect(check([profile], observation({ subject: { reference: 'Patient/1' } }))).toEqual([
      'structure Observation.subject',
    ]);
  });

  test('a type must have a profile, or one of several', () => {
    const human = structure('urn:h', 'HumanName', [{ path: 'HumanName.family', min: 1 }], { kind: 'complex-type' });
    const other = structure('urn:t', 'HumanName', [{ path: 'HumanName.text', min: 1 }], { kind: 'complex-type' });
    const asks = (...profile: string[]) =>
      patientProfile({ path: 'Patient.name', type: [{ code: 'HumanName', profile }] });
    const bare = patient({ name: [{ given: ['A'] }, { text: 'B' }] });
    expect(check([asks('urn:h'), human], bare)).toEqual([
      'required Patient.name[0].family',
      'required Patient.name[1].family',
    ]);
    expect(check([asks('urn:h', 'urn:t'), human, other], bare)).toEqual(['structure Patient.name[0]']);
  });

  test('a profile of contained resources and of the entries of a Bundle', () => {
    const named = structure('urn:n', 'Patient', [{ path: 'Patient.name', min: 1 }]);
    const holder = observationProfile({
      path: 'Observation.contained',
      type: [{ code: 'Patient', profile: ['urn:n'] }],
    });
    expect(check([holder, named], observation({ contained: [{ resourceType: 'Patient', id: 'p' }] }))).toEqual([
      'required Observation.contained[0].name',
    ]);
    expect(check([holder, named], observation({ contained: [{ resourceType: 'Device', id: 'p' }] }))).toEqual([
      'structure Observation.contained[0]',
    ]);
    const bundle = structure('urn:b', 'Bundle', [
      { path: 'Bundle.entry.resource', type: [{ code: 'Patient', profile: ['urn:n'] }] },
    ]);
    const entries = { resourceType: 'Bundle', type: 'collection', entry: [{ resource: { resourceType: 'Patient' } }] };
    expect(check([bundle, named], entries)).toEqual(['required Bundle.entry[0].resource.name']);
  });
});

describe('targets of references', () => {
  const named = structure('urn:n', 'Patient', [{ path: 'Patient.name', min: 1 }]);
  const profile = observationProfile({
    path: 'Observation.subject',
    type: [{ code: 'Reference', targetProfile: ['urn:n'] }],
  });
  const about = (reference: string, more: object = {}) => observation({ subject: { reference }, ...more });

  test('must conform where the resource, the Bundle or the surroundings have them', () => {
    const contained = (members: object) => ({ contained: [{ resourceType: 'Patient', id: 'p', ...members }] });
    expect(check([profile, named], about('#p', contained({ name: [{ text: 'A' }] })))).toEqual([]);
    expect(check([profile, named], about('#p', contained({})))).toEqual(['structure Observation.subject']);
    const resolve = () => patient({});
    expect(check([profile, named], about('Patient/1'), { resolve })).toEqual(['structure Observation.subject']);
    expect(check([profile, named], about('Patient/1'))).toEqual([]);
  });

  test('a contained resource refers to others of the same container', () => {
    const panel = observationProfile({
      path: 'Observation.hasMember',
      type: [{ code: 'Reference', targetProfile: ['urn:member'] }],
    });
    const member = structure('urn:member', 'Observation', [
      { path: 'Observation.subject', min: 1, type: [{ code: 'Reference', targetProfile: ['urn:n'] }] },
    ]);
    const holding = (members: object) =>
      observation({
        contained: [
          { ...observation({ subject: { reference: '#p' } }), id: 'o' },
          { resourceType: 'Patient', id: 'p', ...members },
        ],
        hasMember: [{ reference: '#o' }],
      });
    expect(check([panel, member, named], holding({ name: [{ text: 'A' }] }))).toEqual([]);
    expect(check([panel, member, named], holding({}))).toEqual(['structure Observation.hasMember[0]']);
  });

  test('inside of a Bundle by fullUrl', () => {
    const bundle = structure('urn:b', 'Bundle', [
      { path: 'Bundle.entry.resource', type: [{ code: 'Resource', profile: ['urn:o', 'urn:n'] }] },
    ]);
    const entries = (members: object) => ({
      resourceType: 'Bundle',
      entry: [
        { resource: about('urn:uuid:1') },
        { fullUrl: 'urn:uuid:1', resource: patient({ name: [{ text: 'A' }], ...members }) },
      ],
    });
    expect(check([bundle, profile, named], entries({}))).toEqual([]);
    expect(check([bundle, profile, named], entries({ name: undefined }))).toEqual([
      'structure Bundle.entry[0].resource',
      'structure Bundle.entry[1].resource',
    ]);
  });

  test('what is wrong with another resource is not told', () => {
    const issues = checkResource(registryOf(profile, named), about('Patient/1'), {
      profiles: ['urn:o'],
      resolve: () => patient({}),
    });
    expect(issues.map(({ diagnostics }) => diagnostics)).toEqual([
      'The target does not conform to urn:n (profile urn:o, element Observation.subject).',
    ]);
  });

  test('resources that refer to each other in a circle are checked once', () => {
    const a = structure('urn:a', 'Observation', [
      { path: 'Observation.hasMember', type: [{ code: 'Reference', targetProfile: ['urn:a'] }] },
      { path: 'Observation.note', min: 1 },
    ]);
    const one = observation({ hasMember: [{ reference: 'Observation/2' }], note: [{ text: 'x' }] });
    const two = observation({ hasMember: [{ reference: 'Observation/1' }], note: [{ text: 'x' }] });
    const resolve = (reference: string) => (reference === 'Observation/1' ? one : two);
    expect(check([a], one, { resolve })).toEqual([]);
  });
});

describe('bindings', () => {
  const bound = (strength: 'required' | 'extensible' | 'preferred') =>
    observationProfile({ path: 'Observation.bodySite', binding: { strength, valueSet: 'urn:v|1' } });
  const isMember = (valueSet: string, { system, code }: { system?: string; code: string }) =>
    valueSet === 'urn:v|1' ? system === 'urn:s' && code === 'a' : undefined;
  const status = (...codes: string[]) =>
    observation({ bodySite: { coding: codes.map((code) => ({ system: 'urn:s', code })), text: 'x' } });

  test('required is an error, extensible a warning, preferred nothing', () => {
    expect(check([bound('required')], status('b'), { isMember })).toEqual(['code-invalid Observation.bodySite']);
    expect(check([bound('extensible')], status('b'), { isMember })).toEqual([
      'warning code-invalid Observation.bodySite',
    ]);
    expect(check([bound('preferred')], status('b'), { isMember })).toEqual([]);
  });

  test('one coding of several is enough, and text alone where the binding is extensible', () => {
    expect(check([bound('required')], status('b', 'a'), { isMember })).toEqual([]);
    expect(check([bound('extensible')], status(), { isMember })).toEqual([]);
    expect(check([bound('required')], status(), { isMember })).toEqual(['code-invalid Observation.bodySite']);
  });

  test('the greatest value set of a weaker binding is required', () => {
    const extension = [{ url: `${base}elementdefinition-maxValueSet`, valueCanonical: 'urn:v|1' }];
    const weak = (strength: 'preferred' | 'extensible') =>
      observationProfile({
        path: 'Observation.bodySite',
        binding: { strength, valueSet: 'urn:other', extension },
      });
    for (const strength of ['preferred', 'extensible'] as const) {
      expect(check([weak(strength)], status('a'), { isMember })).toEqual([]);
      expect(check([weak(strength)], status('b'), { isMember })).toEqual(['code-invalid Observation.bodySite']);
    }
  });

  test('what nobody can answer passes, and where it is required that is told', () => {
    expect(check([bound('required')], status('b'))).toEqual(['warning not-supported Observation.bodySite']);
    expect(check([bound('extensible')], status('b'))).toEqual([]);
    const isKnown = (valueSet: string, { code }: { code: string }) =>
      valueSet === 'urn:v|1' && code === 'a' ? true : undefined;
    expect(check([bound('required')], status('b', 'a'), { isMember: isKnown })).toEqual([]);
  });

  test('codes, quantities and texts have codes too', () => {
    const profile = observationProfile({
      path: 'Observation.valueQuantity',
      binding: { strength: 'required', valueSet: 'urn:v|1' },
    });
    expect(check([profile], observation({ valueQuantity: { system: 'urn:s', code: 'a' } }), { isMember })).toEqual([]);
    expect(check([profile], observation({ valueQuantity: { system: 'urn:s', code: 'b' } }), { isMember })).toEqual([
      'code-invalid Observation.value',
    ]);
  });
});

describe('constraints', () => {
  const profile = (severity: 'error' | 'warning', expression: string, path = 'Patient') =>
    patientProfile({ path, constraint: [{ key: 'x-1', severity, human: 'It must hold', expression }] });

  test('are evaluated for each element they stand at', () => {
    const named = profile('error', 'family.exists() or %resource.active', 'Patient.name');
    expect(check([named], patient({ name: [{ family: 'A' }, { text: 'B' }] }))).toEqual(['invariant Patient.name[1]']);
    expect(check([named], patient({ active: true, name: [{ text: 'B' }] }))).toEqual([]);
    expect(check([profile('warning', 'active')], patient({ active: false }))).toEqual(['warning invariant Patient']);
  });

  test('what is no FHIRPath is a problem of the profile and refuses nothing', () => {
    const registry = registryOf(profile('error', 'active = ('));
    const compiled = registry.compiler.get('urn:p');
    expect(compiled?.profile && compiled.problems.map(({ severity }) => severity)).toEqual(['warning']);
    const told = checkResource(registry, patient({}), { profiles: ['urn:p'] });
    expect(told.map(({ severity, code }) => [severity, code])).toEqual([['warning', 'not-supported']]);
  });

  test('what takes too long ends, with an issue', () => {
    const costly = profile(
      'error',
      'descendants().where(%resource.descendants().where(%resource.descendants().exists()).exists()).exists()',
    );
    const many = patient({ name: Array.from({ length: 2_000 }, () => ({ given: ['a', 'b', 'c'] })) });
    expect(check([costly], many)[0]).toContain('too-costly');
  });
});

describe('profiles that are asked for and claimed', () => {
  const profile = patientProfile({ path: 'Patient.name', min: 1 });
  const registry = registryOf(profile);
  const issues = (resource: object, profiles: string[] = []) =>
    checkResource(registry, resource, { profiles }).map(
      ({ severity, code, expression }) => `${severity} ${code} ${expression?.[0]}`,
    );

  test('meta.profile is checked in the resource, contained ones and entries', () => {
    const claiming = { resourceType: 'Patient', meta: { profile: ['urn:p'] } };
    expect(issues(claiming)).toEqual(['error required Patient.name']);
    expect(issues({ resourceType: 'Bundle', entry: [{ resource: claiming }] })).toEqual([
      'error required Bundle.entry[0].resource.name',
    ]);
    expect(issues(observation({ contained: [claiming] }))).toEqual(['error required Observation.contained[0].name']);
  });

  test('a claim nobody knows is a warning, a profile asked for an error', () => {
    expect(issues(patient({ meta: { profile: ['urn:x'] } }))).toEqual(['warning not-found Patient.meta.profile[0]']);
    expect(issues(patient({}), ['urn:x'])).toEqual(['error not-found Patient']);
  });

  test('the definition of its own type may be claimed, that of another may not', () => {
    expect(issues(patient({ meta: { profile: [`${base}Patient`, `${base}DomainResource`] } }))).toEqual([]);
    expect(issues(patient({ meta: { profile: [`${base}Group`] } }))).toEqual([
      'error structure Patient.meta.profile[0]',
    ]);
  });

  test('a profile of another type is an error', () => {
    expect(issues(observation({ meta: { profile: ['urn:p'] } }))).toEqual([
      'error structure Observation.meta.profile[0]',
    ]);
  });

  test('at most 100 issues are told', () => {
    const inner = registryOf(patientProfile({ path: 'Patient.name.family', min: 1 }));
    const many = patient({ name: Array.from({ length: 500 }, () => ({ text: 'x' })) });
    expect(checkResource(inner, many, { profiles: ['urn:p'] })).toHaveLength(100);
  });
});
