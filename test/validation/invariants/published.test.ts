// What others published as valid R4 breaks no invariant: Synthea's bundles and the definitions of the specification itself.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Bundle } from '@medplum/fhirtypes';
import { sourceDirectory } from '../../../src/fhir/definitions/snapshot.ts';
import { compileInvariants, type InvariantIssue } from '../../../src/validation/invariants/compile-invariants.ts';
import { definitions } from './build-at.ts';

const check = compileInvariants(definitions);
const synthea = join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'data', 'synthea');
const bundles = existsSync(synthea) ? readdirSync(synthea).filter((name) => name.endsWith('.json')) : [];
if (bundles.length === 0) console.log('SKIPPED: Synthea bundles, for there is no folder ../shared/data/synthea.');

function read(file: string): Bundle {
  return JSON.parse(readFileSync(file, 'utf8')) as Bundle;
}

/** What is wrong with the resources of a bundle, each key once. */
function keysIn(bundle: Bundle): string[] {
  const issues = (bundle.entry ?? []).flatMap(({ resource }): InvariantIssue[] => check(resource));
  return [...new Set(issues.map(({ severity, details }) => `${severity} ${details.text}`))].sort();
}

describe('Synthea', () => {
  (bundles.length === 0 ? test.skip : test)('only Patient and CarePlan have a narrative; nothing else is amiss', () => {
    for (const name of bundles) {
      const bundle = read(join(synthea, name));
      expect(keysIn(bundle)).toEqual(['warning dom-6']);
      expect(new Set(check(bundle).map(({ severity }) => severity))).toEqual(new Set(['warning']));
    }
  });
});

describe('the definitions of R4', () => {
  /** Of many the name has spaces or dashes, and search parameters and extensions came without narrative. */
  const warnings: Readonly<Record<string, readonly string[]>> = {
    'conceptmaps.json': ['cmd-0'],
    'dataelements.json': ['dom-6', 'sdf-0'],
    'extension-definitions.json': ['dom-6', 'sdf-0'],
    'profiles-others.json': ['sdf-0'],
    'profiles-resources.json': ['cpb-0', 'cpd-0', 'dom-6', 'opd-0'],
    'profiles-types.json': ['sdf-0'],
    'search-parameters.json': ['dom-6', 'spd-0'],
    'search-parameters-uscore.json': ['dom-6'],
    'v2-tables.json': ['csd-0', 'vsd-0'],
    'v3-codesystems.json': ['csd-0', 'vsd-0'],
    'valuesets.json': ['cmd-0', 'csd-0', 'vsd-0'],
  };

  test.each(Object.entries(warnings))('%s has no error, and only warnings of names and narratives', (name, keys) => {
    const bundle = read(join(sourceDirectory, name));
    expect(keysIn(bundle)).toEqual(keys.map((key) => `warning ${key}`));
    const errors = check(withoutContent(bundle)).filter(({ details }) => details.text.startsWith('bdl-'));
    // One of the bundles gives two of its entries one fullUrl.
    expect(errors.map(({ details }) => details.text)).toEqual(name === 'dataelements.json' ? ['bdl-7'] : []);
  });
});

/** What a Bundle's own invariants look at. */
function withoutContent(bundle: Bundle): object {
  const entry = (bundle.entry ?? []).map(({ fullUrl, resource }) => ({
    fullUrl,
    resource: { resourceType: resource?.resourceType, ...(resource?.meta && { meta: resource.meta }) },
  }));
  return { ...bundle, entry };
}
