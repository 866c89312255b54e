// `#id` in a profile means what the profile itself contains: https://hl7.org/fhir/R4/references.html#canonical

import { describe, expect, test } from '@jest/globals';
import type { ElementDefinition, Resource, ValueSet } from '@medplum/fhirtypes';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { ProfileSet } from '../../../src/fhir/profiles/profile-set.ts';
import { snapshotElements } from '../../../src/fhir/profiles/snapshot-elements.ts';
import { extendRegistry } from '../../../src/validation/profiles/registry.ts';
import { structure } from '../../fhir/profiles/structures.ts';
import { check, registryOf } from './check.ts';

const codes: ValueSet = {
  resourceType: 'ValueSet',
  id: 'codes',
  status: 'active',
  compose: { include: [{ system: 'urn:s', concept: [{ code: 'a' }, { code: 'b' }] }] },
};
const named = {
  ...structure('urn:named', 'HumanName', [{ path: 'HumanName.family', min: 1 }], { kind: 'complex-type' }).resource,
  id: 'named',
};
const holding = (contained: Resource[], ...elements: Partial<ElementDefinition>[]) =>
  structure('urn:p', 'Patient', elements, { contained, version: '1.0' });

const bound = holding([codes], {
  path: 'Patient.maritalStatus',
  binding: { strength: 'required', valueSet: '#codes' },
});
const typed = holding([named], { path: 'Patient.name', type: [{ code: 'HumanName', profile: ['#named'] }] });
const married = (code: string) => ({
  resourceType: 'Patient',
  maritalStatus: { coding: [{ system: 'urn:s', code }] },
});
const unnamed = { resourceType: 'Patient', name: [{ text: 'A' }] };

describe('a local canonical', () => {
  test('of a binding is the contained value set', () => {
    expect(check([bound], married('a'))).toEqual([]);
    expect(check([bound], married('c'))).toEqual(['code-invalid Patient.maritalStatus']);
  });

  test('of a type is the contained profile, also of the targets of references', () => {
    expect(check([typed], { resourceType: 'Patient', name: [{ family: 'A' }] })).toEqual([]);
    expect(check([typed], unnamed)).toEqual(['required Patient.name[0].family']);
    const whole = { ...structure('urn:w', 'Patient', [{ path: 'Patient.name', min: 1 }]).resource, id: 'whole' };
    const about = structure(
      'urn:o',
      'Observation',
      [{ path: 'Observation.subject', type: [{ code: 'Reference', targetProfile: ['#whole'] }] }],
      { contained: [whole] },
    );
    const subject = { reference: '#p' };
    const observation = (patient: object) => ({ resourceType: 'Observation', contained: [patient], subject });
    expect(check([about], observation({ resourceType: 'Patient', id: 'p' }))).toEqual([
      'structure Observation.subject',
    ]);
    expect(check([about], observation({ resourceType: 'Patient', id: 'p', name: [{ text: 'A' }] }))).toEqual([]);
  });

  test('means the same in a profile that builds on it, which may contain another of the same id', () => {
    const other = { ...codes, compose: { include: [{ system: 'urn:s', concept: [{ code: 'c' }] }] } };
    const child = structure('urn:child', 'Patient', [{ path: 'Patient.gender', min: 1 }], {
      baseDefinition: 'urn:p|1.0',
      contained: [other],
    });
    expect(check([child, bound], { ...married('a'), gender: 'other' })).toEqual([]);
    expect(check([child, bound], { ...married('c'), gender: 'other' })).toEqual(['code-invalid Patient.maritalStatus']);
  });

  test('of a contained profile is looked for in the container, for nothing is contained twice (dom-2)', () => {
    const part = {
      ...structure('urn:part', 'Patient', [
        { path: 'Patient.maritalStatus', binding: { strength: 'required', valueSet: '#codes' } },
      ]).resource,
      id: 'part',
    };
    const bundle = structure(
      'urn:b',
      'Bundle',
      [{ path: 'Bundle.entry.resource', type: [{ code: 'Patient', profile: ['#part'] }] }],
      { contained: [part, codes] },
    );
    const entries = (code: string) => ({ resourceType: 'Bundle', entry: [{ resource: married(code) }] });
    expect(check([bundle], entries('a'))).toEqual([]);
    expect(check([bundle], entries('c'))).toEqual(['code-invalid Bundle.entry[0].resource.maritalStatus']);
  });

  test('that nothing contained has makes the definition unusable, and names the element', () => {
    const empty = holding([], { path: 'Patient.gender', binding: { strength: 'required', valueSet: '#codes' } });
    const compiled = registryOf(empty).compiler.get('urn:p');
    expect(compiled?.issues?.map(({ code, diagnostics }) => [code, diagnostics])).toEqual([
      [
        'not-found',
        'StructureDefinition urn:p, element Patient.gender: #codes is none of the resources that the definition contains.',
      ],
    ]);
  });

  test('is nobody else’s: two tenants have their own under one canonical', () => {
    const base = registryOf();
    const none = { valueSets: [], codeSystems: [] };
    const other = { ...codes, compose: { include: [{ system: 'urn:s', concept: [{ code: 'c' }] }] } };
    const b = holding([other], {
      path: 'Patient.maritalStatus',
      binding: { strength: 'required', valueSet: '#codes' },
    });
    const [ofA, ofB] = [bound, b].map((one) => extendRegistry(base, { ...none, structures: [one] }));
    const coding = { system: 'urn:s', code: 'c' };
    expect([ofA?.isMember('urn:p|1.0#codes', coding), ofB?.isMember('urn:p|1.0#codes', coding)]).toEqual([false, true]);
    expect(base.isMember('urn:p|1.0#codes', coding)).toBeUndefined();
  });
});

describe('a snapshot', () => {
  const bindingOf = (elements: ElementDefinition[]) =>
    elements.find(({ path }) => path === 'Patient.maritalStatus')?.binding?.valueSet;

  test('has `#id` as the definition has it, and in a profile that builds on it the whole canonical', () => {
    const child = structure('urn:child', 'Patient', [{ path: 'Patient' }], { baseDefinition: 'urn:p' });
    const profiles = new ProfileSet(loadDefinitions(), (url) => [bound, child].find((one) => one.resource.url === url));
    const elementsOf = (url: string) => {
      const profile = profiles.get(url)?.profile;
      return profile ? snapshotElements(profile) : [];
    };
    expect(bindingOf(elementsOf('urn:p'))).toBe('#codes');
    expect(bindingOf(elementsOf('urn:child'))).toBe('urn:p|1.0#codes');
  });

  test('is made of a definition that nobody has stored', () => {
    const profiles = new ProfileSet(loadDefinitions(), () => undefined);
    const { profile, issues } = profiles.generate(
      holding(
        [named],
        { path: 'Patient.name', type: [{ code: 'HumanName', profile: ['#named'] }] },
        { path: 'Patient.name.family', max: '1' },
      ),
    );
    expect(issues).toBeUndefined();
    expect(profile?.root.children.get('name')?.children.get('family')?.definition.min).toBe(1);
  });
});
