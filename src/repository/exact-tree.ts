// A JSON tree whose exact number texts travel with their values: marks stand where the numbers are, wherever a patch moves them.

import type { ExactNumbers } from './change.ts';

/** No element of FHIR has this name. */
const markName = '\u0000exact';

/** A copy of the tree with a mark in the place of each number whose text is known. */
export function markExact(value: unknown, exactNumbers: ExactNumbers | undefined, pointer = ''): unknown {
  if (typeof value === 'number') {
    const text = exactNumbers?.get(pointer);
    return text === undefined ? value : { [markName]: text };
  }
  if (Array.isArray(value)) return value.map((item, index) => markExact(item, exactNumbers, `${pointer}/${index}`));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, markExact(item, exactNumbers, `${pointer}/${escapeKey(key)}`)]),
  );
}

/** Where the marks are now, as the side map of parseJson. */
export function findExact(value: unknown, pointer = '', found = new Map<string, string>()): Map<string, string> {
  if (typeof value !== 'object' || value === null) return found;
  const text = (value as Record<string, unknown>)[markName];
  if (typeof text === 'string') found.set(pointer, text);
  else for (const [key, item] of Object.entries(value)) findExact(item, `${pointer}/${escapeKey(key)}`, found);
  return found;
}

/** RFC 6901 section 3. */
function escapeKey(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
