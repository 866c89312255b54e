// What an expression reaches, told from the definitions alone: data type, binding, and whether there can be several.

import type { Binding } from '../definitions/snapshot.ts';
import type { Definitions } from '../definitions.ts';
import type { KnownMember } from './walk.ts';

export interface ReachedElement {
  /** A name of the definitions: `Coding`, `dateTime`, `Patient.contact`. */
  readonly type: string;
  /** True where one resource can hold several. */
  readonly repeats: boolean;
  readonly binding?: Binding;
}

/** Undefined where the definitions do not tell, as below `Bundle.entry.resource`. */
export type ReachedElements = readonly ReachedElement[] | undefined;

/** Element `name` of these parents; undefined when none of them is known to have it. */
export function reachMember(parents: ReachedElements, name: string, definitions: Definitions): KnownMember | undefined {
  const jsonNames = new Set<string>();
  const elements: ReachedElement[] = [];
  for (const parent of parents ?? []) {
    for (const [jsonName, { element, type }] of definitions.properties(parent.type)) {
      if (element.name !== name) continue;
      jsonNames.add(jsonName);
      const repeats = parent.repeats || element.repeats === true;
      elements.push({ type: type.code, repeats, ...(element.binding && { binding: element.binding }) });
    }
  }
  return elements.length > 0 ? { jsonNames: [...jsonNames], elements } : undefined;
}
