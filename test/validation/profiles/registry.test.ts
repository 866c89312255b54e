// Which definition a canonical stands for, and what a tenant's own can do: https://hl7.org/fhir/R4/references.html#canonical

import { describe, expect, test } from '@jest/globals';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { checkResource } from '../../../src/validation/profiles/check-resource.ts';
import {
  type AskingCheck,
  checkWithLookups,
  type Lookups,
} from '../../../src/validation/profiles/check-with-lookups.ts';
import { createRegistry, extendRegistry } from '../../../src/validation/profiles/registry.ts';
import { structure } from '../../fhir/profiles/structures.ts';
import { registryOf, shortly } from './check.ts';

const none = { structures: [], valueSets: [], codeSystems: [] };
const asking = (url: string, path: string, version?: string) =>
  structure(url, 'Patient', [{ path, min: 1 }], version === undefined ? {} : { version });
const patient = { resourceType: 'Patient' };

function issues(registry: ReturnType<typeof registryOf>, profile: string): string[] {
  return checkResource(registry, patient, { profiles: [profile] }).map(shortly);
}

describe('a canonical', () => {
  const registry = registryOf(
    asking('urn:p', 'Patient.name', '1.9.0'),
    asking('urn:p', 'Patient.gender', '1.10.0'),
    asking('urn:p', 'Patient.photo'),
  );

  test('with a version is that version, without the latest', () => {
    expect(issues(registry, 'urn:p|1.9.0')).toEqual(['required Patient.name']);
    expect(issues(registry, 'urn:p')).toEqual(['required Patient.gender']);
    expect(issues(registry, 'urn:p|2')).toEqual(['not-found Patient']);
  });

  test("of R4's own profiles is known without being loaded", () => {
    const compiled = registry.compiler.get('http://hl7.org/fhir/StructureDefinition/bp|4.0.1');
    expect(compiled?.profile?.type).toBe('Observation');
    expect(registry.compiler.get('http://hl7.org/fhir/StructureDefinition/bp|5.0.0')).toBeUndefined();
  });

  test('whose definition cannot be used says why', () => {
    const bad = registryOf(structure('urn:p', 'Patient', [{ path: 'Patient.gender', max: '5' }]));
    const [issue] = checkResource(bad, patient, { profiles: ['urn:p'] });
    expect(issue).toMatchObject({ severity: 'error', code: 'not-supported' });
    expect(issue?.diagnostics).toContain("max 5 is more than the base's 1");
  });
});

describe("a tenant's own definitions", () => {
  const base = registryOf(asking('urn:house', 'Patient.name'));
  const a = extendRegistry(base, {
    ...none,
    structures: [asking('urn:own', 'Patient.gender'), asking('urn:house', 'Patient.photo')],
  });
  const b = extendRegistry(base, none);

  test('are there for it, and for nobody else', () => {
    expect(issues(a, 'urn:own')).toEqual(['required Patient.gender']);
    expect(issues(b, 'urn:own')).toEqual(['not-found Patient']);
    expect(issues(base, 'urn:own')).toEqual(['not-found Patient']);
  });

  test("cannot take the place of the server's", () => {
    expect(issues(a, 'urn:house')).toEqual(['required Patient.name']);
  });

  test("may build on the server's", () => {
    const child = structure('urn:child', 'Patient', [{ path: 'Patient.gender', min: 1 }], {
      baseDefinition: 'urn:house',
    });
    const registry = extendRegistry(base, { ...none, structures: [child] });
    expect(issues(registry, 'urn:child')).toEqual(['required Patient.name', 'required Patient.gender']);
  });
});

describe('what only the database knows', () => {
  const named = asking('urn:n', 'Patient.name');
  const about = structure('urn:o', 'Observation', [
    { path: 'Observation.subject', type: [{ code: 'Reference', targetProfile: ['urn:n'] }] },
    { path: 'Observation.code', binding: { strength: 'required', valueSet: 'urn:v' } },
  ]);
  const registry = createRegistry(loadDefinitions(), { ...none, structures: [about, named] });
  const observation = {
    resourceType: 'Observation',
    subject: { reference: 'Patient/1' },
    code: { coding: [{ system: 'urn:s', code: 'a' }] },
  };
  const check = (lookups: Lookups) => {
    const asking: AskingCheck = (known) => checkResource(registry, observation, { ...known, profiles: ['urn:o'] });
    return checkWithLookups([asking, asking], lookups, { known: { isMember: registry.isMember } });
  };

  test('is asked for in one batch, and then held against the profile', async () => {
    const asked: unknown[] = [];
    const issuesFound = await check({
      resources: async (references) => {
        asked.push(references);
        return new Map([['Patient/1', patient]]);
      },
      members: async (questions) => {
        asked.push(questions);
        return [false];
      },
    });
    const expected = ['code-invalid Observation.code', 'structure Observation.subject'];
    expect(issuesFound.map((found) => found.map(shortly))).toEqual([expected, expected]);
    expect(asked).toEqual([['Patient/1'], [{ valueSet: 'urn:v', coding: { system: 'urn:s', code: 'a' } }]]);
  });

  test('refuses nothing where nobody knows, and is asked once', async () => {
    let count = 0;
    const unknown = async () => {
      count += 1;
      return new Map<string, object>();
    };
    const issues = await check({ resources: unknown, members: async () => [undefined] });
    expect(issues.flat().filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(count).toBe(1);
  });
});
