// The snapshots R4 was published with are what we make of the differentials: https://hl7.org/fhir/R4/profilelist.html

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Bundle, ElementDefinition, StructureDefinition } from '@medplum/fhirtypes';
import { sourceDirectory } from '../../../src/fhir/definitions/snapshot.ts';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { ProfileSet } from '../../../src/fhir/profiles/profile-set.ts';
import { publishedStructures } from '../../../src/fhir/profiles/published-structures.ts';
import { snapshotElements } from '../../../src/fhir/profiles/snapshot-elements.ts';

const files = ['profiles-others.json', 'extension-definitions.json', 'profiles-types.json'];
const published = files.flatMap(readProfiles);
const structures = publishedStructures();
const profiles = new ProfileSet(loadDefinitions(), (url) => structures.get(url));

/** R4's own faults: no snapshot follows from these differentials. */
const unusable = [
  // `condition:Condition` is a slice of an element that nobody slices.
  'familymemberhistory-genetic',
  // `revision.extension` is forbidden (max 0) and three of its slices are demanded.
  'codesystem-history',
];

/** Elements the published snapshot has otherwise; each says the same, or the differential says something else. */
const differences: Readonly<Record<string, string>> = {
  // `valueQuantity` once became a slice of `value[x]` (as in every other profile) and here the element itself.
  bp: 'Observation.component:SystolicBP.value[x] Observation.component:DiastolicBP.value[x]',
  // The name of a slice on an element that cannot repeat and nobody slices.
  catalog: 'Composition.date',
  // The inside of two extensions is repeated from their definitions, which hold anyway.
  'elementdefinition-de': 'ElementDefinition.extension:Question ElementDefinition.extension:AllowedUnits',
  // The differential binds provenance-history-agent-type; the snapshot missed it.
  'provenance-relevant-history': 'Provenance.agent:Author.type',
  // An example binding without a value set says nothing.
  groupdefinition: 'Group.code Group.characteristic.code Group.characteristic.value[x]',
  actualgroup: 'Group.code Group.characteristic.code Group.characteristic.value[x]',
  // The snapshot lists the constraints of SimpleQuantity again, which hold by its profile.
  cholesterol: 'Observation.referenceRange.high',
  hdlcholesterol: 'Observation.referenceRange.low',
  ldlcholesterol: 'Observation.referenceRange.high',
};

function readProfiles(name: string): StructureDefinition[] {
  const bundle = JSON.parse(readFileSync(join(sourceDirectory, name), 'utf8')) as Bundle;
  const resources = (bundle.entry ?? []).map(({ resource }) => resource as StructureDefinition);
  return resources.filter(({ derivation }) => derivation === 'constraint');
}

/** What a validator reads of an element, in one form. */
function facts(element: ElementDefinition): object {
  const { min, max, base, mustSupport, isModifier, isSummary, binding, constraint = [] } = element;
  const values = Object.entries(element).filter(([key]) => /^(?:fixed|pattern)[A-Z]/.test(key));
  const inherited = new Set(['ele-1', 'ext-1']);
  return {
    cardinality: `${min}..${max}`,
    base: base && `${base.path} ${base.min}..${base.max}`,
    types: (element.type ?? []).map(typeText).sort(),
    flags: [mustSupport, isModifier, isSummary].map(Boolean),
    binding: binding && `${binding.strength} ${binding.valueSet?.split('|')[0] ?? ''}`,
    constraints: constraint
      .map(({ key }) => key)
      .filter((key) => !inherited.has(key ?? ''))
      .sort(),
    values: Object.fromEntries(values),
    slicing: slicingOf(element),
  };
}

function typeText({ code, profile = [], targetProfile = [] }: NonNullable<ElementDefinition['type']>[number]): string {
  const isText = code?.startsWith('http://hl7.org/fhirpath/') || code === 'id' || code === 'uri';
  const targets = targetProfile.filter((url) => !url.endsWith('/Resource'));
  return [isText ? 'string' : code, ...profile, ...targets].join(' ');
}

/** That extensions are told apart by url goes without saying, and is said at some places only. */
function slicingOf({ path, slicing }: ElementDefinition): unknown {
  if (!slicing || /\.(?:modifierE|e)xtension$/.test(path)) return undefined;
  const discriminators = slicing.discriminator?.map(({ type, path: at }) => `${type} ${at}`);
  return { discriminators, rules: slicing.rules, ordered: slicing.ordered === true };
}

function idOf({ url }: StructureDefinition): string {
  return url.slice(url.lastIndexOf('/') + 1);
}

describe('a snapshot is made of a differential as R4 was published', () => {
  test(`all ${published.length} profiles, extensions and datatype profiles but two can be used`, () => {
    const refused = published.filter(({ url }) => !profiles.get(url)?.profile).map(idOf);
    expect(refused.sort()).toEqual([...unusable].sort());
  });

  test('every element is there with its cardinality, types, values, bindings, constraints and slicing', () => {
    const found: Record<string, string[]> = {};
    for (const structure of published) {
      const { profile } = profiles.get(structure.url) ?? {};
      if (!profile) continue;
      const expected = new Map((structure.snapshot?.element ?? []).map((element) => [element.id, facts(element)]));
      const made = new Map(snapshotElements(profile).map((element) => [element.id, facts(element)]));
      const allowed = differences[idOf(structure)]?.split(' ') ?? [];
      const ids = [...new Set([...expected.keys(), ...made.keys()])].filter(
        (id) => JSON.stringify(expected.get(id)) !== JSON.stringify(made.get(id)),
      );
      const others = ids.filter((id) => !allowed.some((start) => id?.startsWith(start)));
      if (others.length > 0) found[structure.url] = others as string[];
    }
    expect(found).toEqual({});
  });

  test('the published snapshots can be used as they are too', () => {
    const given = new Map(published.map((resource) => [resource.url, { resource }]));
    const asGiven = new ProfileSet(loadDefinitions(), (url) => given.get(url));
    const refused = published.filter(({ url }) => !asGiven.get(url)?.profile).map(idOf);
    expect(refused).toEqual(['familymemberhistory-genetic']);
  });

  test('each listed difference is one', () => {
    const ids = published.map(idOf);
    expect(Object.keys(differences).filter((id) => !ids.includes(id))).toEqual([]);
  });
});
