// Takes from the codes of a value set those that a request does not want: https://hl7.org/fhir/R4/valueset-operation-expand.html

import { foldAllWords } from '../search/fold-text.ts';
import { all } from './all.ts';
import type { ConceptSet } from './concept-set.ts';
import { findSupplements, type Queries } from './find-system.ts';
import type { ForeignPart, KnownPart, Listed, Members, Part } from './members.ts';
import type { StoredConcept } from './stored-concept.ts';
import { SystemReader } from './system-reader.ts';

export async function withoutInactive(trx: Queries, members: Members): Promise<Members> {
  return await mapSets(trx, members, async (set, reader) => set.without(await reader.inactive()));
}

/** Abstract concepts are for trees, not for choosing. */
export async function withoutAbstract(trx: Queries, members: Members): Promise<Members> {
  return await mapSets(trx, members, async (set, reader) => set.without(await reader.abstract()));
}

/**
 * Those with all words in their displays and designations, be these the value set's own, the code system's or a supplement's, or
 * with the text as their code.
 */
export async function withWords(trx: Queries, members: Members, text: string): Promise<Members> {
  const words = foldAllWords(text);
  if (words.length === 0) return members;
  const narrowed = await mapSets(trx, members, async (set, reader, part) => {
    const [found, coded, supplemented] = await all([
      reader.withWords(text),
      reader.byCodes([text.trim()]),
      supplementedWithWords(trx, reader, text),
    ]);
    const listed = [...part.listed].filter(([, one]) => hasWords(one, words)).map(([id]) => id);
    return set.and(found.or(reader.of([...listed, ...[...coded, ...supplemented].map(({ id }) => id)])));
  });
  return new Map([...narrowed].map(([key, part]) => [key, part.system ? part : listedWithWords(part, words, text)]));
}

/** What supplements say of a concept is found as what the code system says: https://hl7.org/fhir/R4/codesystem.html#supplements */
async function supplementedWithWords(trx: Queries, reader: SystemReader, text: string): Promise<StoredConcept[]> {
  const supplements = await findSupplements(trx, reader.system);
  const found = await all(
    supplements.map(async (supplement) => {
      const own = new SystemReader(trx, supplement);
      const withWords = await own.withWords(text);
      return await own.byIds(withWords.slice(0, withWords.count), true);
    }),
  );
  return await reader.byCodes(found.flat().map(({ code }) => code));
}

async function mapSets(
  trx: Queries,
  members: Members,
  change: (set: ConceptSet, reader: SystemReader, part: KnownPart) => Promise<ConceptSet>,
): Promise<Members> {
  const parts = await all(
    [...members].map(async ([key, part]): Promise<[string, Part]> => {
      if (!part.system) return [key, part];
      return [key, { ...part, set: await change(part.set, new SystemReader(trx, part.system), part) }];
    }),
  );
  return new Map(parts);
}

function listedWithWords(part: ForeignPart, words: readonly string[], text: string): Part {
  const listed = [...part.listed].filter(([code, one]) => code === text.trim() || hasWords(one, words));
  return { ...part, listed: new Map(listed) };
}

function hasWords({ display = '', designations = [] }: Listed, words: readonly string[]): boolean {
  const own = [display, ...designations.map(({ value }) => value)].flatMap(foldAllWords);
  return words.every((word) => own.some((one) => one.startsWith(word)));
}
