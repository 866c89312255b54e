// The words of the narrative and beside codes by how they begin, one token for all that begin alike: for `_text` and the
// modifier `text`, both of which are rechecked on the resource: https://hl7.org/fhir/R4/search.html#text

import { type TokenKey, wordStartText } from '../token-text.ts';
import { wordsOf } from '../words.ts';
import type { EntryCollector } from './entry-collector.ts';

export function extractWords(texts: readonly string[], key: TokenKey, entries: EntryCollector): void {
  for (const word of wordsOf(texts)) entries.token(wordStartText(key, word));
}
