// Random Observations and searches for them, and a plain reading of the search specification that decides what each must find.

import type { Coding, Observation } from '@medplum/fhirtypes';
import fc from 'fast-check';

export type Stored = Observation & { readonly id: string };

const systems = [undefined, 'http://loinc.org', 'urn:x', 'urn:x|y'] as const;
const codes = ['a', 'A', 'b', 'a|b', 'x,y', '1\\2'] as const;
const statuses = ['final', 'amended', 'preliminary'] as const;
const subjects = [
  'Patient/m1',
  'Patient/m2',
  'Group/m1',
  'Patient/m1/_history/2',
  'https://other.example/fhir/Patient/m1',
];
const moments = [
  '2019',
  '2020-02',
  '2020-02-29',
  '2020-02-29T23:30:00-05:00',
  '2020-03-01T04:30:00Z',
  '2020-03-01T04:30:00.001Z',
  '2020-12-31T23:59:59.999Z',
  '2021-01-01',
] as const;

const coding = fc
  .tuple(fc.constantFrom(...systems), fc.constantFrom(...codes))
  .map(([system, code]): Coding => (system === undefined ? { code } : { system, code }));
const moment = fc.constantFrom(...moments);
const effective = fc.oneof(
  moment.map((effectiveDateTime) => ({ effectiveDateTime })),
  fc
    .tuple(fc.option(moment), fc.option(moment))
    .filter(([start, end]) => start !== null || end !== null)
    .filter(([start, end]) => start === null || end === null || spanOf(start).low <= spanOf(end).high)
    .map(([start, end]) => ({ effectivePeriod: { ...(start && { start }), ...(end && { end }) } })),
  fc.constant({}),
);

export const observations: fc.Arbitrary<Observation> = fc
  .record({
    status: fc.constantFrom(...statuses),
    codings: fc.array(coding, { minLength: 1, maxLength: 3 }),
    subject: fc.option(fc.constantFrom(...subjects)),
    effective,
  })
  .map(({ status, codings, subject, effective: time }) => ({
    resourceType: 'Observation',
    status,
    code: { coding: codings },
    ...(subject === null ? {} : { subject: { reference: subject } }),
    ...time,
  }));

export interface Asked {
  /** `name=value` pairs, decoded. */
  readonly pairs: readonly (readonly [string, string])[];
  readonly matches: (observation: Stored) => boolean;
}

type Test = (observation: Stored) => boolean;

/** Values of one parameter are alternatives, parameters are conditions: https://hl7.org/fhir/R4/search.html#combining */
function parameter(value: fc.Arbitrary<readonly [string, Test]>, name: string): fc.Arbitrary<Asked> {
  return fc.array(value, { minLength: 1, maxLength: 2 }).map((values) => ({
    pairs: [[name, values.map(([text]) => text).join(',')]],
    matches: (observation) => values.some(([, test]) => test(observation)),
  }));
}

const escaped = (text: string) => text.replace(/[\\,|$]/g, '\\$&');
/** LOINC codes are case-insensitive, those of other systems not: https://hl7.org/fhir/R4/search.html#token */
const sameCode = ({ system, code = '' }: Coding, asked: string) =>
  system === 'http://loinc.org' ? code.toLowerCase() === asked.toLowerCase() : code === asked;

const codeValue = fc
  .tuple(fc.constantFrom(...systems, ''), fc.constantFrom(...codes), fc.boolean())
  .map(([system, code, systemOnly]): readonly [string, Test] => {
    const some =
      (test: (coding: Coding) => boolean): Test =>
      ({ code: concept }) =>
        (concept.coding ?? []).some(test);
    if (systemOnly && system) return [`${escaped(system)}|`, some((one) => one.system === system)];
    if (system === undefined) {
      // Without a system nobody knows whether case matters; the server also looks for the lower case of what was asked.
      return [escaped(code), some((one) => sameCode(one, code) || one.code === code.toLowerCase())];
    }
    const wanted = system === '' ? undefined : system;
    return [`${escaped(system)}|${escaped(code)}`, some((one) => one.system === wanted && sameCode(one, code))];
  });

const statusValue = fc
  .constantFrom(...statuses)
  .map((status): readonly [string, Test] => [status, (observation) => observation.status === status]);

const subjectValue = fc.constantFrom(...subjects, 'm1', 'Patient/none').map((text): readonly [string, Test] => [
  text,
  ({ subject }) => {
    const own = subject?.reference;
    if (own === undefined) return false;
    const unversioned = own.startsWith('http') ? own : own.split('/').slice(0, 2).join('/');
    return own === text || unversioned === text || (text === 'm1' && /^(Patient|Group)\/m1$/.test(unversioned));
  },
]);

interface Span {
  readonly low: number;
  readonly high: number;
}

/** From the first to the last millisecond a date stands for. */
export function spanOf(text: string): Span {
  const [year = 0, month, day] = text.slice(0, 10).split('-').map(Number);
  if (month === undefined) return { low: Date.UTC(year, 0), high: Date.UTC(year + 1, 0) - 1 };
  if (day === undefined) return { low: Date.UTC(year, month - 1), high: Date.UTC(year, month) - 1 };
  if (text.length === 10) return { low: Date.parse(text), high: Date.parse(text) + 86_399_999 };
  return { low: Date.parse(text), high: Date.parse(text) + (text.includes('.') ? 0 : 999) };
}

export function timeOf({ effectiveDateTime, effectivePeriod }: Observation): Span | undefined {
  if (effectiveDateTime) return spanOf(effectiveDateTime);
  if (!effectivePeriod) return undefined;
  const { start, end } = effectivePeriod;
  return {
    low: start ? spanOf(start).low : Number.NEGATIVE_INFINITY,
    high: end ? spanOf(end).high : Number.POSITIVE_INFINITY,
  };
}

/** https://hl7.org/fhir/R4/search.html#prefix, word by word. */
const prefixes: Readonly<Record<string, (own: Span, asked: Span) => boolean>> = {
  '': (own, asked) => contains(asked, own),
  eq: (own, asked) => contains(asked, own),
  ne: (own, asked) => !contains(asked, own),
  gt: (own, asked) => own.high > asked.high,
  lt: (own, asked) => own.low < asked.low,
  ge: (own, asked) => own.high > asked.high || contains(asked, own),
  le: (own, asked) => own.low < asked.low || contains(asked, own),
  sa: (own, asked) => own.low > asked.high,
  eb: (own, asked) => own.high < asked.low,
};

function contains(outer: Span, inner: Span): boolean {
  return outer.low <= inner.low && inner.high <= outer.high;
}

const dateValue = fc
  .tuple(fc.constantFrom(...Object.keys(prefixes)), fc.constantFrom(...moments, '2020', '2020-02-29T23:30-05:00'))
  .filter(([, text]) => !text.includes('T23:30-'))
  .map(([prefix, text]): readonly [string, Test] => [
    prefix + text,
    (observation) => {
      const own = timeOf(observation);
      return own !== undefined && (prefixes[prefix] as (own: Span, asked: Span) => boolean)(own, spanOf(text));
    },
  ]);

export const searches: fc.Arbitrary<Asked> = fc
  .array(
    fc.oneof(
      parameter(codeValue, 'code'),
      parameter(statusValue, 'status'),
      parameter(subjectValue, 'subject'),
      parameter(dateValue, 'date'),
    ),
    { minLength: 0, maxLength: 3 },
  )
  .map((asked) => ({
    pairs: asked.flatMap(({ pairs }) => pairs),
    matches: (observation) => asked.every(({ matches }) => matches(observation)),
  }));

/** What a sort key is worth; the direction of `date` chooses nothing, for each Observation has one time. */
const keys: Readonly<Record<string, (observation: Stored) => number | string>> = {
  _id: ({ id }) => id,
  _lastUpdated: ({ meta }) => Date.parse(meta?.lastUpdated ?? ''),
  date: (observation) => timeOf(observation)?.low ?? Number.NaN,
};

export const sorts = [
  '',
  '_id',
  '-_id',
  'date',
  '-date',
  '_lastUpdated',
  '-_lastUpdated',
  '-date,_id',
  'date,-_lastUpdated',
];

/** The first pair of neighbours that stands in the wrong order; what has no date comes last in either direction. */
export function misplaced(found: readonly Stored[], sort: string): readonly [Stored, Stored] | undefined {
  if (sort === '') return undefined;
  for (const [index, next] of found.slice(1).entries()) {
    const before = found[index] as Stored;
    if (compare(before, next, sort.split(',')) > 0) return [before, next];
  }
  return undefined;
}

function compare(a: Stored, b: Stored, rules: readonly string[]): number {
  for (const rule of rules) {
    const read = keys[rule.replace('-', '')] as (observation: Stored) => number | string;
    const [x, y] = [read(a), read(b)];
    if (Number.isNaN(x) && Number.isNaN(y)) continue;
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
    if (x !== y) return (x < y ? -1 : 1) * (rule.startsWith('-') ? -1 : 1);
  }
  return 0;
}
