// Word search as lookups of how words begin: https://hl7.org/fhir/R4/search.html#text

import { foldWords } from '../fold-text.ts';
import type { Criterion } from '../search-query.ts';
import { type TokenKey, wordStartLength, wordStartText, wordsKey } from '../token-text.ts';
import { shownTexts, wordsOf } from '../words.ts';
import type { CompiledCriterion, Condition, Recheck } from './condition.ts';

/**
 * All words of one of the values. `_text` and `_content` look for whole words; the modifier `text` is processed as a string,
 * so its words begin those that are shown beside a code. Only `_text` and `text` of codes have tokens: `_content` leaves it to
 * the other criteria to narrow, for the words of all texts would nearly double the tokens of an Appointment; so do names that
 * are shown beside references, and whatever an AuditEvent shows.
 */
export function compileWords({ parameter, key, texts }: Criterion & { kind: 'words' }): CompiledCriterion {
  const { kind, read } = parameter;
  const wanted = texts.map(foldWords);
  if (kind === 'content') return { conditions: [], recheck: recheckWords(read, wanted) };
  if (kind === 'text') return { conditions: narrowed(key, wanted), recheck: recheckWords(read, wanted) };
  if (kind === 'reference' || key === wordsKey('AuditEvent'))
    return { conditions: [], recheck: recheckShown(read, wanted) };
  // A beginning that is too short to be stored narrows nothing.
  const long = wanted.map((words) => words.filter((word) => word.length >= wordStartLength));
  return { conditions: narrowed(key, long), recheck: recheckShown(read, wanted) };
}

function narrowed(key: TokenKey, wanted: readonly (readonly string[])[]): Condition[] {
  if (wanted.some((words) => words.length === 0)) return [];
  return [
    { kind: 'tokens', anyOf: wanted.map((words) => [...new Set(words.map((word) => wordStartText(key, word)))]) },
  ];
}

type Read = (resource: object) => unknown[];

function recheckWords(read: Read, wanted: readonly (readonly string[])[]): Recheck {
  return (resource) => {
    const stored = wordsOf(read(resource));
    return wanted.some((words) => words.every((word) => stored.has(word)));
  };
}

/** The words of a value must all stand beside the same code. */
function recheckShown(read: Read, wanted: readonly (readonly string[])[]): Recheck {
  return (resource) =>
    read(resource).some((value) => {
      const stored = [...wordsOf(shownTexts(value))];
      return wanted.some((words) => words.every((word) => stored.some((candidate) => candidate.startsWith(word))));
    });
}
