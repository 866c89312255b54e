// Reads values that are searched by their words: https://hl7.org/fhir/R4/search.html#content

import { foldWords } from '../fold-text.ts';
import type { Criterion } from '../search-query.ts';
import { wordsKey } from '../token-text.ts';
import { type CriterionSource, eachValue } from './criterion-source.ts';
import { unescapeValue } from './split.ts';

/** Words of one value; each is a lookup. */
const wordsMax = 20;

export function parseWords(source: CriterionSource): Criterion & { kind: 'words' } {
  const { parameter } = source;
  const [type = ''] = parameter.key.split('.', 1);
  return { kind: 'words', parameter, key: wordsKey(type), texts: wordyValues(source) };
}

/** Throws for a value without words. */
export function wordyValues(source: CriterionSource): string[] {
  return eachValue(source, `a text of 1 to ${wordsMax} words`, (raw) => {
    const text = unescapeValue(raw);
    const { length } = foldWords(text);
    return length === 0 || length > wordsMax ? undefined : text;
  });
}
