// Resources that others published as valid R4 are accepted: Synthea's bundles and the definitions of the specification itself.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Bundle } from '@medplum/fhirtypes';
import { sourceDirectory } from '../../src/fhir/definitions/snapshot.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { parseJson, serializeJson } from '../../src/fhir/json.ts';
import { createValidator } from '../../src/validation/validate.ts';

const validate = createValidator(loadDefinitions());
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

test.each([
  'profiles-types.json',
  'search-parameters.json',
  'valuesets.json',
  'v3-codesystems.json',
  'conceptmaps.json',
  'extension-definitions.json',
])("the specification's own %s is valid", (name) => {
  const { value } = parseJson(readFileSync(join(sourceDirectory, name), 'utf8'));
  expect(issuesOf(value as Bundle)).toEqual([]);
});
