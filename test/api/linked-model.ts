// A small clinic of resources that refer to each other, and random searches over the links, each with a plain predicate that
// says what it must find: nothing in here knows how searches are made: https://hl7.org/fhir/R4/search.html#chaining

import fc from 'fast-check';

export interface Stored {
  readonly resourceType: string;
  readonly id: string;
  readonly gender?: string;
  readonly birthDate?: string;
  readonly name?: string | readonly { readonly family: string }[];
  readonly status?: string;
  readonly code?: { readonly coding: readonly { readonly code: string }[] };
  readonly effectiveDateTime?: string;
  readonly managingOrganization?: Link;
  readonly partOf?: Link;
  readonly subject?: Link;
  readonly encounter?: Link;
  readonly serviceProvider?: Link;
  readonly entry?: readonly { readonly item: Link }[];
}

interface Link {
  readonly reference: string;
}

/** Of two families one has a name longer than any prefix the index holds. */
const families = ['Bartholomew-Fitz', 'Bartholomewsen', 'Anders', 'Bauer', 'Baumann'];
const organizations = 6;
const patients = 30;
const encounters = 25;
const observations = 90;
const lists = 4;

const link = (type: string, id: string): Link => ({ reference: `${type}/${id}` });
const one = <T>(items: readonly T[], index: number): T => items[index % items.length] as T;

/** The same each time; numbers that share no factor spread the values. */
export function linkedResources(): Stored[] {
  return [
    ...Array.from({ length: organizations }, (_, n) => organization(n)),
    ...Array.from({ length: patients }, (_, n) => patient(n)),
    ...Array.from({ length: encounters }, (_, n) => encounter(n)),
    ...Array.from({ length: observations }, (_, n) => observation(n)),
    ...Array.from({ length: lists }, (_, n) => list(n)),
  ];
}

function organization(n: number): Stored {
  const parent = n > 1 ? { partOf: link('Organization', `o${Math.floor(n / 2)}`) } : {};
  return {
    resourceType: 'Organization',
    id: `o${n}`,
    name: one(['Spital Nord', 'Spital Sued', 'Praxis'], n),
    ...parent,
  };
}

function patient(n: number): Stored {
  return {
    resourceType: 'Patient',
    id: `p${n}`,
    name: [{ family: one(families, n * 3) }],
    ...(n % 4 > 0 && { gender: one(['male', 'female'], n) }),
    ...(n % 5 > 0 && { birthDate: `${1950 + n}-05-0${1 + (n % 9)}` }),
    ...(n % 3 > 0 && { managingOrganization: link('Organization', `o${(n * 7) % organizations}`) }),
  };
}

function encounter(n: number): Stored {
  return {
    resourceType: 'Encounter',
    id: `e${n}`,
    status: one(['planned', 'finished', 'cancelled'], n),
    class: { code: 'AMB' },
    subject: link('Patient', `p${(n * 11) % patients}`),
    ...(n % 2 > 0 && { serviceProvider: link('Organization', `o${n % organizations}`) }),
  } as Stored;
}

function observation(n: number): Stored {
  return {
    resourceType: 'Observation',
    id: `b${n}`,
    status: one(['final', 'preliminary', 'amended'], n),
    code: { coding: [{ code: one(['pulse', 'weight', 'height', 'mood'], n * 3) }] },
    ...(n % 7 > 0 && { subject: n % 13 === 0 ? link('Group', 'g') : link('Patient', `p${(n * 17) % patients}`) }),
    ...(n % 3 > 0 && { encounter: link('Encounter', `e${(n * 5) % encounters}`) }),
    ...(n % 2 > 0 && { effectiveDateTime: `2026-0${1 + (n % 9)}-15` }),
  };
}

function list(n: number): Stored {
  const entry = Array.from({ length: n * 4 }, (_, index) => ({
    item: link('Patient', `p${(index * 7 + n) % patients}`),
  }));
  return { resourceType: 'List', id: `l${n}`, status: 'current', mode: 'working', ...(n > 0 && { entry }) } as Stored;
}

export type Store = ReadonlyMap<string, Stored>;
type Matches = (resource: Stored, store: Store) => boolean;

export interface Asked {
  readonly name: string;
  readonly value: string;
  readonly matches: Matches;
}

const fold = (text: string) => text.toLowerCase().replaceAll(/[^a-z]+/g, ' ');

function startsWith(text: string, value: string): boolean {
  const words = fold(text).split(' ');
  return fold(value)
    .split(' ')
    .every((wanted) => words.some((word) => word.startsWith(wanted)));
}

const textsOf = ({ name }: Stored): string[] => {
  if (name === undefined) return [];
  return typeof name === 'string' ? [name] : name.map(({ family }) => family);
};

function byText(name: string, values: readonly string[]): Asked[] {
  return values.map((value) => ({
    name,
    value,
    matches: (resource) => textsOf(resource).some((text) => startsWith(text, value)),
  }));
}

function byCode(name: string, values: readonly string[], read: (resource: Stored) => readonly string[]): Asked[] {
  return values.flatMap((value): Asked[] => {
    const has: Matches = (resource) => value.split(',').some((each) => read(resource).includes(each));
    return [
      { name, value, matches: has },
      { name: `${name}:not`, value, matches: (resource, store) => !has(resource, store) },
    ];
  });
}

function byPresence(name: string, read: (resource: Stored) => unknown): Asked[] {
  return [
    { name: `${name}:missing`, value: 'true', matches: (resource) => read(resource) === undefined },
    { name: `${name}:missing`, value: 'false', matches: (resource) => read(resource) !== undefined },
  ];
}

const statusOf = ({ status }: Stored) => (status === undefined ? [] : [status]);

const leaves: Readonly<Record<string, readonly Asked[]>> = {
  Organization: [
    ...byText('name', ['spital', 'sued', 'praxis nord', 'spital s']),
    ...byPresence('partof', ({ partOf }) => partOf),
  ],
  Patient: [
    ...byText('family', ['bartholomewf', 'bartholomews', 'bau', 'anders', 'x']),
    ...byCode('gender', ['male', 'female', 'male,female', 'other'], ({ gender }) => (gender ? [gender] : [])),
    ...byPresence('gender', ({ gender }) => gender),
    ...byPresence('organization', ({ managingOrganization }) => managingOrganization),
    ...byPresence('birthdate', ({ birthDate }) => birthDate),
    ...['1965', '1970'].map(
      (year): Asked => ({
        name: 'birthdate',
        value: `ge${year}`,
        matches: ({ birthDate }) => birthDate !== undefined && birthDate >= year,
      }),
    ),
    { name: '_id', value: 'p3,p4,p5,p17', matches: ({ id }) => ['p3', 'p4', 'p5', 'p17'].includes(id) },
  ],
  Encounter: [...byCode('status', ['planned', 'finished', 'finished,planned', 'unknown'], statusOf)],
  Observation: [
    ...byCode('status', ['final', 'amended', 'registered'], statusOf),
    ...byCode('code', ['pulse', 'weight,mood', 'nothing'], ({ code }) =>
      (code?.coding ?? []).map((coding) => coding.code),
    ),
    ...byPresence('date', ({ effectiveDateTime }) => effectiveDateTime),
    ...byPresence('subject', ({ subject }) => subject),
    {
      name: 'date',
      value: 'ge2026-04',
      matches: ({ effectiveDateTime }) => effectiveDateTime !== undefined && effectiveDateTime >= '2026-04',
    },
  ],
  List: [...byCode('status', ['current', 'retired'], statusOf)],
};

interface LinkParameter {
  readonly code: string;
  readonly source: string;
  readonly target: string;
  readonly read: (resource: Stored) => readonly (Link | undefined)[];
  /** True where a chain need not name the type. */
  readonly isOfOneType?: boolean;
}

const links: readonly LinkParameter[] = [
  { code: 'partof', source: 'Organization', target: 'Organization', read: (r) => [r.partOf], isOfOneType: true },
  {
    code: 'organization',
    source: 'Patient',
    target: 'Organization',
    read: (r) => [r.managingOrganization],
    isOfOneType: true,
  },
  { code: 'patient', source: 'Encounter', target: 'Patient', read: (r) => [r.subject], isOfOneType: true },
  {
    code: 'service-provider',
    source: 'Encounter',
    target: 'Organization',
    read: (r) => [r.serviceProvider],
    isOfOneType: true,
  },
  { code: 'subject', source: 'Observation', target: 'Patient', read: (r) => [r.subject] },
  { code: 'patient', source: 'Observation', target: 'Patient', read: (r) => [r.subject], isOfOneType: true },
  { code: 'encounter', source: 'Observation', target: 'Encounter', read: (r) => [r.encounter] },
  { code: 'item', source: 'List', target: 'Patient', read: (r) => (r.entry ?? []).map(({ item }) => item) },
];

const leadsTo = (parameter: LinkParameter, source: Stored, target: Stored) =>
  parameter.read(source).some((found) => found?.reference === `${target.resourceType}/${target.id}`);

function chained(parameter: LinkParameter, inner: Asked, isNamed: boolean): Asked {
  const { code, target } = parameter;
  return {
    name: `${code}${isNamed || !parameter.isOfOneType ? `:${target}` : ''}.${inner.name}`,
    value: inner.value,
    matches: (resource, store) =>
      [...store.values()].some(
        (other) => other.resourceType === target && leadsTo(parameter, resource, other) && inner.matches(other, store),
      ),
  };
}

function reversed(parameter: LinkParameter, inner: Asked): Asked {
  const { code, source } = parameter;
  return {
    name: `_has:${source}:${code}:${inner.name}`,
    value: inner.value,
    matches: (resource, store) =>
      [...store.values()].some(
        (other) => other.resourceType === source && leadsTo(parameter, other, resource) && inner.matches(other, store),
      ),
  };
}

/** Criteria on a type, with at most so many links. */
export function criteria(type: string, depth: number): fc.Arbitrary<Asked> {
  const own = fc.constantFrom(...(leaves[type] as readonly Asked[]));
  if (depth === 0) return own;
  const forward = links
    .filter(({ source }) => source === type)
    .map((parameter) =>
      fc
        .tuple(criteria(parameter.target, depth - 1), fc.boolean())
        .map(([inner, isNamed]) => chained(parameter, inner, isNamed)),
    );
  const backward = links
    .filter(({ target }) => target === type)
    .map((parameter) => criteria(parameter.source, depth - 1).map((inner) => reversed(parameter, inner)));
  return fc.oneof(own, ...forward, ...backward, ...listed(type));
}

function listed(type: string): fc.Arbitrary<Asked>[] {
  if (type !== 'Patient') return [];
  const isIn =
    (ids: readonly string[]): Matches =>
    (resource, store) =>
      ids.some((id) => store.get(`List/${id}`)?.entry?.some(({ item }) => item.reference === `Patient/${resource.id}`));
  return [
    fc
      .uniqueArray(fc.constantFrom('l0', 'l1', 'l2', 'l3', 'none'), { minLength: 1, maxLength: 2 })
      .map((ids) => ({ name: '_list', value: ids.join(','), matches: isIn(ids) })),
  ];
}

interface Filter {
  readonly text: string;
  readonly matches: Matches;
}

/** Comparisons of `_filter` that mean what a criterion means. */
function comparison({ name, value, matches }: Asked): Filter | undefined {
  if (name.endsWith(':missing')) {
    return { text: `${name.slice(0, -':missing'.length)} pr ${value === 'true' ? 'false' : 'true'}`, matches };
  }
  const isText = /(?:^|[.:])(?:family|name)$/.test(name);
  if (/:not$|_list$/.test(name) || value.includes(',') || isText) return undefined;
  const operator = value.startsWith('ge') ? 'ge' : 'eq';
  return { text: `${name} ${operator} ${value.replace(/^ge/, '')}`, matches };
}

/** `_filter` with parentheses around everything, over criteria with at most one link. */
export function filters(type: string, depth: number): fc.Arbitrary<Filter> {
  const test = criteria(type, 1)
    .map(comparison)
    .filter((found) => found !== undefined);
  if (depth === 0) return test;
  const inner = filters(type, depth - 1);
  return fc.oneof(
    test,
    inner.map(({ text, matches }) => ({
      text: `not(${text})`,
      matches: (r: Stored, store: Store) => !matches(r, store),
    })),
    fc.tuple(fc.constantFrom('and', 'or'), inner, inner).map(([word, a, b]) => ({
      text: `(${a.text}) ${word} (${b.text})`,
      matches: (r: Stored, store: Store) =>
        word === 'and' ? a.matches(r, store) && b.matches(r, store) : a.matches(r, store) || b.matches(r, store),
    })),
  );
}
