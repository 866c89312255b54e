// The properties that a concept has by itself or by its place, not by its own list: https://hl7.org/fhir/R4/codesystem.html#defined-props

import { fhirError } from '../fhir/outcome.ts';
import type { ConceptSet } from './concept-set.ts';
import { loincUrl } from './loinc.ts';
import type { StoredConcept } from './stored-concept.ts';
import type { SystemReader } from './system-reader.ts';

export interface ConceptProperty {
  /** The concepts that have this value. */
  readonly equal: (reader: SystemReader, value: string) => Promise<ConceptSet>;
  /** Those that have any. */
  readonly existing: (reader: SystemReader) => Promise<ConceptSet>;
}

export function conceptProperty({ system }: SystemReader, name: string): ConceptProperty | undefined {
  return properties.get(name) ?? (system.url === loincUrl ? ofLoinc.get(name) : undefined);
}

/** Throws a FhirError (400) for what is neither true nor false. */
export function isTrue(value: string): boolean {
  if (value === 'true' || value === 'false') return value === 'true';
  throw fhirError('invalid', 'A filter by what is or is not has the value true or false.', { status: 400 });
}

const properties: ReadonlyMap<string, ConceptProperty> = new Map([
  ['parent', ofRelatives('parents', (reader, concept) => childrenOf(reader, concept))],
  ['child', ofRelatives('children', async (reader, { parents }) => reader.of(parents))],
  ['inactive', flag((reader) => reader.inactive())],
  ['notSelectable', flag((reader) => reader.abstract())],
  [
    'display',
    {
      equal: (reader, value) => reader.withDisplay(value),
      existing: (reader) => reader.withSome('display'),
    },
  ],
]);

/** https://hl7.org/fhir/R4/loinc.html#props, the places in its hierarchy */
const ofLoinc: ReadonlyMap<string, ConceptProperty> = new Map([
  ['ancestor', ofRelatives('parents', async (reader, concept) => besides(reader, concept, reader.below(concept)))],
  [
    'descendant',
    ofRelatives('children', async (reader, concept) => besides(reader, concept, await reader.above([concept.id]))),
  ],
]);

/** `existing` are the relatives of which a concept has some or none. */
function ofRelatives(
  existing: 'parents' | 'children',
  relatives: (reader: SystemReader, concept: StoredConcept) => Promise<ConceptSet>,
): ConceptProperty {
  return {
    async equal(reader, code) {
      const concept = await reader.concept(code);
      return concept ? await relatives(reader, concept) : reader.none;
    },
    existing: (reader) => reader.withSome(existing),
  };
}

/** True or false of every concept. */
function flag(having: (reader: SystemReader) => Promise<ConceptSet>): ConceptProperty {
  return {
    equal: async (reader, value) => (isTrue(value) ? await having(reader) : reader.all.without(await having(reader))),
    existing: async (reader) => reader.all,
  };
}

async function childrenOf(reader: SystemReader, concept: StoredConcept): Promise<ConceptSet> {
  return reader.of((await reader.childrenOf(concept)).map(({ id }) => id));
}

function besides(reader: SystemReader, { id }: StoredConcept, set: ConceptSet): ConceptSet {
  return set.without(reader.of([id]));
}
