// Slices by every kind of discriminator and rule: https://hl7.org/fhir/R4/profiling.html#slicing

import { describe, expect, test } from '@jest/globals';
import type { ElementDefinition, ElementDefinitionSlicing } from '@medplum/fhirtypes';
import { base, extension, structure } from '../../fhir/profiles/structures.ts';
import { check, registryOf } from './check.ts';

type Discriminator = NonNullable<ElementDefinitionSlicing['discriminator']>[number];

function slicing(
  type: Discriminator['type'],
  path: string,
  rules: 'open' | 'closed' | 'openAtEnd' = 'open',
  ordered = false,
) {
  return { discriminator: [{ type, path }], rules, ordered } as ElementDefinitionSlicing;
}

const patientProfile = (...elements: Partial<ElementDefinition>[]) => structure('urn:p', 'Patient', elements);

function identified(...systems: (string | undefined)[]): object {
  const identifier = systems.map((system) => ({ ...(system && { system }), value: 'x' }));
  return { resourceType: 'Patient', ...(identifier.length > 0 && { identifier }) };
}

/** Slices a and b of Patient.identifier by their systems. */
function bySystem(rules: 'open' | 'closed' | 'openAtEnd', ordered = false) {
  return patientProfile(
    { path: 'Patient.identifier', slicing: slicing('value', 'system', rules, ordered) },
    { path: 'Patient.identifier', sliceName: 'a', min: 1, max: '1' },
    { path: 'Patient.identifier.system', fixedUri: 'urn:a' },
    { path: 'Patient.identifier', sliceName: 'b', max: '2' },
    { path: 'Patient.identifier.system', fixedUri: 'urn:b' },
    { path: 'Patient.identifier.use', min: 1 },
  );
}

describe('rules', () => {
  test('each slice has its own cardinality and content', () => {
    expect(check([bySystem('open')], identified('urn:a'))).toEqual([]);
    expect(check([bySystem('open')], identified('urn:c'))).toEqual(['required Patient.identifier']);
    expect(check([bySystem('open')], identified('urn:a', 'urn:a'))).toEqual(['structure Patient.identifier[1]']);
    expect(check([bySystem('open')], identified('urn:a', 'urn:b'))).toEqual(['required Patient.identifier[1].use']);
  });

  test('open takes others anywhere, openAtEnd behind the slices, closed nowhere', () => {
    expect(check([bySystem('open')], identified('urn:x', 'urn:a'))).toEqual([]);
    expect(check([bySystem('openAtEnd')], identified('urn:a', 'urn:x'))).toEqual([]);
    expect(check([bySystem('openAtEnd')], identified('urn:x', 'urn:a'))).toEqual(['structure Patient.identifier[1]']);
    expect(check([bySystem('closed')], identified('urn:a', 'urn:x'))).toEqual(['structure Patient.identifier[1]']);
  });

  test('ordered slices come in the order of the profile', () => {
    const rest = { use: 'usual', value: 'x' };
    const ordered = (...systems: string[]) => ({
      resourceType: 'Patient',
      identifier: systems.map((system) => ({ ...rest, system })),
    });
    expect(check([bySystem('open', true)], ordered('urn:a', 'urn:b'))).toEqual([]);
    expect(check([bySystem('open', true)], ordered('urn:b', 'urn:a'))).toEqual(['structure Patient.identifier[1]']);
  });

  test('@default is for what is in no other slice', () => {
    const profile = patientProfile(
      { path: 'Patient.identifier', slicing: slicing('value', 'system', 'closed') },
      { path: 'Patient.identifier', sliceName: 'a' },
      { path: 'Patient.identifier.system', fixedUri: 'urn:a' },
      { path: 'Patient.identifier', sliceName: '@default' },
      { path: 'Patient.identifier.use', min: 1 },
    );
    expect(check([profile], identified('urn:a', 'urn:x'))).toEqual(['required Patient.identifier[1].use']);
  });

  test('slices of a slice are told apart among its items only', () => {
    const profile = patientProfile(
      { path: 'Patient.identifier', slicing: slicing('value', 'system') },
      { path: 'Patient.identifier', sliceName: 'a', slicing: slicing('value', 'use', 'closed') },
      { path: 'Patient.identifier.system', fixedUri: 'urn:a' },
      { path: 'Patient.identifier', sliceName: 'a/usual', max: '1' },
      { path: 'Patient.identifier.use', fixedCode: 'usual' },
    );
    const usual = { system: 'urn:a', use: 'usual' };
    const issues = (...identifier: object[]) => check([profile], { resourceType: 'Patient', identifier });
    expect(issues(usual, { system: 'urn:b', use: 'old' })).toEqual([]);
    expect(issues(usual, usual)).toEqual(['structure Patient.identifier[1]']);
    expect(issues({ system: 'urn:a', use: 'old' })).toEqual(['structure Patient.identifier[0]']);
  });
});

describe('discriminators', () => {
  const observation = (members: object) => ({ resourceType: 'Observation', ...members });
  const observationProfile = (...elements: Partial<ElementDefinition>[]) => structure('urn:o', 'Observation', elements);

  test('pattern: of the element itself, or of a part of its pattern', () => {
    const pattern = { coding: [{ system: 'urn:s', code: 'a' }] };
    for (const [type, path] of [
      ['pattern', '$this'],
      ['value', '$this'],
      ['value', 'coding.code'],
    ] as const) {
      const profile = observationProfile(
        { path: 'Observation.category', slicing: slicing(type, path) },
        { path: 'Observation.category', sliceName: 'a', min: 1, patternCodeableConcept: pattern },
      );
      expect(check([profile], observation({ category: [{ text: 'x' }, { ...pattern, text: 'A' }] }))).toEqual([]);
      expect(check([profile], observation({ category: [{ coding: [{ code: 'b' }] }] }))).toEqual([
        'required Observation.category',
      ]);
    }
  });

  test('value: through the slices of an inner list, and by a required binding', () => {
    const profile = observationProfile(
      { path: 'Observation.component', slicing: slicing('value', 'code.coding.code') },
      { path: 'Observation.component', sliceName: 'sys', min: 1 },
      { path: 'Observation.component.code.coding', slicing: slicing('value', 'code') },
      { path: 'Observation.component.code.coding', sliceName: 'loinc', min: 1 },
      { path: 'Observation.component.code.coding.code', fixedCode: '8480-6' },
    );
    const component = (code: string) => ({ component: [{ code: { coding: [{ code: 'other' }, { code }] } }] });
    expect(check([profile], observation(component('8480-6')))).toEqual([]);
    expect(check([profile], observation(component('x')))).toEqual(['required Observation.component']);
    const bound = observationProfile(
      { path: 'Observation.category', slicing: slicing('value', 'coding') },
      { path: 'Observation.category', sliceName: 'a', min: 1 },
      { path: 'Observation.category.coding', binding: { strength: 'required', valueSet: 'urn:v' } },
    );
    const isMember = (_: string, { code }: { code: string }) => code === 'a';
    expect(check([bound], observation({ category: [{ coding: [{ code: 'a' }] }] }), { isMember })).toEqual([]);
    expect(check([bound], observation({ category: [{ coding: [{ code: 'b' }] }] }), { isMember })).toEqual([
      'required Observation.category',
    ]);
  });

  test('exists: by what must be there and what must not', () => {
    const profile = patientProfile(
      { path: 'Patient.name', slicing: slicing('exists', 'period') },
      { path: 'Patient.name', sliceName: 'past' },
      { path: 'Patient.name.period', min: 1 },
      { path: 'Patient.name', sliceName: 'current', max: '1' },
      { path: 'Patient.name.period', max: '0' },
    );
    const names = (...name: object[]) => check([profile], { resourceType: 'Patient', name });
    expect(names({ text: 'a' }, { text: 'b', period: { start: '2020' } })).toEqual([]);
    expect(names({ text: 'a' }, { text: 'b' })).toEqual(['structure Patient.name[1]']);
  });

  test('type: of a choice, of contained resources, of what a reference points to', () => {
    const choice = observationProfile(
      { path: 'Observation.value[x]', slicing: slicing('type', '$this', 'closed') },
      { path: 'Observation.value[x]', sliceName: 'valueQuantity', type: [{ code: 'Quantity' }] },
      { path: 'Observation.value[x].unit', min: 1 },
    );
    expect(check([choice], observation({ valueQuantity: { value: 1 } }))).toEqual(['required Observation.value.unit']);
    expect(check([choice], observation({ valueString: 'x' }))).toEqual(['structure Observation.value']);
    const contained = observationProfile(
      { path: 'Observation.contained', slicing: slicing('type', '$this') },
      { path: 'Observation.contained', sliceName: 'patient', max: '1', type: [{ code: 'Patient' }] },
    );
    const patients = [
      { resourceType: 'Patient', id: 'a' },
      { resourceType: 'Device', id: 'b' },
      { resourceType: 'Patient', id: 'c' },
    ];
    expect(check([contained], observation({ contained: patients }))).toEqual(['structure Observation.contained[2]']);
    const performer = observationProfile(
      { path: 'Observation.performer', slicing: slicing('type', 'resolve()') },
      {
        path: 'Observation.performer',
        sliceName: 'doctor',
        min: 1,
        type: [{ code: 'Reference', targetProfile: [`${base}Practitioner`] }],
      },
    );
    expect(check([performer], observation({ performer: [{ reference: 'Practitioner/1' }] }))).toEqual([]);
    expect(check([performer], observation({ performer: [{ reference: 'Patient/1' }, { display: 'x' }] }))).toEqual([
      'required Observation.performer',
    ]);
  });

  test('profile: of the element, and of what a reference points to', () => {
    const named = structure('urn:n', 'Patient', [{ path: 'Patient.name', min: 1 }]);
    const contained = observationProfile(
      { path: 'Observation.contained', slicing: slicing('profile', '$this') },
      { path: 'Observation.contained', sliceName: 'named', min: 1, type: [{ code: 'Patient', profile: ['urn:n'] }] },
    );
    const patient = { resourceType: 'Patient', id: 'p' };
    expect(check([contained, named], observation({ contained: [{ ...patient, name: [{}] }] }))).toEqual([]);
    expect(check([contained, named], observation({ contained: [patient] }))).toEqual([
      'required Observation.contained',
    ]);
    const subject = observationProfile(
      { path: 'Observation.focus', slicing: slicing('profile', 'resolve()') },
      {
        path: 'Observation.focus',
        sliceName: 'named',
        min: 1,
        type: [{ code: 'Reference', targetProfile: ['urn:n'] }],
      },
    );
    const focus = observation({ focus: [{ reference: 'Patient/1' }] });
    expect(check([subject, named], focus, { resolve: () => ({ ...patient, name: [{}] }) })).toEqual([]);
    expect(check([subject, named], focus, { resolve: () => patient })).toEqual(['required Observation.focus']);
  });

  test('value in what a reference points to', () => {
    const coded = structure('urn:c', 'Observation', [
      { path: 'Observation.code', patternCodeableConcept: { coding: [{ code: 'a' }] } },
    ]);
    const panel = observationProfile(
      { path: 'Observation.hasMember', slicing: slicing('value', 'resolve().code') },
      {
        path: 'Observation.hasMember',
        sliceName: 'a',
        min: 1,
        type: [{ code: 'Reference', targetProfile: ['urn:c'] }],
      },
    );
    const members = observation({ hasMember: [{ reference: 'Observation/1' }] });
    expect(
      check([panel, coded], members, { resolve: () => observation({ code: { coding: [{ code: 'a' }] } }) }),
    ).toEqual([]);
    expect(
      check([panel, coded], members, { resolve: () => observation({ code: { coding: [{ code: 'b' }] } }) }),
    ).toEqual(['required Observation.hasMember']);
  });

  test("extension('url') and ofType(type) are steps of a path", () => {
    const profile = patientProfile(
      { path: 'Patient.name', slicing: slicing('value', "extension('urn:kind').value.ofType(code)") },
      { path: 'Patient.name', sliceName: 'a', min: 1 },
      { path: 'Patient.name.extension', sliceName: 'kind', type: [{ code: 'Extension', profile: ['urn:kind'] }] },
      { path: 'Patient.name.extension.value[x]', fixedCode: 'a' },
    );
    const kind = extension('urn:kind', 'code', { context: [{ type: 'element', expression: 'HumanName' }] });
    const names = (valueCode: string) => ({
      resourceType: 'Patient',
      name: [{ extension: [{ url: 'urn:kind', valueCode }] }],
    });
    expect(check([profile, kind], names('a'))).toEqual([]);
    expect(check([profile, kind], names('b'))).toEqual(['required Patient.name']);
  });

  test('several discriminators must all agree', () => {
    const profile = patientProfile(
      {
        path: 'Patient.identifier',
        slicing: {
          discriminator: [
            { type: 'value', path: 'system' },
            { type: 'value', path: 'use' },
          ],
          rules: 'open',
        },
      },
      { path: 'Patient.identifier', sliceName: 'a', max: '0' },
      { path: 'Patient.identifier.system', fixedUri: 'urn:a' },
      { path: 'Patient.identifier.use', fixedCode: 'old' },
    );
    const issues = (use: string) =>
      check([profile], { resourceType: 'Patient', identifier: [{ system: 'urn:a', use }] });
    expect(issues('usual')).toEqual([]);
    expect(issues('old')).toEqual(['structure Patient.identifier[0]']);
  });

  test.each<[string, Discriminator['type'], string]>([
    ['says nothing of it', 'value', 'value'],
    ['must be there or not, nobody says', 'exists', 'use'],
    ['is no path', 'value', 'where(use = 1)'],
  ])('a slice that %s is a problem of the profile, and no item is judged by it', (_, type, path) => {
    const profile = patientProfile(
      { path: 'Patient.identifier', slicing: slicing(type, path, 'closed') },
      { path: 'Patient.identifier', sliceName: 'a', min: 1 },
    );
    const compiled = registryOf(profile).compiler.get('urn:p');
    expect(compiled?.profile && compiled.problems.map(({ severity }) => severity)).toEqual(['error']);
    expect(check([profile], identified('urn:x'))).toEqual(['warning invalid Patient']);
  });
});
