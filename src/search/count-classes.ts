// Cuts the resources of a type into classes by their booleans and codes with a required binding, each with a counter: how many there are with some of these codes
// is then a sum of few numbers, however many resources there are: https://hl7.org/fhir/R4/search.html#total

import type { Resource } from '@medplum/fhirtypes';
import type { Definitions } from '../fhir/definitions.ts';
import { type IndexedParameter, indexedParameters } from './search-parameters.ts';
import type { Criterion } from './search-query.ts';
import type { TokenKey } from './token-text.ts';

/** A parameter that reads one boolean, or one code of a list that R4 obliges to. */
interface Coded {
  readonly key: TokenKey;
  readonly read: IndexedParameter['read'];
  readonly codes: readonly string[];
}

/** By the key of each parameter; `none` = no value, `other` = one that is not on the list. */
type CodesOfClass = ReadonlyMap<TokenKey, string>;

interface Classes {
  readonly coded: readonly Coded[];
  /** All there can be, by their texts. */
  readonly all: ReadonlyMap<string, CodesOfClass>;
}

export interface AskedClasses {
  /** The texts of the classes of what meets the criteria, to be keyed. */
  readonly asked: readonly string[];
  /** Of what does not: what is in none of both was not counted by these classes. */
  readonly others: readonly string[];
}

/** Their tokens. */
export type KeyedClasses = { readonly [those in keyof AskedClasses]: readonly bigint[] };

const none = '';
const other = '~';
/** Each resource is in one class for all of the type's codes: the status comes first, then what has fewer codes. */
const classesMax = 256;

const byDefinitions = new WeakMap<Definitions, Map<string, Classes>>();

/** Undefined where the type has no such parameter; a tenant's own, which come and go, make no classes. */
export function classText(definitions: Definitions, resource: Resource): string | undefined {
  const { coded } = classesOf(definitions, resource.resourceType);
  if (coded.length === 0) return undefined;
  return textOf(
    resource.resourceType,
    coded.map((one) => [one.key, codeIn(resource, one)]),
  );
}

/** Undefined where the criteria ask for anything else. */
export function askedClasses(
  definitions: Definitions,
  type: string,
  criteria: readonly Criterion[],
): AskedClasses | undefined {
  const { coded, all } = classesOf(definitions, type);
  if (coded.length === 0 || criteria.length === 0) return undefined;
  const asked: string[] = [];
  const others: string[] = [];
  for (const [text, codes] of all) {
    const isAsked = everyHolds(criteria, coded, codes);
    if (isAsked === undefined) return undefined;
    (isAsked ? asked : others).push(text);
  }
  return { asked, others };
}

function classesOf(definitions: Definitions, type: string): Classes {
  const base = definitions.own?.base ?? definitions;
  const byType = byDefinitions.get(base) ?? new Map<string, Classes>();
  byDefinitions.set(base, byType);
  const classes = byType.get(type) ?? makeClasses(base, type);
  byType.set(type, classes);
  return classes;
}

function makeClasses(definitions: Definitions, type: string): Classes {
  const coded: Coded[] = [];
  let count = 1;
  for (const one of codedParameters(definitions, type)) {
    const further = count * valuesOf(one).length;
    if (further > classesMax) break;
    coded.push(one);
    count = further;
  }
  let all: (readonly [TokenKey, string])[][] = [[]];
  for (const one of coded) {
    all = all.flatMap((codes) => valuesOf(one).map((value) => [...codes, [one.key, value] as const]));
  }
  return { coded, all: new Map(all.map((codes) => [textOf(type, codes), new Map(codes)])) };
}

function codedParameters(definitions: Definitions, type: string): Coded[] {
  // AuditEvents have no counters (migration 0012).
  if (type === 'AuditEvent') return [];
  const coded = [...indexedParameters(definitions, type).values()].flatMap((parameter) => {
    const codes = codesOf(parameter, definitions);
    return codes ? [{ key: parameter.key, read: parameter.read, codes }] : [];
  });
  const turnOf = ({ key, codes }: Coded) => (key.endsWith('.status') ? 0 : codes.length);
  return coded.toSorted((a, b) => turnOf(a) - turnOf(b));
}

function codesOf(parameter: IndexedParameter, definitions: Definitions): readonly string[] | undefined {
  const { kind, elements = [], tokenShape, shared } = parameter;
  const [element] = elements;
  if (kind !== 'token' || !element || elements.length > 1 || element.repeats || shared?.isDerived) return undefined;
  if (element.type === 'boolean') return ['true', 'false'];
  if (element.type !== 'code' || tokenShape.kind !== 'bare' || tokenShape.isFolded) return undefined;
  if (element.binding?.strength !== 'required') return undefined;
  const codes = definitions.valueSet(element.binding.valueSet)?.codes;
  return codes && [...codes];
}

function valuesOf({ codes }: Coded): readonly string[] {
  return [...codes, none, other];
}

function codeIn(resource: Resource, { read, codes }: Coded): string {
  const [value, ...more] = read(resource).map(String);
  if (value === undefined) return none;
  return more.length === 0 && codes.includes(value) ? value : other;
}

function textOf(type: string, codes: readonly (readonly [TokenKey, string])[]): string {
  return `${type}:class|${codes.map(([key, code]) => `${key}=${code}`).join('|')}`;
}

/** Undefined where the class does not tell. */
type Told = boolean | undefined;

function everyHolds(criteria: readonly Criterion[], coded: readonly Coded[], codes: CodesOfClass): Told {
  const told = criteria.map((criterion) => holds(criterion, coded, codes));
  return told.includes(undefined) ? undefined : !told.includes(false);
}

function holds(criterion: Criterion, coded: readonly Coded[], codes: CodesOfClass): Told {
  if (criterion.kind === 'token') return holdsToken(criterion, coded, codes);
  if (criterion.kind === 'missing') {
    const code = codes.get(criterion.parameter.key);
    return code === undefined ? undefined : (code === none) === criterion.isMissing;
  }
  if (criterion.kind === 'not') {
    const all = everyHolds(criterion.criteria, coded, codes);
    return all === undefined ? undefined : !all;
  }
  if (criterion.kind !== 'any') return undefined;
  const told = criterion.anyOf.map((list) => everyHolds(list, coded, codes));
  return told.includes(undefined) ? undefined : told.includes(true);
}

function holdsToken(
  { key, otherKeys = [], shape, values }: Criterion & { kind: 'token' },
  coded: readonly Coded[],
  codes: CodesOfClass,
): Told {
  const parameter = coded.find((one) => one.key === key);
  if (!parameter || otherKeys.length > 0 || shape.kind !== 'bare') return undefined;
  const wanted = values.flatMap(({ system, code }) => {
    const isImplied = !system || !shape.systems || shape.systems.has(system);
    return isImplied && code !== undefined ? [code] : [];
  });
  // Of what is on no list the class tells that it is there, not what it is.
  if (wanted.some((code) => !parameter.codes.includes(code))) return undefined;
  return wanted.includes(codes.get(key) ?? none);
}
