// Whatever a resource looks like, a check of profiles ends with issues: security.md.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { checkResource } from '../../../src/validation/profiles/check-resource.ts';
import { ownDefinitions } from '../../../src/validation/profiles/own-definitions.ts';
import { createRegistry } from '../../../src/validation/profiles/registry.ts';
import { extension, structure } from '../../fhir/profiles/structures.ts';
import { registryOf } from './check.ts';
import { examples } from './own-examples.ts';

const registry = createRegistry(loadDefinitions(), ownDefinitions());
const ids = Object.keys(examples);

describe('resources that R4 would refuse', () => {
  test('never make a check throw', () => {
    const change = fc.record({
      id: fc.constantFrom(...ids),
      depth: fc.integer({ min: 1, max: 5 }),
      choice: fc.nat(1_000),
      value: fc.anything(),
    });
    fc.assert(
      fc.property(change, ({ id, depth, choice, value }) => {
        const resource = structuredClone(examples[id]?.valid) as unknown as Record<string, unknown>;
        let holder = resource;
        for (let level = 1; level <= depth; level++) {
          const keys = Object.keys(holder);
          const key = keys[choice % keys.length] ?? 'x';
          const below = holder[key];
          if (level === depth || typeof below !== 'object' || below === null) {
            holder[key] = value;
            break;
          }
          holder = below as Record<string, unknown>;
        }
        const profiles = [`https://hpms.example/fhir/StructureDefinition/${id}`];
        expect(Array.isArray(checkResource(registry, resource, { profiles }))).toBe(true);
      }),
      { seed: 3, numRuns: 2_000 },
    );
  });
});

describe('resources that are costly', () => {
  test('a list too long for its slices ends with an issue', () => {
    const slices = Array.from({ length: 300 }, (_, i) => [
      { id: `Patient.identifier:s${i}`, path: 'Patient.identifier', sliceName: `s${i}` },
      { id: `Patient.identifier:s${i}.system`, path: 'Patient.identifier.system', fixedUri: `urn:${i}` },
    ]).flat();
    const slicing = { discriminator: [{ type: 'value' as const, path: 'system' }], rules: 'open' as const };
    const profile = structure('urn:p', 'Patient', [
      { id: 'Patient.identifier', path: 'Patient.identifier', slicing },
      ...slices,
    ]);
    const identifier = Array.from({ length: 50_000 }, () => ({ system: 'urn:x' }));
    const issues = checkResource(registryOf(profile), { resourceType: 'Patient', identifier }, { profiles: ['urn:p'] });
    expect(issues.map(({ code }) => code)).toEqual(['too-costly']);
  });

  test('extensions in extensions are looked at as deep as they go', () => {
    const own = extension('urn:e', 'string', { context: [{ type: 'element', expression: 'Element' }] });
    let inner: object = { url: 'urn:e', valueCode: 'x' };
    for (let depth = 0; depth < 500; depth++) inner = { url: 'urn:other', extension: [inner] };
    const issues = checkResource(registryOf(own), { resourceType: 'Patient', extension: [inner] });
    expect(issues.filter(({ severity }) => severity === 'error').map(({ code }) => code)).toEqual(['structure']);
  });

  test('a hundred claims are looked at, no more', () => {
    const profile = Array.from({ length: 1_000 }, (_, i) => `urn:claim-${i}`);
    expect(checkResource(registry, { resourceType: 'Patient', meta: { profile } })).toHaveLength(100);
  });
});
