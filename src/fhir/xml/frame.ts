// An element whose end has not come yet, and how it joins its parent's JSON object: https://hl7.org/fhir/R4/json.html

import type { Layout, XmlElement } from './layout.ts';
import type { Place } from './place.ts';

export interface Frame extends Place {
  readonly parent: Frame | undefined;
  /** What may stand inside; undefined where nothing may. */
  readonly layout: Layout | undefined;
  /** How deep its object is in JSON, where arrays count. */
  readonly depth: number;
  /** The object of a resource or complex element; of a primitive only where it has an id or extensions. */
  node: Json | undefined;
  value: unknown;
  isFilled: boolean;
  last: XmlElement | undefined;
  lastIndex: number;
}

type Json = Record<string, unknown>;

export function setMember(frame: Frame, name: string, value: unknown): void {
  frame.node ??= {};
  frame.node[name] = value;
}

export function put(parent: Frame, { name, repeats }: XmlElement, value: unknown): void {
  const list = repeats ? parent.node?.[name] : undefined;
  if (Array.isArray(list)) list.push(value);
  else setMember(parent, name, repeats ? [value] : value);
}

/** https://hl7.org/fhir/R4/json.html#primitive: values and extensions of a list are two arrays, filled with null. */
export function putPrimitive(parent: Frame, element: XmlElement, { value, node, index }: Frame): void {
  const extensions = `_${element.name}`;
  if (!element.repeats) {
    if (value !== undefined) setMember(parent, element.name, value);
    if (node) setMember(parent, extensions, node);
    return;
  }
  put(parent, element, value ?? null);
  const list = parent.node?.[extensions];
  if (Array.isArray(list)) list.push(node ?? null);
  else if (node) setMember(parent, extensions, [...Array.from({ length: index }, () => null), node]);
}
