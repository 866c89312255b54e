// Cuts the resources of a type into slices of about the same size, each with a token: of what one in a hundred resources have, the
// index of tokens gives a slice at once, while no index has it in the order of a page.

import { hash } from 'node:crypto';
import { valueText } from './token-text.ts';

/** The first two digits of a hash of the id. */
const digits = 2;
export const slicesCount: number = 16 ** digits;

/** All, in the order of a search that is read slice by slice. */
export const slices: readonly string[] = Array.from({ length: slicesCount }, (_, n) =>
  n.toString(16).padStart(digits, '0'),
);

/** The slice of the resource with this id; the same as `sliceSql`. */
export function sliceOf(id: string): string {
  return hash('sha256', id, 'hex').slice(0, digits);
}

/** The slice of a row by its id. */
export function sliceSql(id: string): string {
  return `left(encode(sha256(convert_to(${id}, 'UTF8')), 'hex'), ${digits}) COLLATE "C"`;
}

/** What is stored for it. */
export function sliceText(type: string, slice: string): string {
  return valueText(`${type}:slice`, slice);
}
