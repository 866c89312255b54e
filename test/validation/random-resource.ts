// Makes valid resources of any R4 type by chance, and lists the places in them, for properties of the validator.

import type { ElementType } from '../../src/fhir/definitions/snapshot.ts';
import type { Definitions, Property } from '../../src/fhir/definitions.ts';

export type Json = Record<string, unknown>;

/** A resource with all it requires and some of what it may have; the same seed makes the same resource. */
export function randomResource(definitions: Definitions, type: string, seed: number): Json {
  const random = randomNumbers(seed);
  const resource: Json = { resourceType: type, ...objectOf(type, 0) };
  for (const [index, contained] of ((resource.contained ?? []) as Json[]).entries()) contained.id = `c${index}`;
  return resource;

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
    if (isPrimitive) return primitiveOf(element, elementType);
    if (elementType.code === 'Reference') return referenceOf(elementType.targets, depth);
    if (elementType.code === 'CodeableConcept' && element.binding?.strength === 'required') return conceptOf(element);
    if (elementType.code !== 'Resource') return objectOf(elementType.code, depth + 1);
    const resource =
      depth > 3
        ? { resourceType: 'Basic', code: { text: 'x' } }
        : randomResource(definitions, 'Patient', random() * 1e9);
    if (element.name === 'contained') delete resource.contained;
    return resource;
  }

  function primitiveOf(element: Property['element'], { code }: ElementType): unknown {
    const { binding, name, isAttribute } = element;
    if (isAttribute && name === 'id' && code === 'string') return oneOf(['a', 'A-1.b', 'x_y']);
    if (name === 'url' && isAttribute) return oneOf(['http://example.org/x', 'urn:x:y']);
    if (code !== 'code' || binding === undefined) return oneOf(primitiveValues[code]!);
    const bound = binding.strength === 'required' ? definitions.valueSet(binding.valueSet) : undefined;
    return oneOf(bound ? [...bound.codes] : (grammarValues[binding.valueSet] ?? primitiveValues.code!));
  }

  function oneOf<T>(values: readonly T[]): T {
    return values[Math.floor(random() * values.length)]!;
  }

  function referenceOf(targets: readonly string[] | undefined, depth: number): Json {
    const node = objectOf('Reference', depth + 1);
    const type = oneOf(targets ?? ['Patient', 'Basic']);
    if (node.reference !== undefined) {
      node.reference = oneOf([
        `${type}/1`,
        `http://example.org/fhir/${type}/1/_history/2`,
        'urn:x:y',
        'https://example.org/x?a=b',
      ]);
    }
    if (node.type !== undefined) node.type = type;
    return node;
  }

  function conceptOf({ binding }: Property['element']): Json {
    const { codes, systems } = definitions.valueSet(binding!.valueSet) ?? {
      codes: new Set(['mm[Hg]']),
      systems: ['http://unitsofmeasure.org'],
    };
    return { coding: [{ system: systems[0], code: oneOf([...codes]) }] };
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

const grammarValues: Readonly<Record<string, readonly string[]>> = {
  'http://hl7.org/fhir/ValueSet/languages': ['de', 'zh-Hant-TW', 'sl-rozaj-biske-1994', 'x-own'],
  'http://hl7.org/fhir/ValueSet/mimetypes': ['text/plain', 'application/fhir+json; charset="utf-8"'],
  'http://hl7.org/fhir/ValueSet/currencies': ['EUR', 'XXX'],
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
