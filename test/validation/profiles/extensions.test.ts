// Extensions are checked by their definitions, wherever they stand: https://hl7.org/fhir/R4/extensibility.html

import { describe, expect, test } from '@jest/globals';
import type { StructureDefinition } from '@medplum/fhirtypes';
import { checkResource } from '../../../src/validation/profiles/check-resource.ts';
import { extension } from '../../fhir/profiles/structures.ts';
import { registryOf, shortly } from './check.ts';

const url = 'urn:ext';

function issues(
  resource: object,
  overrides: Partial<StructureDefinition> = {},
  ...more: ReturnType<typeof extension>[]
): string[] {
  return checkResource(registryOf(extension(url, 'string', overrides), ...more), resource).map(shortly);
}

const patient = (members: object) => ({ resourceType: 'Patient', ...members });
const carried = { extension: [{ url, valueString: 'x' }] };
const within = (...context: NonNullable<StructureDefinition['context']>) => ({ context });
const element = (expression: string) => ({ type: 'element' as const, expression });

describe('an extension', () => {
  test('whose definition is known must be as it says', () => {
    expect(issues(patient(carried))).toEqual([]);
    expect(issues(patient({ extension: [{ url, valueCode: 'x' }] }))).toEqual(['structure Patient.extension[0].value']);
    expect(issues(patient({ extension: [{ url }] }))).toEqual(['required Patient.extension[0].value']);
  });

  test('nobody knows is a warning, but a modifier an error', () => {
    const unknown = { url: 'urn:unknown', valueCode: 'x' };
    expect(issues(patient({ extension: [unknown] }))).toEqual(['warning extension Patient.extension[0]']);
    expect(issues(patient({ modifierExtension: [unknown] }))).toEqual(['extension Patient.modifierExtension[0]']);
  });

  test('for an element of R5 has a url that R4 itself gives it, and is let be (versions.html#extensions)', () => {
    const ofR5 = { url: 'http://hl7.org/fhir/5.0/StructureDefinition/extension-Patient.newElement', valueCode: 'x' };
    expect(issues(patient({ extension: [ofR5] }))).toEqual([]);
    expect(issues(patient({ modifierExtension: [ofR5] }))).toEqual(['extension Patient.modifierExtension[0]']);
  });

  test('nobody knows leaves its parts unchecked, but not what is known within them', () => {
    const inner = {
      url: 'urn:outer',
      extension: [
        { url: 'part', valueString: 'x' },
        { url, valueCode: 'x' },
      ],
    };
    expect(issues(patient({ extension: [inner] }), within(element('Extension')))).toEqual([
      'warning extension Patient.extension[0]',
      'structure Patient.extension[0].extension[1].value',
    ]);
  });

  test('however many are unknown, an error after them is told', () => {
    const many = Array.from({ length: 200 }, (_, i) => ({ url: `urn:unknown:${i}`, valueCode: 'x' }));
    const found = issues(patient({ extension: [...many, { url, valueCode: 'x' }] }));
    expect(found).toHaveLength(100);
    expect(found).toContain('structure Patient.extension[200].value');
  });

  test('is a modifier or not, as its definition says', () => {
    expect(issues(patient({ modifierExtension: [{ url, valueString: 'x' }] }))).toEqual([
      'extension Patient.modifierExtension[0]',
    ]);
  });

  test('of R4 is known too', () => {
    const born = { url: 'http://hl7.org/fhir/StructureDefinition/patient-birthPlace', valueString: 'Here' };
    expect(issues(patient({ extension: [born] }))).toEqual(['structure Patient.extension[0].value']);
  });

  test('is found in elements, primitives, contained resources and entries', () => {
    const anywhere = within(element('Element'), element('Resource'));
    const bad = { extension: [{ url, valueCode: 'x' }] };
    const places = { name: [{ ...bad, _family: bad, _given: [null, bad] }], contained: [patient(bad)] };
    expect(issues({ resourceType: 'Bundle', entry: [{ resource: patient(places) }] }, anywhere).sort()).toEqual([
      'structure Bundle.entry[0].resource.contained[0].extension[0].value',
      'structure Bundle.entry[0].resource.name[0].extension[0].value',
      'structure Bundle.entry[0].resource.name[0].family.extension[0].value',
      'structure Bundle.entry[0].resource.name[0].given[1].extension[0].value',
    ]);
  });
});

describe('its context of use', () => {
  test.each([
    ['Patient', patient(carried), true],
    ['Resource', patient(carried), true],
    ['Person', patient(carried), false],
    ['Patient.name', patient({ name: [carried] }), true],
    ['HumanName', patient({ name: [carried] }), true],
    ['Element', patient({ name: [carried] }), true],
    ['Element', patient(carried), false],
    ['HumanName.given', patient({ name: [{ _given: [carried] }] }), true],
    ['Patient.name.given', patient({ name: [{ _given: [carried] }] }), true],
    ['string', patient({ name: [{ _given: [carried] }] }), true],
    ['HumanName.family', patient({ name: [{ _given: [carried] }] }), false],
    ['Patient.contact', patient({ contact: [carried] }), true],
    ['BackboneElement', patient({ contact: [carried] }), true],
    ['Patient.deceased[x]', patient({ _deceasedBoolean: carried }), true],
  ])('element %s', (expression, resource, isAllowed) => {
    expect(issues(resource, within(element(expression))).includes('extension') === false).toBe(true);
    expect(issues(resource, within(element(expression))).length === 0).toBe(isAllowed);
  });

  test('an extension around it, by its url', () => {
    const outer = { url: 'urn:outer', extension: [{ url, valueString: 'x' }] };
    const context = within({ type: 'extension', expression: 'urn:outer' });
    expect(issues(patient({ extension: [outer] }), context)).toEqual(['warning extension Patient.extension[0]']);
    expect(issues(patient(carried), context)).toEqual(['extension Patient.extension[0]']);
  });

  test('FHIRPath that leads to the element', () => {
    const context = within({ type: 'fhirpath', expression: "Patient.name.where(use = 'old')" });
    expect(issues(patient({ name: [{ use: 'old', ...carried }] }), context)).toEqual([]);
    expect(issues(patient({ name: [{ use: 'usual', ...carried }] }), context)).toEqual([
      'extension Patient.name[0].extension[0]',
    ]);
  });

  test('contextInvariant', () => {
    const rule = { ...within(element('Patient')), contextInvariant: ["%extension.value = 'x' and active"] };
    expect(issues(patient({ active: true, ...carried }), rule)).toEqual([]);
    expect(issues(patient({ active: false, ...carried }), rule)).toEqual(['extension Patient.extension[0]']);
  });

  test('the text says where it may stand', () => {
    const [issue] = checkResource(registryOf(extension(url, 'string')), { resourceType: 'Person', ...carried });
    expect(issue?.diagnostics).toBe('urn:ext must not stand here; its context of use: element Patient.');
  });
});
