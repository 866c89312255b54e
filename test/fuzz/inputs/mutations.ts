// Makes good trees and texts a little wrong, by choices that fast-check can make smaller.

import fc from 'fast-check';

export const strange: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(
    ...[[], {}, null, '', 0, -0, 1e308, -1e-320, 2 ** 53, [null], [[]], { reference: 7 }, true],
    ...[
      'Patient/1',
      '../..',
      'urn:uuid:1',
      '#',
      '#x',
      'Patient?name=x',
      '\ud800',
      '\u0000',
      ' ',
      '2026-02-30',
      'x'.repeat(2_000),
    ],
    ...[{ resourceType: 'Patient' }, { resourceType: '__proto__' }, { extension: [{ url: 'x' }] }, { contained: [{}] }],
  ),
);

const changes = ['replace', 'remove', 'double', 'wrap', 'rename', 'add', 'shadow'] as const;
const keys = [
  '__proto__',
  'constructor',
  'resourceType',
  'id',
  'extension',
  '_id',
  'valueX',
  'contained',
  'x',
  '',
  '0',
];

export interface Mutation {
  readonly at: number;
  readonly change: (typeof changes)[number];
  readonly key: string;
  readonly value: unknown;
}

export const mutations = (maxLength: number): fc.Arbitrary<Mutation[]> =>
  fc.array(
    fc.record({ at: fc.nat(), change: fc.constantFrom(...changes), key: fc.constantFrom(...keys), value: strange }),
    { maxLength },
  );

type Node = Record<string, unknown>;

/** A changed copy; every place of the tree is as likely. */
export function mutate(tree: unknown, list: readonly Mutation[]): unknown {
  const root: Node = { root: structuredClone(tree) };
  for (const mutation of list) {
    const places = placesIn(root);
    const place = places[mutation.at % places.length];
    // A copy, for the next change may go into it.
    if (place) change(place.node, place.key, { ...mutation, value: structuredClone(mutation.value) });
  }
  // As it would come by JSON: no holes in lists, nothing undefined.
  const text = JSON.stringify(root.root);
  return text === undefined ? undefined : JSON.parse(text);
}

interface Place {
  readonly node: Node;
  readonly key: string;
}

function placesIn(node: Node): Place[] {
  return Object.entries(node).flatMap(([key, child]) => [
    { node, key },
    ...(typeof child === 'object' && child !== null ? placesIn(child as Node) : []),
  ]);
}

function change(node: Node, key: string, { change: kind, key: other, value }: Mutation): void {
  const old = node[key];
  if (kind === 'replace') node[key] = value;
  else if (kind === 'double') node[key] = Array.isArray(old) ? [...old, ...old] : [old, old];
  else if (kind === 'wrap') node[key] = [old];
  else if (kind === 'shadow') define(node, `_${key}`, value);
  else if (kind === 'add' && typeof old === 'object' && old !== null) define(old as Node, other, value);
  else if (kind === 'rename') {
    define(node, other, old);
    delete node[key];
  } else delete node[key];
}

/** An own member, also where it is named `__proto__`, as JSON.parse makes it. */
function define(node: Node, key: string, value: unknown): void {
  Object.defineProperty(node, key, { value, enumerable: true, configurable: true, writable: true });
}

export interface Cut {
  readonly at: number;
  readonly length: number;
  readonly put: string;
}

/** Places of a text, what is taken out there and what is put in. */
export const cuts = (maxLength: number, pieces: readonly string[]): fc.Arbitrary<Cut[]> =>
  fc.array(fc.record({ at: fc.nat(), length: fc.nat(20), put: fc.constantFrom(...pieces) }), {
    minLength: 1,
    maxLength,
  });

export function cut(text: string, list: readonly Cut[]): string {
  return list.reduce((now, { at, length, put }) => {
    const start = now.length === 0 ? 0 : at % now.length;
    return now.slice(0, start) + put + now.slice(start + length);
  }, text);
}
