// JSON in and out without silent loss: no duplicate keys, no rounded decimals: https://hl7.org/fhir/R4/json.html

import { JsonScanner } from './json-scanner.ts';

/** Throws a FhirError (400) that names line and column for whatever the next reader could take differently. */
export function parseJson(text: string): ParsedJson {
  const scanner = new JsonScanner(text);
  scanner.scan();
  return checked(text, JSON.parse(text), scanner);
}

/** The same, waiting for `pause` between its steps: of a text of 64 MB each takes some 100 ms. */
export async function parseLongJson(text: string, pause: () => Promise<void>): Promise<ParsedJson> {
  const scanner = new JsonScanner(text);
  scanner.scan();
  await pause();
  const value: unknown = JSON.parse(text);
  await pause();
  return checked(text, value, scanner);
}

/** JSON.parse drops the first of two equal keys, so the tree then has fewer members than the text. */
function checked(text: string, value: unknown, { memberCount, exactNumbers }: JsonScanner): ParsedJson {
  if (countMembers(value) !== memberCount) new JsonScanner(text, { refuseDuplicates: true }).scan();
  return exactNumbers.size > 0 ? { value, exactNumbers } : { value };
}

export interface ParsedJson {
  readonly value: unknown;
  /** JSON Pointer -> source text of a number, only where that differs from String(Number(text)), such as 1.10. */
  readonly exactNumbers?: ReadonlyMap<string, string>;
}

/** An exact text is used only where the tree still holds its number, so a stale one cannot bring an old value back. */
export function serializeJson(value: unknown, exactNumbers?: ReadonlyMap<string, string>): string {
  if (!exactNumbers?.size) return JSON.stringify(value);
  const root: Container = { value };
  const copies = new Set<unknown>([root]);
  for (const [pointer, text] of exactNumbers) placeExactNumber(root, pointer, text, copies);
  return JSON.stringify(root.value);
}

type Container = Record<string, unknown>;

/** https://tc39.es/proposal-json-parse-with-source/: Node has it, TypeScript's library not yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** Copies the containers on the way (each once), for the caller's tree must stay as it is. */
function placeExactNumber(root: Container, pointer: string, text: string, copies: Set<unknown>): void {
  let container = root;
  let key = 'value';
  for (const segment of pointer.split('/').slice(1)) {
    const child = container[key];
    if (typeof child !== 'object' || child === null) return;
    container[key] = copies.has(child) ? child : shallowCopy(child, copies);
    container = container[key] as Container;
    key = segment.replaceAll('~1', '/').replaceAll('~0', '~');
  }
  if (Object.is(container[key], Number(text))) container[key] = rawJSON(text);
}

function shallowCopy(container: object, copies: Set<unknown>): unknown {
  const copy = Array.isArray(container) ? [...container] : { ...container };
  copies.add(copy);
  return copy;
}

/** The members of all objects together; `__proto__` makes the count impossible, which brings on the search for it. */
function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') count += countMembers(item);
    return count;
  }
  for (const key in value) {
    if (key === '__proto__') return Number.NaN;
    const member = (value as Container)[key];
    count += typeof member === 'object' && member !== null ? countMembers(member) + 1 : 1;
  }
  return count;
}
