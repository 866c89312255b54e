// From a code system to the rows of its concepts, numbered, and the sets that its filters are answered from.

import { createHash } from 'node:crypto';
import { fhirError } from '../fhir/outcome.ts';
import { foldAllWords } from '../search/fold-text.ts';
import { numberConcepts } from './number-concepts.ts';
import { packIds } from './packed-ids.ts';
import { keyOfCode, type SourceConcept, type SourceSystem, textOfValue } from './source-system.ts';
import type { Detail, StoredConcept } from './stored-concept.ts';

/** Up to so many concepts are read whole where a larger system's sets would be asked. */
export const smallSystemMax = 1_000;

export interface IndexedSystem {
  readonly source: SourceSystem;
  /** In the order of their numbers. */
  readonly concepts: readonly StoredConcept[];
  /** Of a system that is not small. */
  readonly sets?: ReadonlyMap<string, Buffer>;
}

/** Lets others go first for a moment where the work has lasted long enough. */
export type Breathe = () => Promise<void> | undefined;

/** Takes seconds for a large system: to be done before a transaction begins, or with pauses. */
export async function indexSystem(source: SourceSystem, breathe: Breathe = () => undefined): Promise<IndexedSystem> {
  const concepts = indexConcepts(source);
  return { source, concepts, ...(concepts.length > smallSystemMax && { sets: await indexSets(concepts, breathe) }) };
}

function indexConcepts(system: SourceSystem): StoredConcept[] {
  const { concepts } = system;
  const positions = new Map(concepts.map(({ code }, position) => [code, position]));
  const parents = concepts.map(({ parents: above, code }) =>
    above.flatMap((parent) => (parent === code ? [] : (positions.get(parent) ?? []))),
  );
  requireKeys(system);
  const { order, below } = numberConcepts(parents);
  const numbers = new Int32Array(order.length);
  for (const [number, position] of order.entries()) numbers[position] = number;
  return order.map((position, id) => {
    const concept = concepts[position] as SourceConcept;
    return {
      id,
      code: concept.code,
      key: keyOfCode(concept.code, system),
      display: concept.display ?? null,
      inactive: concept.inactive ?? false,
      abstract: concept.abstract ?? false,
      parents: (parents[position] as number[]).map((parent) => numbers[parent] as number),
      below: below[id] as readonly number[],
      detail: detailOf(concept),
    };
  });
}

/** csd-1 compares codes with their case: https://hl7.org/fhir/R4/codesystem-definitions.html#CodeSystem.caseSensitive */
function requireKeys(system: SourceSystem): void {
  const keys = new Set(system.concepts.map(({ code }) => keyOfCode(code, system)));
  if (keys.size === system.concepts.length) return;
  const diagnostics = 'Concepts whose codes differ by case only are one where the code system is not caseSensitive.';
  throw fhirError('duplicate', diagnostics, { status: 422, expression: 'CodeSystem.concept' });
}

function detailOf({ definition, designations, properties }: SourceConcept): Detail | null {
  if (definition === undefined && !designations && !properties) return null;
  return {
    ...(definition !== undefined && { definition }),
    ...(designations && { designations }),
    ...(properties && { properties }),
  };
}

/** By key: the numbers of the concepts that are in the set, packed. */
export async function indexSets(
  concepts: readonly StoredConcept[],
  breathe: Breathe = () => undefined,
): Promise<Map<string, Buffer>> {
  const collected = new CollectedSets();
  for (const concept of concepts) {
    collected.add(concept);
    if (concept.id % conceptsPerBreath === 0) await breathe();
  }
  const packed = new Map<string, Buffer>();
  for (const [key, ids] of collected.sets) {
    packed.set(key, packIds(ids));
    if (packed.size % conceptsPerBreath === 0) await breathe();
  }
  return packed;
}

const conceptsPerBreath = 256;

/** The characters of a word's start that have a set of their own: those of longer starts are few, and gathered. */
export const wordStartMax = 3;
/** Of a word, and of a value of a property: an index entry has to fit into a third of a page. */
const wordLengthMax = 100;
const valueLengthMax = 200;

export const setKeys = {
  inactive: 'inactive',
  abstract: 'abstract',
  wordStart: (start: string) => `start:${start}`,
  word: (word: string) => `word:${word.slice(0, wordLengthMax)}`,
  property: (code: string) => `has:${code}`,
  value: (code: string, value: string) => `value:${code}|${value.length > valueLengthMax ? digestOf(value) : value}`,
};

function digestOf(value: string): string {
  return createHash('sha256').update(value).digest('base64');
}

/** Concepts come in the order of their numbers, so that a number is in a list already when it is the last one. */
class CollectedSets {
  readonly sets = new Map<string, number[]>();
  /** The lists of a word and of its starts: most words are met often. */
  readonly #listsOfWord = new Map<string, readonly number[][]>();

  add({ id, inactive, abstract, display, detail }: StoredConcept): void {
    if (inactive) addLast(this.#list(setKeys.inactive), id);
    if (abstract) addLast(this.#list(setKeys.abstract), id);
    if (display !== null) this.#addWords(display, id);
    for (const { value } of detail?.designations ?? []) this.#addWords(value, id);
    for (const property of detail?.properties ?? []) {
      addLast(this.#list(setKeys.property(property.code)), id);
      addLast(this.#list(setKeys.value(property.code, textOfValue(property))), id);
    }
  }

  #addWords(text: string, id: number): void {
    for (const word of foldAllWords(text)) for (const list of this.#listsOf(word)) addLast(list, id);
  }

  #listsOf(word: string): readonly number[][] {
    const known = this.#listsOfWord.get(word);
    if (known) return known;
    const starts = Array.from({ length: Math.min(word.length, wordStartMax) }, (_, index) => word.slice(0, index + 1));
    const keys = [setKeys.word(word), ...starts.map(setKeys.wordStart)];
    const lists = keys.map((key) => this.#list(key));
    this.#listsOfWord.set(word, lists);
    return lists;
  }

  #list(key: string): number[] {
    const known = this.sets.get(key);
    if (known) return known;
    const list: number[] = [];
    this.sets.set(key, list);
    return list;
  }
}

function addLast(list: number[], id: number): void {
  if (list.at(-1) !== id) list.push(id);
}
