// Reads elements of plain JSON by the names they have there: https://hl7.org/fhir/R4/json.html

import type { Definitions } from '../../definitions.ts';
import {
  type Child,
  type FlatPart,
  type Many,
  type Node,
  NotFlat,
  nothing,
  type One,
  type Types,
} from './flat-part.ts';

export function flatMember(parent: FlatPart, name: string, definitions: Definitions): One | Many {
  if (parent.kind === 'truth') throw new NotFlat(name);
  const child = childOf(parent.types, name, definitions);
  if (parent.kind === 'many') return ofMany(parent, child);
  return child.element.repeats ? repeatingOf(parent, child) : singleOf(parent, child);
}

function childOf(types: Types, name: string, definitions: Definitions): Child {
  const [type, ...others] = types;
  if (type === undefined || others.length > 0) throw new NotFlat(name);
  const found = [...definitions.properties(type)].filter(([, { element }]) => element.name === name);
  const [first] = found;
  if (!first || definitions.typeDefinition(type)?.kind === 'primitive-type') throw new NotFlat(name);
  return {
    element: first[1].element,
    jsonNames: found.map(([jsonName]) => jsonName),
    types: found.map(([, property]) => property.type.code),
    isPrimitive: first[1].isPrimitive,
  };
}

/** A choice has several names, of which one is there; `_name` stands beside a primitive. */
function allNames({ jsonNames, element }: Child): string[] {
  return element.isAttribute ? [...jsonNames] : [...jsonNames, ...jsonNames.map((name) => `_${name}`)];
}

function reader(names: readonly string[]): (node: unknown) => unknown {
  const [first = '', second, third] = names;
  if (second === undefined) return (node) => (node as Node)[first];
  if (third === undefined) return (node) => (node as Node)[first] ?? (node as Node)[second];
  return (node) => {
    for (const name of names) {
      const value = (node as Node)[name];
      if (value !== undefined) return value;
    }
    return undefined;
  };
}

function singleOf(parent: One, child: Child): One {
  const read = reader(child.jsonNames);
  const readAny = child.isPrimitive || child.element.isChoice ? reader(allNames(child)) : read;
  const { get } = parent;
  return {
    kind: 'one',
    get: isFocus(parent) ? read : (focus, run) => below(get(focus, run), read),
    exists: isFocus(parent)
      ? (focus) => readAny(focus) !== undefined
      : (focus, run) => below(get(focus, run), readAny) !== undefined,
    types: child.types,
  };
}

function below(node: unknown, read: (node: unknown) => unknown): unknown {
  return node === undefined ? undefined : read(node);
}

/** What an expression starts from. */
export function focusPart(types: Types): One {
  return { kind: 'one', get: identity, exists: () => true, types };
}

function identity(focus: unknown): unknown {
  return focus;
}

function isFocus(part: One): boolean {
  return part.get === identity;
}

function repeatingOf(parent: One, child: Child): Many {
  const [name = ''] = child.jsonNames;
  const { get } = parent;
  const listIn = (node: unknown) => valuesIn(node, name, child.isPrimitive);
  const countIn = (node: unknown) => (node === undefined ? 0 : countOf(node as Node, name, child.isPrimitive));
  return {
    kind: 'many',
    list: (focus, run) => listIn(get(focus, run)),
    exists: (focus, run) => countIn(get(focus, run)) > 0,
    count: (focus, run) => countIn(get(focus, run)),
    types: child.types,
  };
}

/** A null stands in a list for a primitive that has only extensions. */
function valuesIn(node: unknown, name: string, isPrimitive: boolean): readonly unknown[] {
  const values = node === undefined ? undefined : (node as Node)[name];
  if (!Array.isArray(values)) return nothing;
  return isPrimitive && values.includes(null) ? values.filter((value) => value !== null) : values;
}

function countOf(node: Node, name: string, isPrimitive: boolean): number {
  const [values, extras] = [node[name], isPrimitive ? node[`_${name}`] : undefined];
  return Math.max(Array.isArray(values) ? values.length : 0, Array.isArray(extras) ? extras.length : 0);
}

function ofMany(parent: Many, child: Child): Many {
  const { list: parents } = parent;
  const [name = ''] = child.jsonNames;
  const read = reader(child.jsonNames);
  const readAny = reader(child.isPrimitive || child.element.isChoice ? allNames(child) : child.jsonNames);
  const { isPrimitive } = child;
  const { repeats } = child.element;
  const countIn = (node: unknown) => {
    if (repeats) return countOf(node as Node, name, isPrimitive);
    return readAny(node) === undefined ? 0 : 1;
  };
  const list = (focus: unknown, run: Parameters<Many['list']>[1]) => {
    const found: unknown[] = [];
    for (const node of parents(focus, run)) {
      if (repeats) for (const value of valuesIn(node, name, isPrimitive)) found.push(value);
      else if (read(node) !== undefined) found.push(read(node));
    }
    return found;
  };
  return {
    kind: 'many',
    list,
    exists: (focus, run) => parents(focus, run).some((node) => countIn(node) > 0),
    count: (focus, run) => parents(focus, run).reduce<number>((sum, node) => sum + countIn(node), 0),
    types: child.types,
  };
}
