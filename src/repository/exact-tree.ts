// A JSON tree whose exact number texts travel with their values, wherever a change moves them.

import type { ExactNumbers } from './change.ts';

/** Stands in the tree for a number whose text says more than its value, such as 1.10. */
export class ExactNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  valueOf(): number {
    return Number(this.text);
  }
}

export type JsonObject = Record<string, unknown>;

/** An object or array, and no number. */
export function isContainer(value: unknown): value is JsonObject | unknown[] {
  return typeof value === 'object' && value !== null && !(value instanceof ExactNumber);
}

export function isObject(value: unknown): value is JsonObject {
  return isContainer(value) && !Array.isArray(value);
}

/** `visit` is told of every part and how deep it is. */
export function copyTree(value: unknown, visit?: (part: unknown, depth: number) => void, depth = 0): unknown {
  visit?.(value, depth);
  if (!isContainer(value)) return value;
  if (Array.isArray(value)) return value.map((item) => copyTree(item, visit, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyTree(item, visit, depth + 1)]));
}

/** A copy of the tree with the texts in the places of their numbers; the tree itself where there are none. */
export function markExact(tree: unknown, exactNumbers: ExactNumbers | undefined): unknown {
  if (!exactNumbers?.size) return tree;
  const root = { tree: copyTree(tree) };
  for (const [pointer, text] of exactNumbers) {
    const keys = `tree${pointer}`.split('/').map(unescapeKey);
    const last = keys.pop() as string;
    const holder = keys.reduce<unknown>(
      (value, key) => (isContainer(value) ? (value as JsonObject)[key] : undefined),
      root,
    );
    if (isContainer(holder) && typeof (holder as JsonObject)[last] === 'number') {
      (holder as JsonObject)[last] = new ExactNumber(text);
    }
  }
  return root.tree;
}

/** Where the texts are now, as the side map of parseJson. */
export function findExact(tree: unknown, pointer = '', found = new Map<string, string>()): Map<string, string> {
  if (tree instanceof ExactNumber) found.set(pointer, tree.text);
  else if (isContainer(tree)) {
    for (const [key, value] of Object.entries(tree)) findExact(value, `${pointer}/${escapeKey(key)}`, found);
  }
  return found;
}

/** Puts the plain numbers back into the tree, which it changes. */
export function unmarkExact(tree: unknown): unknown {
  if (tree instanceof ExactNumber) return tree.valueOf();
  if (!isContainer(tree)) return tree;
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'object') (tree as JsonObject)[key] = unmarkExact(value);
  }
  return tree;
}

/** RFC 6901 section 3. */
function escapeKey(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

export function unescapeKey(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~');
}
