// Patches of the three kinds, made for a resource so that most can be read and many can be done: https://hl7.org/fhir/R4/http.html#patch

import fc from 'fast-check';
import type { PatchKind } from '../../../src/repository/patch/to-patch.ts';
import { type Json, placesOf } from '../../validation/random-resource.ts';
import { mutate, mutations, strange } from './mutations.ts';
import { anyType, definitions, resourceOf } from './resources.ts';

export interface PatchInput {
  readonly type: string;
  /** Of the resource. */
  readonly seed: number;
  readonly document: unknown;
}

interface Step {
  readonly op: string;
  readonly at: number;
  readonly from: number;
  readonly odd: number;
  readonly value: unknown;
  readonly index: number;
}

const oddPointers = [
  '',
  '/',
  '/name/-',
  '/name/01',
  '/name/4294967296',
  '/id',
  '/meta/tag',
  '/~0~1',
  "/name/0'||(x)",
  '/__proto__/x',
  '/constructor/prototype/x',
  '/name/length',
  '/resourceType',
  '/meta/tenant',
];
const oddPaths = [
  'Patient',
  'Patient.id',
  'Patient.meta.versionId',
  'Patient.name.given.last()',
  "Patient.extension('urn:x')",
  '%resource',
  'name.repeat($this)',
  '(((',
  'Patient.name.where(',
  'Patient.x',
  '$this.constructor',
];

const step = (ops: readonly string[]): fc.Arbitrary<Step> =>
  fc.record({
    op: fc.constantFrom(...ops),
    at: fc.nat(),
    from: fc.nat(),
    odd: fc.nat(80),
    value: strange,
    index: fc.nat(3),
  });

function patches(ops: readonly string[], make: (type: string, seed: number, steps: readonly Step[]) => unknown) {
  return fc
    .tuple(
      anyType,
      fc.nat(),
      fc.array(step(ops), { minLength: 1, maxLength: 3 }),
      fc.oneof({ arbitrary: fc.constant([]), weight: 4 }, mutations(2)),
      fc.nat(20),
    )
    .map(([type, seed, steps, changes, wild]): PatchInput => {
      const document = wild === 0 ? steps[0]?.value : mutate(make(type, seed, steps), changes);
      return { type, seed, document: document === undefined ? null : document };
    });
}

function pointersOf(node: unknown, at = ''): string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, child]) => {
    const pointer = `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    return [pointer, ...pointersOf(child, pointer)];
  });
}

function valueAt(node: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .reduce<unknown>((now, key) => (now as Record<string, unknown> | undefined)?.[key], node);
}

const jsonPatches = patches(['add', 'remove', 'replace', 'move', 'copy', 'test'], (type, seed, steps) => {
  const resource = resourceOf(type, seed);
  const pointers = pointersOf(resource);
  return steps.map(({ op, at, from, odd, value }) => {
    const path = oddPointers[odd] ?? (pointers[at % pointers.length] as string);
    const source = pointers[from % pointers.length] as string;
    const same = from % 4 === 0 ? value : valueAt(resource, path);
    return {
      op,
      path,
      ...(op === 'move' || op === 'copy' ? { from: source } : {}),
      ...(op === 'remove' ? {} : { value: same ?? value }),
    };
  });
});

const mergePatches = patches(['merge'], (type, seed, steps) => {
  const keys = [...definitions.properties(type).keys()];
  const resource = resourceOf(type, seed);
  return Object.fromEntries(
    steps.map(({ at, from, value }) => {
      const key = keys[at % keys.length] as string;
      return [key, [null, resource[key] ?? value, value][from % 3]];
    }),
  );
});

const parts: readonly object[] = [
  ...[
    { valueString: 'y' },
    { valueDate: '2026' },
    { valueBoolean: true },
    { valueHumanName: { text: 'y' } },
    { valueCode: 'final' },
  ],
  ...[
    { part: [{ name: 'url', valueUri: 'urn:y' }] },
    { resource: { resourceType: 'Basic', code: { text: 'y' } } },
    { valueReference: { reference: 'Patient/1' } },
    { _valueString: { id: 'y' } },
  ],
];

interface Member {
  /** Of the element itself, one item of it where it repeats. */
  readonly path: string;
  readonly name: string;
  readonly repeats: boolean;
  /** As a part of Parameters holds it. */
  readonly value: object;
}

/** What a part of Parameters may hold. */
const holders = definitions.properties(definitions.properties('Parameters').get('parameter')?.type.code ?? '');

/** What the resource has, with its values as the types of R4 name them. */
function membersOf(resource: Json): Member[] {
  return placesOf(definitions, resource).flatMap(({ node, typeName, path }) =>
    Object.entries(node).flatMap(([name, given]) => {
      const property = definitions.properties(typeName).get(name);
      const value = Array.isArray(given) ? given[0] : given;
      if (!property || value === null) return [];
      const { code } = property.type;
      const key = `value${code[0]?.toUpperCase()}${code.slice(1)}`;
      const fitting = holders.has(key) ? { [key]: value } : { valueString: 'x' };
      return [
        {
          path: `${path}.${property.element.name}`,
          name: property.element.name,
          repeats: property.element.repeats === true,
          value: code === 'Resource' ? { resource: value } : fitting,
        },
      ];
    }),
  );
}

function languageOf(type: string): Member {
  return { path: `${type}.language`, name: 'language', repeats: false, value: { valueCode: 'de' } };
}

const pick = <T>(list: readonly T[], at: number): T => list[at % list.length] as T;

/** Replaces by what is there, adds what another resource of the type has, and sometimes what does not fit. */
const fhirpathPatches = patches(['add', 'insert', 'delete', 'replace', 'move'], (type, seed, steps) => {
  // A resource may have nothing but its type.
  const own = [...membersOf(resourceOf(type, seed)), languageOf(type)];
  const others = membersOf(resourceOf(type, seed + 1)).filter(({ path }) => path.split('.').length === 2);
  const lists = own.filter(({ repeats }) => repeats);
  const parameter = steps.map(({ op, at, from, odd, index }) => {
    const isOther = op === 'add' || (op === 'insert' && lists.length === 0);
    const isOwn = op === 'replace' || op === 'delete' || lists.length === 0;
    const { path, name, repeats, value } = pick(
      isOther && others.length > 0 ? others : ([lists, own][Number(isOwn)] ?? own),
      at,
    );
    const whole = repeats && (op === 'replace' || op === 'delete') ? `${path}[0]` : path;
    const fitting = odd % 4 === 0 ? pick(parts, from) : value;
    return {
      name: 'operation',
      part: [
        { name: 'type', valueCode: odd === 40 ? 'become' : op },
        { name: 'path', valueString: oddPaths[odd] ?? (op === 'add' ? type : whole) },
        ...(op === 'add' ? [{ name: 'name', valueString: name }] : []),
        ...(op === 'insert' ? [{ name: 'index', valueInteger: index % 2 }] : []),
        ...(op === 'move'
          ? [
              { name: 'source', valueInteger: 0 },
              { name: 'destination', valueInteger: from % 2 },
            ]
          : []),
        ...(op === 'delete' || op === 'move' ? [] : [{ name: 'value', ...fitting }]),
      ],
    };
  });
  return { resourceType: 'Parameters', parameter };
});

export const patchesOf: Readonly<Record<PatchKind, fc.Arbitrary<PatchInput>>> = {
  'json-patch': jsonPatches,
  'merge-patch': mergePatches,
  'fhirpath-patch': fhirpathPatches,
};
