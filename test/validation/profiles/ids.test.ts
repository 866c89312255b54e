// An id is that of one element within its resource: https://hl7.org/fhir/R4/element-definitions.html#Element.id

import { describe, expect, test } from '@jest/globals';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { checkResource } from '../../../src/validation/profiles/check-resource.ts';
import { createValidator } from '../../../src/validation/validate.ts';
import { structure } from '../../fhir/profiles/structures.ts';
import { registryOf, shortly } from './check.ts';

const issues = (resource: object) => checkResource(registryOf(), resource).map(shortly);
const patient = (members: object) => ({ resourceType: 'Patient', id: 'a', ...members });

describe('an id', () => {
  test('that two elements have is a warning at the second, wherever they stand', () => {
    expect(
      issues(
        patient({
          name: [
            { id: 'a', text: 'x' },
            { id: 'b', text: 'y' },
          ],
        }),
      ),
    ).toEqual([]);
    expect(
      issues(
        patient({
          name: [
            { id: 'b', text: 'x' },
            { id: 'b', text: 'y' },
          ],
        }),
      ),
    ).toEqual(['warning structure Patient.name[1].id']);
    const primitives = { _birthDate: { id: 'b' }, name: [{ _given: [null, { id: 'b' }], given: ['x', 'y'] }] };
    expect(issues(patient({ birthDate: '2000', ...primitives }))).toHaveLength(1);
  });

  test('is that of each resource: contained ones and entries have their own', () => {
    const name = [{ id: 'b', text: 'x' }];
    const contained = [{ resourceType: 'Patient', id: 'p', name }];
    expect(issues(patient({ name, contained, link: [{ other: { reference: '#p' }, type: 'seealso' }] }))).toEqual([]);
    const entry = [{ resource: patient({ name }) }, { resource: patient({ name: [...name, ...name] }) }];
    expect(issues({ resourceType: 'Bundle', type: 'collection', entry })).toEqual([
      'warning structure Bundle.entry[1].resource.name[1].id',
    ]);
  });
});

describe('the ids of a StructureDefinition', () => {
  const validate = createValidator(loadDefinitions());
  const element = (id: string) => ({
    id,
    path: 'Patient',
    min: 0,
    max: '*',
    base: { path: 'Patient', min: 0, max: '*' },
  });
  const keysOf = (snapshot: string[], differential: string[]) => {
    const { resource } = structure('urn:p', 'Patient', []);
    const definition = {
      ...resource,
      snapshot: { element: snapshot.map(element) },
      differential: { element: differential.map((id) => ({ id, path: 'Patient' })) },
    };
    expect(issues(definition)).toEqual([]);
    return validate(definition)
      .map(({ diagnostics }) => diagnostics.split(':')[0])
      .filter((key) => key === 'sdf-16' || key === 'sdf-17');
  };

  test('come once in the snapshot and once in the differential (sdf-16, sdf-17)', () => {
    expect(keysOf(['Patient'], ['Patient'])).toEqual([]);
    expect(keysOf(['Patient', 'Patient'], ['Patient'])).toEqual(['sdf-16']);
    expect(keysOf(['Patient'], ['Patient', 'Patient'])).toEqual(['sdf-17']);
  });
});
