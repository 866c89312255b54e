// Makes valid resources of any R4 type by chance, and lists the places in them, for properties of the validator.

import type { ElementType } from '../../src/fhir/definitions/snapshot.ts';
import type { Definitions, Property } from '../../src/fhir/definitions.ts';

export type Json = Record<string, unknown>;

/** A resource with all it requires and some of what it may have; the same seed makes the same resource. */
export function randomResource(definitions: Definitions, type: string, seed: number): Json {
  const random = randomNumbers(seed);
  return { resourceType: type, ...objectOf(type, 0) };

  function objectOf(typeName: string, depth: number): Json {
    const node: Json = {};
    for (const properties of byElement(definitions, typeName)) {
      const { element } = properties[0]![1];
      if (!element.isRequired && random() > optionalChance(element.name, depth)) continue;
      addMember(node, properties[Math.floor(random() * properties.length)]!, depth);
    }
    if (typeName === 'Extension') completeExtension(node, depth);
    else if (Object.keys(node).every((key) => key === 'id') && depth > 0) addFirstMember(node, typeName, depth);
    return node;
  }

  function addMember(node: Json, [name, property]: [string, Property], depth: number): void {
    const values = Array.from({ length: property.element.repeats && random() < 0.3 ? 2 : 1 }, () =>
      randomValue(property, depth),
    );
    node[name] = property.element.repeats ? values : values[0];
    if (!property.isPrimitive || property.element.isAttribute || property.type.code === 'xhtml' || random() > 0.05)
      return;
    const extension = { extension: [{ url: 'http://example.org/why', valueCode: 'unknown' }] };
    node[`_${name}`] = property.element.repeats ? values.map(() => extension) : extension;
    if (property.element.repeats) node[name] = values.map((value) => (random() < 0.5 ? null : value));
    else if (random() < 0.5) delete node[name];
  }

  function randomValue({ element, type: elementType, isPrimitive }: Property, depth: number): unknown {
    if (isPrimitive) return primitiveOf(elementType, element.binding);
    if (elementType.code !== 'Resource') return objectOf(elementType.code, depth + 1);
    const resource =
      depth > 3
        ? { resourceType: 'Basic', code: { text: 'x' } }
        : randomResource(definitions, 'Patient', random() * 1e9);
    if (element.name === 'contained') delete resource.contained;
    return resource;
  }

  function primitiveOf({ code }: ElementType, binding: Property['element']['binding']): unknown {
    const bound =
      binding?.strength === 'required' && code === 'code' ? definitions.valueSet(binding.valueSet) : undefined;
    const values = bound ? [...bound.codes] : primitiveValues[code]!;
    return values[Math.floor(random() * values.length)];
  }

  function addFirstMember(node: Json, typeName: string, depth: number): void {
    const inherited = ['id', 'extension', 'modifierExtension'];
    const own = byElement(definitions, typeName).find((group) => !inherited.includes(group[0]![0]));
    addMember(node, own![0]!, depth);
  }

  /** ext-1: either a value or extensions. */
  function completeExtension(node: Json, depth: number): void {
    const hasValue = Object.keys(node).some((key) => /^_?value/.test(key));
    if (hasValue) delete node.extension;
    else if (!node.extension && depth < 3) node.extension = [{ url: 'http://example.org/inner', valueString: 'x' }];
    else if (!node.extension) node.valueString = 'x';
  }
}

export interface Place {
  readonly node: Json;
  readonly typeName: string;
  readonly path: string;
}

/** Every object of a resource with its type and FHIRPath. */
export function placesOf(definitions: Definitions, resource: Json): Place[] {
  const places: Place[] = [];
  visit(resource, resource.resourceType as string, resource.resourceType as string);
  return places;

  function visit(node: Json, typeName: string, path: string): void {
    places.push({ node, typeName, path });
    for (const [key, value] of Object.entries(node)) {
      const property = definitions.properties(typeName).get(key.replace(/^_/, ''));
      if (!property || typeof value !== 'object' || value === null) continue;
      const type = key.startsWith('_') ? 'Element' : property.type.code;
      const items = Array.isArray(value) ? value : [value];
      for (const [index, item] of items.entries()) {
        const at = `${path}.${property.element.name}${Array.isArray(value) ? `[${index}]` : ''}`;
        if (typeof item === 'object' && item !== null) visit(item, type === 'Resource' ? item.resourceType : type, at);
      }
    }
  }
}

const primitiveValues: Readonly<Record<string, readonly unknown[]>> = {
  base64Binary: ['aGVsbG8=', 'AAAA', 'aGVs bG8='],
  boolean: [true, false],
  canonical: ['http://example.org/a|1.0', '#x'],
  code: ['a', 'a b'],
  date: ['2026', '2026-11', '2024-02-29'],
  dateTime: ['2026', '2026-11-20T10:30:00+01:00', '2026-11-20T10:30:00.123Z'],
  decimal: [0, -1.5, 1e20],
  id: ['a', 'A-1.b'],
  instant: ['2026-11-20T10:30:00Z', '2026-11-20T10:30:00.5-03:00'],
  integer: [-2_147_483_648, 0, 2_147_483_647],
  markdown: ['*x*'],
  oid: ['urn:oid:1.2.840.0'],
  positiveInt: [1, 2_147_483_647],
  string: ['x', ' \n', '\u{1f600}'],
  time: ['23:59:59', '00:00:00.5'],
  unsignedInt: [0, 7],
  uri: ['http://example.org', 'urn:x:y', 'x'],
  url: ['http://example.org'],
  uuid: ['urn:uuid:0b2fd4d2-9c1d-4f2c-8c5e-1f0d6a2b3c4d'],
  xhtml: ['<div xmlns="http://www.w3.org/1999/xhtml">x</div>'],
};

function optionalChance(name: string, depth: number): number {
  const chance = name === 'extension' || name === 'modifierExtension' || name === 'contained' ? 0.05 : 0.35;
  return depth > 4 ? 0 : chance / (depth + 1);
}

/** The properties of each element together: all variants of a choice are one element. */
function byElement(definitions: Definitions, typeName: string): [string, Property][][] {
  const groups = new Map<unknown, [string, Property][]>();
  for (const [name, property] of definitions.properties(typeName)) {
    const group = groups.get(property.element) ?? [];
    groups.set(property.element, [...group, [name, property]]);
  }
  return [...groups.values()];
}

/** mulberry32 */
function randomNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
