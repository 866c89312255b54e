// Takes from the codes of a value set those that a request does not want: https://hl7.org/fhir/R4/valueset-operation-expand.html

import { foldAllWords } from '../search/fold-text.ts';
import { all } from './all.ts';
import type { ConceptSet } from './concept-set.ts';
import type { Queries } from './find-system.ts';
import type { ForeignPart, Members, Part } from './members.ts';
import { SystemReader } from './system-reader.ts';

export async function withoutInactive(trx: Queries, members: Members): Promise<Members> {
  return await mapSets(trx, members, async (set, reader) => set.without(await reader.inactive()));
}

/** Abstract concepts are for trees, not for choosing. */
export async function withoutAbstract(trx: Queries, members: Members): Promise<Members> {
  return await mapSets(trx, members, async (set, reader) => set.without(await reader.abstract()));
}

/** Those with all words in their displays and designations, or with the text as their code. */
export async function withWords(trx: Queries, members: Members, text: string): Promise<Members> {
  const words = foldAllWords(text);
  if (words.length === 0) return members;
  const narrowed = await mapSets(trx, members, async (set, reader) => {
    const [found, coded] = await all([reader.withWords(text), reader.byCodes([text.trim()])]);
    return set.and(found.or(reader.of(coded.map(({ id }) => id))));
  });
  return new Map([...narrowed].map(([key, part]) => [key, part.system ? part : listedWithWords(part, words, text)]));
}

async function mapSets(
  trx: Queries,
  members: Members,
  change: (set: ConceptSet, reader: SystemReader) => Promise<ConceptSet>,
): Promise<Members> {
  const parts = await all(
    [...members].map(async ([key, part]): Promise<[string, Part]> => {
      if (!part.system) return [key, part];
      return [key, { ...part, set: await change(part.set, new SystemReader(trx, part.system)) }];
    }),
  );
  return new Map(parts);
}

function listedWithWords(part: ForeignPart, words: readonly string[], text: string): Part {
  const listed = [...part.listed].filter(([code, { display = '', designations = [] }]) => {
    const own = [display, ...designations.map(({ value }) => value)].flatMap(foldAllWords);
    return code === text.trim() || words.every((word) => own.some((one) => one.startsWith(word)));
  });
  return { ...part, listed: new Map(listed) };
}
