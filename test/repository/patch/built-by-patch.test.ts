// Whatever R4 can express, a FHIRPath Patch can add and delete: whole resources of all types are built and taken apart by it.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Property } from '../../../src/fhir/definitions.ts';
import { type Json, randomResource } from '../../validation/random-resource.ts';
import { definitions, type Operation, parameters, patched } from './patching.ts';

const types = [...definitions.resourceTypes];
const seeds = fc.integer({ min: 1, max: 1_000_000 });

/** An item of an element with what stands beside it as `_name`. */
interface Item {
  readonly name: string;
  readonly property: Property;
  readonly index: number | undefined;
  readonly value: unknown;
  readonly extras: unknown;
}

function itemsOf(node: Json, type: string): Item[] {
  return [...definitions.properties(type)].flatMap(([name, property]): Item[] => {
    const [value, extras] = [node[name], node[`_${name}`]];
    if (value === undefined && extras === undefined) return [];
    if (!property.element.repeats) return [{ name, property, index: undefined, value, extras }];
    const [values, others] = [value ?? [], extras ?? []] as [unknown[], unknown[]];
    const length = Math.max(values.length, others.length);
    return Array.from({ length }, (_, index) => ({
      ...{ name, property, index },
      ...{ value: values[index] ?? undefined, extras: others[index] ?? undefined },
    }));
  });
}

/** Types that a Parameters resource has no value for, and all when asked, are sent as parts. */
function valuePart({ property, value, extras }: Item, byParts: boolean): object {
  const { code } = property.type;
  if (code === 'Resource') return { resource: value };
  const sent = code === 'xhtml' ? 'string' : code;
  const name = `value${sent.charAt(0).toUpperCase()}${sent.slice(1)}`;
  if (property.isPrimitive)
    return { ...(value !== undefined && { [name]: value }), ...(extras !== undefined && { [`_${name}`]: extras }) };
  const isNamed = definitions.properties('Parameters.parameter').has(name);
  if (isNamed && !(byParts && !property.element.isChoice)) return { [name]: value };
  const part = itemsOf(value as Json, code).map((item) => ({
    name: item.property.element.name,
    ...valuePart(item, byParts),
  }));
  return { part };
}

function resourceOf(
  type: string,
  seed: number,
): { readonly base: Json; readonly resource: Json; readonly items: Item[] } {
  const { id: _, meta: __, ...rest } = randomResource(definitions, type, seed);
  const base = { resourceType: type, id: '1' };
  return { base, resource: { ...rest, ...base }, items: itemsOf(rest, type) };
}

const pathOf = ({ property, index }: Item, type: string) =>
  `${type}.${property.element.name}${index === undefined ? '' : `[${index}]`}`;

describe('a resource of any type', () => {
  test('is built by adding its elements, and is the empty one again when they are deleted', () => {
    const built = new Set<string>();
    fc.assert(
      fc.property(fc.constantFrom(...types), seeds, fc.boolean(), (type, seed, byParts) => {
        const { base, resource, items } = resourceOf(type, seed);
        const adds = items.map(
          (item): Operation => ({
            ...{ type: 'add', path: type, name: item.property.element.name },
            value: valuePart(item, byParts),
          }),
        );
        const whole = patched('fhirpath-patch', parameters(...adds), base);
        expect(whole).toEqual(resource);
        const deletes = items.toReversed().map((item): Operation => ({ type: 'delete', path: pathOf(item, type) }));
        expect(patched('fhirpath-patch', parameters(...deletes), whole)).toEqual(base);
        built.add(type);
      }),
      { seed: 401, numRuns: 400 },
    );
    expect(built.size).toBeGreaterThan(120);
  });

  test('stays what it is when an element is replaced by itself', () => {
    fc.assert(
      fc.property(fc.constantFrom(...types), seeds, (type, seed) => {
        const { resource, items } = resourceOf(type, seed);
        const operations = items.map(
          (item): Operation => ({
            ...{ type: 'replace', path: pathOf(item, type), value: valuePart(item, false) },
          }),
        );
        expect(patched('fhirpath-patch', parameters(...operations), resource)).toEqual(resource);
      }),
      { seed: 402, numRuns: 200 },
    );
  });

  test('has its lists as they were after a move there and back, and after an insert and its deletion', () => {
    fc.assert(
      fc.property(fc.constantFrom(...types), seeds, fc.nat(), fc.nat(), (type, seed, a, b) => {
        const { resource, items } = resourceOf(type, seed);
        const lists = Map.groupBy(
          items.filter(({ index }) => index !== undefined),
          ({ name }) => name,
        );
        const operations = [...lists].flatMap(([name, list]): Operation[] => {
          const path = `${type}.${name}`;
          const [source, destination] = [a % list.length, b % list.length];
          return [
            { type: 'move', path, source, destination },
            { type: 'move', path, source: destination, destination: source },
            { type: 'insert', path, index: source, value: valuePart(list[destination] as Item, false) },
            { type: 'delete', path: `${path}[${source}]` },
          ];
        });
        expect(patched('fhirpath-patch', parameters(...operations), resource)).toEqual(resource);
      }),
      { seed: 403, numRuns: 200 },
    );
  });
});
