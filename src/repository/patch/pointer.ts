// JSON Pointers, and the edits of a tree at them: https://www.rfc-editor.org/rfc/rfc6901

import { isContainer, type JsonObject, unescapeKey } from '../exact-tree.ts';
import { CannotApply } from './failed.ts';

export type Pointer = readonly string[];

const keysMax = 100;
/** The names of prototypes are no elements of any resource. */
const prototypeNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Undefined for what is no pointer, or leads to a prototype. */
export function parsePointer(text: string): Pointer | undefined {
  if (text !== '' && !/^(?:\/(?:[^~/]|~[01])*)+$/.test(text)) return undefined;
  const keys = text.split('/').slice(1).map(unescapeKey);
  return keys.length > keysMax || keys.some((key) => prototypeNames.has(key)) ? undefined : keys;
}

/** A member or item of a container, which need not be there. */
export interface Slot {
  readonly container: JsonObject | unknown[];
  readonly key: string;
}

/** Throws where the way there does not exist. */
export function slotAt(root: JsonObject, pointer: Pointer): Slot {
  let container: unknown = root;
  for (const key of pointer.slice(0, -1)) container = valueAt({ container: asContainer(container), key });
  return { container: asContainer(container), key: pointer.at(-1) as string };
}

/** Throws where there is nothing. */
export function valueAt({ container, key }: Slot): unknown {
  const isThere = Array.isArray(container) ? indexOf(key) < container.length : Object.hasOwn(container, key);
  if (!isThere) throw new CannotApply('there is nothing at its path');
  return (container as JsonObject)[key];
}

/** An item moves those behind it on; `-` is the place behind the last: RFC 6902 section 4.1 */
export function insertAt({ container, key }: Slot, value: unknown): void {
  if (!Array.isArray(container)) {
    container[key] = value;
    return;
  }
  const index = key === '-' ? container.length : indexOf(key);
  if (index > container.length) throw new CannotApply('its index is beyond the end of the list');
  container.splice(index, 0, value);
}

export function removeAt(slot: Slot): unknown {
  const value = valueAt(slot);
  if (Array.isArray(slot.container)) slot.container.splice(Number(slot.key), 1);
  else delete slot.container[slot.key];
  return value;
}

export function replaceAt(slot: Slot, value: unknown): void {
  valueAt(slot);
  (slot.container as JsonObject)[slot.key] = value;
}

function asContainer(value: unknown): JsonObject | unknown[] {
  if (!isContainer(value)) throw new CannotApply('its path leads through a value that has no members');
  return value;
}

function indexOf(key: string): number {
  if (!/^(?:0|[1-9][0-9]*)$/.test(key)) throw new CannotApply('an index in its path is no whole number');
  return Number(key);
}
