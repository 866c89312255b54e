// Every shape of search on the resources of plan-clinic.ts, with values that match none, one, one in a hundred and all.

import type { PagePlace } from '../../src/search/compile/sort.ts';
import { sliceOf } from '../../src/search/slices.ts';
import { type Counts, idOf, type Kind, observedAt, share, storedAt } from './plan-clinic.ts';

export type Group = 'none' | 'one' | 'some' | 'all';

export interface Shape {
  readonly title: string;
  readonly type: Kind;
  readonly queries: Readonly<Partial<Record<Group, string>>>;
  readonly place?: PagePlace;
  /** What the group `some` may read where that is more than others may. */
  readonly someMax?: number;
}

/** No index has what one in a hundred have in an order that was asked for other than by date, so that a page costs a hundred rows for each of its own. */
const walked = 2_200;
/** And as many as are counted for the total, for a sample does not tell how many were updated when. */
const walkedAndCounted = walked + 1_000;
/** The order of a code is not in the row: each has an entry of that order as well. */
const walkedTwice = 2 * walked;
/** A name is only known by the resource: a thousand entries of the index, their rows, and, to be sorted, their bodies. */
const sorted = 3_000;
/** What is counted exactly is read, each as an entry of the index and as a row. */
const counted = 10_200;
/** Towards the end of a list nearly all that leads to a match leads to one of a page before: the 5,000 are gone through, with their links. */
const ledBefore = 19_000;

const shape = (
  title: string,
  type: Kind,
  queries: Shape['queries'],
  more: Pick<Shape, 'place' | 'someMax'> = {},
): Shape => ({ title, type, queries, ...more });

/** The same, of each group's query with something more. */
const groups = (queries: Shape['queries'], addition: string): Shape['queries'] =>
  Object.fromEntries(Object.entries(queries).map(([group, query]) => [group, `${query}${addition}`]));

const code = { none: 'code=none', one: 'code=once', some: 'code=g7', all: 'code=common' };
const service = { none: 'service-type=none', one: 'service-type=once', some: 'service-type=g7', all: 'status=booked' };
const ucum = 'http://unitsofmeasure.org|mg/dL';

const ofTokens: readonly Shape[] = [
  shape('a token', 'Observation', code),
  shape('a token with its system', 'Observation', {
    none: 'code=urn:code|none',
    one: 'code=urn:code|once',
    some: 'code=urn:code|g7',
    all: 'code=urn:code|common',
  }),
  shape('an identifier', 'Patient', { none: 'identifier=urn:mrn|none', one: 'identifier=urn:mrn|m7' }),
  shape('alternatives, as :in makes them', 'Observation', {
    none: 'code=none,nothing',
    one: 'code=once,none',
    some: 'code=g7,none',
    all: 'code=common,g7',
  }),
  shape('a common token beside', 'Observation', groups(code, '&status=final')),
  shape('common tokens that never meet', 'Patient', { none: 'gender=male&gender=female&active=true' }),
  shape(':not', 'Observation', { none: 'code:not=common', some: 'code=g7&status:not=registered', all: 'code:not=g7' }),
  shape(':missing of a date', 'Observation', {
    none: 'value-date:missing=false',
    some: 'date:missing=true',
    all: 'date:missing=false',
  }),
  shape(':missing of a token', 'Observation', { none: 'code:missing=true', all: 'code:missing=false' }),
  shape('a string', 'Patient', { none: 'name=nobody', one: 'name=wolkenst', some: 'name=rumpelst', all: 'name=mus' }),
  shape('a string :exact', 'Patient', {
    none: 'given:exact=Nobody',
    one: 'family:exact=Wolkenstein',
    some: 'given:exact=Rumpelstilz',
    all: 'given:exact=Muster',
  }),
  shape('a string :contains', 'Patient', {
    none: 'name:contains=zyzzy',
    one: 'family:contains=olkenst',
    some: 'given:contains=mpelst',
    all: 'name:contains=uste',
  }),
  shape('several words', 'Patient', {
    none: 'name=mus nobody',
    one: 'name=mus wolk',
    some: 'name=mus rumpel',
    all: 'name=mus muster',
  }),
  shape('a reference', 'Observation', {
    none: 'subject=Patient/nobody',
    one: 'based-on=ServiceRequest/s1',
    some: 'performer=Practitioner/p0000007',
    all: 'performer=Practitioner/p0000100',
  }),
  shape('a uri :below', 'ValueSet', {
    none: 'url:below=http://acme.org/none',
    one: 'url:below=http://acme.org/g7/v7',
    some: 'url:below=http://acme.org/g7',
    all: 'url:below=http://acme.org',
  }),
  shape('a uri :above', 'ValueSet', {
    none: 'url:above=http://acme.org/g7/none/x',
    one: 'url:above=http://acme.org/g7/v7/x',
  }),
  shape('_text', 'Patient', { none: '_text=zyzzy', one: '_text=w7', some: '_text=g7', all: '_text=narrative' }),
  shape('near', 'Location', {
    none: 'near=-50|-50|10|km',
    one: 'near=60|60|10|km',
    some: 'near=10|10|10|km',
    all: 'near=47|8|10|km',
  }),
  shape('a compartment', 'Observation', {
    none: 'patient=Patient/nobody&code=common',
    one: 'patient=Patient/p0000007&code=once',
  }),
];

function ofStretches({ Observation: count }: Counts): readonly Shape[] {
  const [early, late, last] = [Math.ceil(count / share), Math.floor((count * (share - 1)) / share), count - 1];
  const at = (n: number) => observedAt(n).slice(0, 16);
  const shapes: readonly [title: string, queries: Shape['queries']][] = [
    ['a date', { none: 'date=1999-01-01', one: `date=${at(7)}`, some: 'date=2020-01', all: 'date=ge2020-01-01' }],
    ['gt', { none: 'date=gt2199', one: `date=gt${at(last - 1)}`, some: `date=gt${at(late)}`, all: 'date=gt2019' }],
    ['ge', { none: 'date=ge2199', one: `date=ge${at(last)}`, some: `date=ge${at(late)}`, all: 'date=ge2019' }],
    ['sa', { none: 'date=sa2199', one: `date=sa${at(last - 1)}`, some: `date=sa${at(late)}`, all: 'date=sa2019' }],
    ['lt', { none: 'date=lt2019', one: `date=lt${at(1)}`, some: `date=lt${at(early)}`, all: 'date=lt2199' }],
    ['le', { none: 'date=le2019', one: `date=le${at(0)}`, some: `date=le${at(early)}`, all: 'date=le2199' }],
    ['eb', { none: 'date=eb2019', one: `date=eb${at(1)}`, some: `date=eb${at(early)}`, all: 'date=eb2199' }],
    ['ne', { all: `date=ne${at(7)}` }],
    ['ap', { none: 'date=ap1800-01-01', all: 'date=ap2020-06' }],
    [
      'ge and lt',
      {
        none: 'date=ge2199-01&date=lt2199-02',
        one: `date=ge${at(7)}&date=lt${at(8)}`,
        some: `date=ge${at(count / 2)}&date=lt${at(count / 2 + early)}`,
        all: 'date=ge2019&date=lt2199',
      },
    ],
  ];
  const byId = { none: 'date=gt2199', one: `date=lt${at(1)}`, some: `date=lt${at(early)}`, all: 'date=gt2019' };
  return [
    // What was over within a day before is passed by.
    ...shapes.map(([title, queries]) => shape(`date ${title}`, 'Observation', queries)),
    shape('a date, by id', 'Observation', groups(byId, '&_sort=_id')),
    shape('a token and a date', 'Observation', groups(code, '&date=2020-01')),
    shape('a token and an open span', 'Observation', groups(code, '&date=ge2020-01-01')),
    shape('a rare token and a span of none', 'Observation', { none: 'code=none&date=ge2199' }),
    shape('a token of some and a span of none', 'Observation', { none: 'code=g7&date=ge2199' }),
    shape('a common token and a span of none', 'Observation', { none: 'code=common&date=ge2199' }),
    shape('a common token and a span of none, by id', 'Observation', { none: 'code=common&date=ge2199&_sort=_id' }),
    shape('a birth date', 'Patient', {
      none: 'birthdate=1900-01-01',
      some: 'birthdate=1940-01',
      all: 'birthdate=ge1930-01-01',
    }),
    shape('the last update', 'Observation', {
      none: '_lastUpdated=gt2199',
      one: '_lastUpdated=2024-01-01T00:07:00Z',
      some: '_lastUpdated=lt2024-01-04T12:00',
      all: '_lastUpdated=ge2024-01-01',
    }),
    shape('a token and the last update', 'Observation', groups(code, '&_lastUpdated=ge2024-01-01'), {
      someMax: walkedAndCounted,
    }),
    shape('a number', 'RiskAssessment', {
      none: 'probability=gt0.9',
      one: 'probability=0.000007',
      some: 'probability=lt0.0002',
      all: 'probability=ge0',
    }),
    shape('a quantity', 'Observation', {
      none: `value-quantity=gt1e9|${ucum}`,
      one: `value-quantity=eq7.0|${ucum}`,
      some: `value-quantity=lt${early}|${ucum}`,
      all: `value-quantity=ge0|${ucum}`,
    }),
    shape('a quantity without unit', 'Observation', {
      none: 'value-quantity=gt1e9',
      some: `value-quantity=gt${late}`,
      all: 'value-quantity=ge0',
    }),
    shape('the highest of a quantity', 'Observation', { some: `value-quantity=gt${late}|${ucum}` }),
    shape('a token and a quantity', 'Observation', groups(code, '&value-quantity=ge0')),
    shape('a token and a quantity of none', 'Observation', {
      none: 'code=common&value-quantity=gt1e9',
    }),
    shape('a composite', 'Observation', {
      none: 'code-value-quantity=none$gt0',
      one: 'code-value-quantity=urn:code|once$lt100',
      some: 'code-value-quantity=urn:code|g7$ge0',
      all: 'code-value-quantity=urn:code|common$ge0',
    }),
  ];
}

const ofLinks: readonly Shape[] = [
  shape('a chain', 'Observation', {
    none: 'patient.identifier=urn:mrn|none',
    one: 'patient.identifier=urn:mrn|m7',
    some: 'patient.organization=Organization/o0000007',
    all: 'patient.active=true',
  }),
  shape('a chain of two', 'Observation', {
    none: 'patient.organization.identifier=none',
    some: 'patient.organization.identifier=org7',
    all: 'patient.organization.active=true',
  }),
  shape('a chain beside a token', 'Observation', groups(code, '&patient.active=true')),
  shape('a rare chain beside a common token', 'Observation', {
    none: 'status=final&patient.identifier=urn:mrn|none',
    one: 'status=final&patient.identifier=urn:mrn|m7',
  }),
  shape('a rare token beside a chain of some', 'Observation', {
    none: 'code=none&patient.organization=Organization/o0000007',
    one: 'code=once&patient.organization=Organization/o0000007',
  }),
  shape('_has', 'Patient', {
    none: '_has:Observation:patient:code=none',
    one: '_has:Observation:patient:code=once',
    some: '_has:Observation:patient:code=g7',
    all: '_has:Observation:patient:status=final',
  }),
  shape('_filter', 'Patient', {
    none: '_filter=identifier eq urn:mrn|none or family eq nobody',
    one: '_filter=identifier eq urn:mrn|m7 and active eq true',
    some: '_filter=general-practitioner eq Practitioner/p0000007 and active eq true',
    all: '_filter=active eq true or gender eq male',
  }),
  shape('_list', 'Patient', { none: '_list=l0000000', one: '_list=l0000001', some: '_list=l0000002' }),
];

function ofResults({ Observation: count }: Counts): readonly Shape[] {
  const half = Math.floor(count / 2);
  const position = (...keys: string[]) => ({ id: idOf('Observation', half), keys });
  const place = (isBackward: boolean, ...keys: string[]): Pick<Shape, 'place'> => ({
    place: { isBackward, position: position(...keys) },
  });
  /** As the cursors of a list say that began so. */
  const sliced = (isBackward: boolean): Pick<Shape, 'place'> => ({
    place: { isBackward, isSliced: true, position: position(sliceOf(idOf('Observation', half))) },
  });
  const [dated, stored] = [observedAt(half), storedAt(half).toISOString()];
  return [
    shape('all of a type', 'Observation', { all: '' }),
    shape('by id, down', 'Observation', groups(code, '&_sort=-_id'), { someMax: walked }),
    shape('by last update', 'Observation', groups(code, '&_sort=-_lastUpdated'), { someMax: walked }),
    shape('by date', 'Observation', groups(code, '&_sort=date')),
    shape('by date, down', 'Appointment', groups(service, '&_sort=-date')),
    shape('by quantity', 'Observation', groups(code, '&_sort=value-quantity')),
    shape('by a code', 'Appointment', groups(service, '&_sort=status'), { someMax: walkedTwice }),
    shape('by two keys', 'Observation', groups(code, '&_sort=date,-_lastUpdated')),
    shape(
      'by a name',
      'Patient',
      {
        one: 'identifier=urn:mrn|m7&_sort=family',
        some: 'name=rumpelst&_sort=family',
        all: 'active=true&_sort=family',
      },
      { someMax: sorted },
    ),
    shape('deep, slice by slice', 'Observation', { some: code.some }, sliced(false)),
    shape('deep and back, slice by slice', 'Observation', { some: code.some }, sliced(true)),
    shape(
      'the last page, slice by slice',
      'Observation',
      { some: code.some },
      { place: { isBackward: true, isSliced: true } },
    ),
    shape(
      'the last page of _has',
      'Patient',
      { some: '_has:Observation:patient:code=g7' },
      { place: { isBackward: true, isSliced: true }, someMax: ledBefore },
    ),
    shape(
      'the last page',
      'Observation',
      { none: code.none, one: code.one, all: code.all },
      { place: { isBackward: true } },
    ),
    shape('deep, by id', 'Observation', groups(code, '&_sort=_id'), { ...place(false), someMax: walked }),
    shape('deep and back, by id', 'Observation', groups(code, '&_sort=_id'), { ...place(true), someMax: walked }),
    shape('deep, by last update', 'Observation', groups(code, '&_sort=_lastUpdated'), {
      ...place(false, stored),
      someMax: walked,
    }),
    shape('deep, by date', 'Observation', groups(code, '&_sort=date'), place(false, dated)),
    shape('deep and back, by date', 'Observation', groups(code, '&_sort=date'), place(true, dated)),
    shape('_include', 'Appointment', groups(service, '&_include=Appointment:patient')),
    shape('_include of everything', 'Observation', groups(code, '&_include=*')),
    shape('_revinclude', 'Patient', {
      one: 'identifier=urn:mrn|m7&_revinclude=Observation:patient',
      some: 'name=rumpelst&_revinclude=Observation:patient',
      all: 'active=true&_revinclude=Observation:patient',
    }),
    shape('_total=none', 'Observation', groups(code, '&_total=none')),
    shape('_total=accurate of bound codes', 'Appointment', {
      none: 'status=noshow&_total=accurate',
      some: 'status=proposed&_total=accurate',
      all: 'status=booked&_total=accurate',
    }),
    shape('_summary=count of bound codes', 'Observation', {
      none: 'status=amended&_summary=count',
      all: 'status=final&_summary=count',
    }),
    shape('a long page', 'Observation', groups(code, '&_count=200')),
    shape('_summary=count of all', 'Observation', { all: '_summary=count' }),
    shape(
      '_summary=count',
      'Observation',
      { none: 'code=none&_summary=count', some: 'code=g7&_summary=count' },
      {
        someMax: counted,
      },
    ),
    shape(
      '_total=accurate',
      'Observation',
      { none: 'code=none&_total=accurate', some: 'code=g7&_total=accurate' },
      {
        someMax: counted,
      },
    ),
  ];
}

export function shapesOf(counts: Counts): readonly Shape[] {
  return [...ofTokens, ...ofStretches(counts), ...ofLinks, ...ofResults(counts)];
}
