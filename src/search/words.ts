// The words of a resource that people read: of its narrative, of all its texts, of codes as they are shown: https://hl7.org/fhir/R4/search.html#text

import type { Definitions } from '../fhir/definitions.ts';
import { foldAllWords } from './fold-text.ts';
import type { SearchKind } from './search-parameters.ts';

/** What stands further behind in one text is not searched by its words. */
export const wordTextLengthMax = 20_000;

interface Reader {
  readonly read: (resource: object) => unknown[];
  readonly elements?: undefined;
}

/** How `_text` and `_content` read a resource; undefined for parameters that have an expression. */
export function wordReader(kind: SearchKind, definitions: Definitions): Reader | undefined {
  if (kind === 'text') return { read: narrativeTexts };
  return kind === 'content' ? { read: (resource) => contentTexts(resource, definitions) } : undefined;
}

/** The words of texts, each once. */
export function wordsOf(texts: readonly unknown[]): Set<string> {
  const words = new Set<string>();
  for (const text of texts) {
    if (typeof text !== 'string') continue;
    for (const word of foldAllWords(text.slice(0, wordTextLengthMax))) words.add(word);
  }
  return words;
}

/** What stands beside a code for people to read: https://hl7.org/fhir/R4/search.html#token, modifier `text` */
export function shownTexts(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const { text, display, coding, type } = value as Readonly<Record<string, unknown>>;
  const own = [text, display].filter((found) => typeof found === 'string');
  return [...own, ...(Array.isArray(coding) ? coding.flatMap(shownTexts) : []), ...shownTexts(type)];
}

function narrativeTexts(resource: object): string[] {
  const { text } = resource as { readonly text?: { readonly div?: unknown } };
  return typeof text?.div === 'string' ? [textOfXhtml(text.div)] : [];
}

/** Tags part words. */
export function textOfXhtml(xhtml: string): string {
  return xhtml
    .replace(/<!--.*?-->|<[^>]*>/gs, ' ')
    .replace(/&#(x[\da-f]{1,6}|\d{1,7});/gi, (_, code: string) => characterOf(code))
    .replace(/&(lt|gt|quot|nbsp);/g, ' ')
    .replace(/&apos;/g, "'")
    .replace(/&amp;/g, '&');
}

function characterOf(code: string): string {
  const point = code.startsWith('x') || code.startsWith('X') ? Number.parseInt(code.slice(1), 16) : Number(code);
  return point <= 0x10ffff ? String.fromCodePoint(point) : ' ';
}

/** Of all strings, markdown and narratives but those that name something to a machine. */
export function contentTexts(resource: object, definitions: Definitions): string[] {
  const texts: string[] = [];
  gatherResource(resource as Node, definitions, texts);
  return texts;
}

type Node = Readonly<Record<string, unknown>>;

function gatherResource(node: Node, definitions: Definitions, texts: string[]): void {
  if (typeof node.resourceType === 'string') gather(node, node.resourceType, definitions, texts);
}

function gather(node: Node, type: string, definitions: Definitions, texts: string[]): void {
  const members = membersOf(type, definitions);
  for (const [name, value] of Object.entries(node)) {
    const member = members.get(name);
    if (member === undefined) continue;
    for (const item of Array.isArray(value) ? value : [value]) {
      if (typeof item === 'string') texts.push(member === 'xhtml' ? textOfXhtml(item) : item);
      else if (typeof item !== 'object' || item === null) continue;
      else if (member === 'Resource') gatherResource(item, definitions, texts);
      else gather(item, member, definitions, texts);
    }
  }
}

/** Identifiers and phone numbers have parameters of their own, units and references are no words. */
const machineNames: ReadonlySet<string> = new Set([
  'id',
  'unit',
  'Identifier.value',
  'ContactPoint.value',
  'Reference.reference',
  'Coding.version',
  'Expression.expression',
]);

const known = new WeakMap<Definitions, Map<string, ReadonlyMap<string, string>>>();

/** The members of a type that hold text, directly or below, with their types. */
function membersOf(type: string, definitions: Definitions): ReadonlyMap<string, string> {
  const byType = known.get(definitions) ?? new Map<string, ReadonlyMap<string, string>>();
  known.set(definitions, byType);
  const members = byType.get(type) ?? compileMembers(type, definitions);
  if (members.size > 0) byType.set(type, members);
  return members;
}

function compileMembers(type: string, definitions: Definitions): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  for (const [name, { type: child, isPrimitive }] of definitions.properties(type)) {
    const isMachine = machineNames.has(name) || machineNames.has(`${type}.${name}`);
    if (!isMachine && (!isPrimitive || readable.has(child.code))) members.set(name, child.code);
  }
  return members;
}

const readable: ReadonlySet<string> = new Set(['string', 'markdown', 'xhtml']);
