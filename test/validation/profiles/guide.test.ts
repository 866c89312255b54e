// Profiles as the large guides write them judge rightly, from their differential and from a snapshot: https://hl7.org/fhir/R4/profiling.html

import { describe, expect, test } from '@jest/globals';
import type { StructureDefinition } from '@medplum/fhirtypes';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { ProfileSet } from '../../../src/fhir/profiles/profile-set.ts';
import { snapshotElements } from '../../../src/fhir/profiles/snapshot-elements.ts';
import { checkResource } from '../../../src/validation/profiles/check-resource.ts';
import { createRegistry } from '../../../src/validation/profiles/registry.ts';
import { createValidator } from '../../../src/validation/validate.ts';
import { shortly } from './check.ts';
import { guideCases } from './guide-cases.ts';
import { guide, structures, valueSets } from './guide-definitions.ts';

const definitions = loadDefinitions();
const validate = createValidator(definitions);
const registryOf = (resources: readonly StructureDefinition[]) =>
  createRegistry(definitions, { structures: resources.map((resource) => ({ resource })), valueSets, codeSystems: [] });

const set = new ProfileSet(definitions, (url) => {
  const resource = structures.find((one) => one.url === url);
  return resource && { resource };
});

function withSnapshot(resource: StructureDefinition): StructureDefinition {
  const { profile } = set.generate({ resource });
  return { ...resource, snapshot: { element: (profile ? snapshotElements(profile) : []) as never } };
}

const registries = { differential: registryOf(structures), snapshot: registryOf(structures.map(withSnapshot)) };
const cases = Object.entries(guideCases);

describe.each(Object.entries(registries))('by the %s', (_, registry) => {
  const errorsOf = (resource: object, id: string) =>
    checkResource(registry, resource, { profiles: [`${guide}/StructureDefinition/${id}`] })
      .filter(({ severity }) => severity === 'error')
      .map(shortly);

  test('every definition can be used, and all of it is checked', () => {
    for (const { url } of structures) {
      const compiled = registry.compiler.get(url);
      expect([url, compiled?.issues, compiled?.profile && compiled.problems]).toEqual([url, undefined, []]);
    }
  });

  describe.each(cases)('%s', (id, { valid, alsoValid = [], invalid }) => {
    const changed = (change: object) => JSON.parse(JSON.stringify({ ...valid, ...change })) as object;

    test('takes what is as it asks, which R4 takes too', () => {
      for (const change of [{}, ...alsoValid]) {
        expect([change, validate(changed(change))]).toEqual([change, []]);
        expect([change, errorsOf(changed(change), id)]).toEqual([change, []]);
      }
    });

    test.each(invalid)('refuses %j', (change, issue) => {
      expect(errorsOf(changed(change), id)).toContain(issue);
    });
  });
});
