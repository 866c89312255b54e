// Searches by the grammar, of every type, kind, modifier, prefix, chain and result parameter: https://hl7.org/fhir/R4/search.html

import fc from 'fast-check';
import { type IndexedParameter, indexedParameters } from '../../../src/search/search-parameters.ts';
import { anyType, definitions } from './resources.ts';

export interface Search {
  readonly type: string;
  readonly pairs: readonly (readonly [name: string, value: string])[];
}

/** In no statement's text may this ever stand. */
export const marker = 'zq7x';

const hostile = [
  ...[
    `' OR 1=1--${marker}`,
    '$1',
    '\\',
    '%',
    '_',
    '%_%_%',
    '\u0000',
    '__proto__',
    'constructor',
    '|',
    '||',
    ',',
    '$',
    '..',
  ],
  ...[
    '\ud800',
    '\r\nX: y',
    `${marker}`,
    ' ',
    '*',
    '""',
    '((',
    '9'.repeat(400),
    'e'.repeat(3_000),
    '-0',
    'NaN',
    '1e400',
    '\\,',
    '\\|',
  ],
];
const dates = ['2026', '2026-02', '2024-02-29', '2026-11-20', '2026-11-20T10:30:00+14:00', '2026-11-20T10:30:00.123Z'];
const badDates = ['2026-02-30', '0000', '2026-11-20T24:00Z', '2026-11-20T10:30:00.123456789Z', '10:30', '9999-12-31'];
const prefixes = ['', 'eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'];
const numbers = ['0', '1', '-1.50', '1e3', '100.00', '9007199254740993'];
const badNumbers = ['1e-400', '.5', '+1', '5.4e-9999', '0x1', '--1'];
const tokens = ['final', 'http://loinc.org|29463-7', '|x', 'http://loinc.org|', 'true', 'urn:oid:1.2|3'];
const badTokens = ['MRN|a|b', '|', 'a|b|c|d', '|||'];
const references = ['Patient/1', '1', 'https://other.example/fhir/Patient/9', 'Patient/1/_history/2', 'urn:uuid:1'];
const badReferences = ['#a', 'Patient/../1', 'Patient/x y', '/', 'Nothing/1'];
const words = ['smith', 'żół ki', 'straße', '李', 'a and b', '"a b"', 'Ὀδυσσεύς', 'x', 'not x or y'];
const uris = ['http://example.org/x', 'urn:x:y', 'http://example.org/x|1.0', 'http://example.org/'];
const places = ['46.2|8.1|10|km', '90|180', '1.5|2.5|60|[mi_i]'];
const badPlaces = ['-91|0', 'a|b', '1|1|-5|m', '1|1|5|parsec', '|'];
const quantities = ['5.4|http://unitsofmeasure.org|mg', '5.4||mg', '5.4', '5|http://unitsofmeasure.org|[in_i]'];
const badQuantities = ['1|x|mg/', 'ge', '|x|y', '1|2|3|4'];

interface Kind {
  readonly values: readonly string[];
  /** By themselves no values. */
  readonly odd?: readonly string[];
  readonly modifiers?: readonly string[];
  readonly hasPrefix?: true;
}

const kinds: Readonly<Record<IndexedParameter['kind'], Kind>> = {
  id: { values: ['1', 'a.b-c', 'a,b'], odd: ['x'.repeat(65), 'a b'] },
  lastUpdated: { values: dates, odd: badDates, hasPrefix: true },
  date: { values: dates, odd: badDates, hasPrefix: true },
  identifyingDate: { values: dates, odd: badDates, hasPrefix: true },
  number: { values: numbers, odd: badNumbers, hasPrefix: true },
  quantity: { values: quantities, odd: badQuantities, hasPrefix: true },
  string: { values: words, modifiers: ['exact', 'contains', 'text'] },
  text: { values: words },
  content: { values: words },
  token: { values: tokens, odd: badTokens, modifiers: ['not', 'text', 'in', 'not-in', 'above', 'below', 'of-type'] },
  uri: { values: uris, modifiers: ['above', 'below', 'contains'] },
  reference: {
    values: references,
    odd: badReferences,
    modifiers: ['identifier', 'Patient', 'above', 'text', 'Nothing'],
  },
  composite: { values: ['http://loinc.org|29463-7$5', 'a$b'], odd: ['a', 'a$b$c', '$', 'a$gt5'] },
  near: { values: places, odd: badPlaces },
};

const parametersOf = (type: string) => [...indexedParameters(definitions, type).values()];

interface Choices {
  readonly parameter: number;
  readonly value: number;
  readonly modifier: number;
  readonly prefix: number;
  /** 0 = a value of the parameter's kind. */
  readonly oddity: number;
  readonly missing: number;
}

const choices: fc.Arbitrary<Choices> = fc.record({
  parameter: fc.nat(),
  value: fc.nat(),
  modifier: fc.nat(20),
  prefix: fc.nat(20),
  oddity: fc.nat(11),
  missing: fc.nat(14),
});

const pick = <T>(list: readonly T[], at: number): T => list[at % list.length] as T;

function criterion(type: string, chosen: Choices): readonly [string, string] {
  const parameter = pick(parametersOf(type), chosen.parameter);
  const { values, odd = [], modifiers = [], hasPrefix } = kinds[parameter.kind];
  if (chosen.missing === 0) return [`${parameter.code}:missing`, pick(['true', 'false', 'x'], chosen.value)];
  const modifier = chosen.modifier < modifiers.length ? `:${modifiers[chosen.modifier]}` : '';
  const value = chosen.oddity === 0 ? pick([...odd, ...hostile], chosen.value) : pick(values, chosen.value);
  return [parameter.code + modifier, (hasPrefix ? (prefixes[chosen.prefix] ?? '') : '') + value];
}

/** Over links to other types: `subject:Patient.name` and `_has:Observation:subject:code`. */
function linked(
  type: string,
  links: readonly { parameter: number; type: number; isReverse: boolean }[],
  last: Choices,
) {
  let [name, at] = ['', type];
  for (const link of links) {
    const from = link.isReverse ? pick([...definitions.resourceTypes], link.type) : at;
    const references = parametersOf(from).filter(({ kind }) => kind === 'reference');
    const parameter = references.length > 0 ? pick(references, link.parameter) : undefined;
    if (!parameter) break;
    if (link.isReverse) name += `_has:${from}:${parameter.code}:`;
    else name += `${parameter.code}:${pick(parameter.targets ?? ['Patient'], link.type)}.`;
    at = link.isReverse ? from : pick(parameter.targets ?? ['Patient'], link.type);
    if (!definitions.resourceTypes.has(at)) break;
  }
  const [code, value] = criterion(definitions.resourceTypes.has(at) ? at : type, last);
  return [name + code, value] as const;
}

const resultPairs: fc.Arbitrary<readonly [string, string]> = fc.tuple(
  fc.constantFrom(
    '_count',
    '_sort',
    '_include',
    '_revinclude',
    '_include:iterate',
    '_total',
    '_summary',
    '_elements',
    '_cursor',
    '_format',
    '_list',
    '_type',
    '_contained',
  ),
  fc.constantFrom(
    ...[
      '0',
      '1',
      '-1',
      '2147483648',
      'NaN',
      'name',
      '-_lastUpdated,_id',
      'id);drop table',
      '-(select 1)',
      'Patient:organization',
    ],
    ...[
      '*',
      'Observation:subject:Patient',
      'Patient:x";--',
      'accurate',
      'none',
      'count',
      'true',
      'id,name',
      'a"b',
      'x',
      marker,
    ],
  ),
);

const filters = fc
  .array(
    fc.constantFrom(
      ...[
        'name',
        'birthdate',
        'status',
        'identifier',
        '_id',
        'subject',
        'eq',
        'ne',
        'co',
        'sw',
        'gt',
        'ge',
        'pr',
        'in',
        'and',
        'or',
        'not',
      ],
      ...[
        '(',
        ')',
        '"smith"',
        `"${marker}"`,
        'true',
        '2026',
        '5',
        '"',
        '.',
        '[',
        ']',
        'http://loinc.org|1',
        'Patient/1',
      ],
    ),
    { maxLength: 12 },
  )
  .map((all) => all.join(' '));

const anything: fc.Arbitrary<readonly [string, string]> = fc.tuple(
  fc.oneof(
    fc.constantFrom(...hostile, 'name[a]', 'code[$ne]', 'name:exact:exact', ':', '.', '_has:::', 'a.b.c.d.e.f.g'),
    fc.string(),
  ),
  fc.oneof(fc.constantFrom(...hostile), fc.string(), fc.string({ unit: 'binary' })),
);

/** A search that mostly can be read, as it comes in a URL. */
export const searches: fc.Arbitrary<Search> = anyType.chain((type) => {
  const link = fc.record({ parameter: fc.nat(), type: fc.nat(), isReverse: fc.boolean() });
  const pair = fc.oneof(
    { arbitrary: choices.map((chosen) => criterion(type, chosen)), weight: 14 },
    {
      arbitrary: fc
        .tuple(fc.array(link, { minLength: 1, maxLength: 6 }), choices)
        .map(([links, last]) => linked(type, links, last)),
      weight: 2,
    },
    { arbitrary: resultPairs, weight: 2 },
    { arbitrary: filters.map((filter) => ['_filter', filter] as const), weight: 1 },
    { arbitrary: anything, weight: 1 },
  );
  return fc.array(pair, { minLength: 1, maxLength: 3 }).map((pairs) => ({ type, pairs }));
});

export function queryOf({ pairs }: Search): string {
  return new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, value])).toString();
}
