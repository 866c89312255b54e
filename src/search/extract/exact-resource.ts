// Numbers with more digits than a double holds, for extraction: https://hl7.org/fhir/R4/json.html#decimal

import { decimalOf, orderedNumber } from '../exact-number.ts';

type Container = Record<string, unknown>;

/** The resource with texts in the place of such numbers, which extraction reads like numbers; nearly always the resource itself. */
export function withExactNumbers<T extends object>(
  resource: T,
  exactNumbers: ReadonlyMap<string, string> | undefined,
): T {
  if (!exactNumbers) return resource;
  const lost = [...exactNumbers].filter(([, text]) => losesDigits(text));
  return lost.reduce((whole, [pointer, text]) => replaced(whole, segmentsOf(pointer), text) as T, resource);
}

/** 1.10 loses none. */
function losesDigits(text: string): boolean {
  const [written, read] = [decimalOf(text), decimalOf(Number(text))];
  return written !== undefined && (!read || orderedNumber(written) !== orderedNumber(read));
}

function segmentsOf(pointer: string): string[] {
  const segments = pointer.split('/').slice(1);
  return segments.map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Copies what is on the way. A text is used only where the tree still holds its number. */
function replaced(node: unknown, [segment, ...rest]: readonly string[], text: string): unknown {
  if (segment === undefined) return Object.is(node, Number(text)) ? text : node;
  if (typeof node !== 'object' || node === null || !Object.hasOwn(node, segment)) return node;
  const copy = (Array.isArray(node) ? [...node] : { ...node }) as Container;
  copy[segment] = replaced(copy[segment], rest, text);
  return copy;
}
