// The codes of value sets that R4 lists in full, for bindings that oblige or advise: https://hl7.org/fhir/R4/valueset.html#expansion

import type {
  CodeSystem,
  CodeSystemConcept,
  ValueSet,
  ValueSetComposeInclude,
  ValueSetComposeIncludeFilter,
} from '@medplum/fhirtypes';
import type { Binding, TypeDefinition, ValueSetCodes } from './snapshot.ts';

/** Longer ones are extracts of LOINC and SNOMED CT, for the terminology tables. */
const codesMax = 1_000;

/** Keeps the value sets bound with one of these strengths that can be told without a terminology service. */
export function buildValueSets(
  types: Readonly<Record<string, TypeDefinition>>,
  resources: readonly (ValueSet | CodeSystem)[],
  strengths: readonly Binding['strength'][] = ['required'],
): Record<string, ValueSetCodes> {
  const valueSets = byUrl(resources.filter((resource) => resource.resourceType === 'ValueSet'));
  const codeSystems = byUrl(resources.filter((resource) => resource.resourceType === 'CodeSystem'));
  const expansions: Record<string, ValueSetCodes> = {};
  for (const url of boundValueSets(types, strengths)) {
    const valueSet = valueSets.get(url);
    const codes = valueSet && expand(valueSet, { valueSets, codeSystems });
    if (codes && codes.codes.length <= codesMax) expansions[url] = codes;
  }
  return expansions;
}

function byUrl<T extends { url?: string }>(resources: readonly T[]): Map<string, T> {
  return new Map(resources.map((resource) => [resource.url ?? '', resource]));
}

function boundValueSets(
  types: Readonly<Record<string, TypeDefinition>>,
  strengths: readonly Binding['strength'][],
): Set<string> {
  const urls = new Set<string>();
  for (const { elements } of Object.values(types)) {
    for (const { binding } of elements) if (binding && strengths.includes(binding.strength)) urls.add(binding.valueSet);
  }
  return urls;
}

interface Sources {
  readonly valueSets: ReadonlyMap<string, ValueSet>;
  readonly codeSystems: ReadonlyMap<string, CodeSystem>;
}

/** By code system. */
type Codes = ReadonlyMap<string, ReadonlySet<string>>;

/** Undefined when a part needs what is not shipped: a filter of another kind, or a code system like UCUM. */
function expand(valueSet: ValueSet, sources: Sources): ValueSetCodes | undefined {
  const found = codesOf(valueSet, sources);
  if (!found) return undefined;
  const bySystem = Object.fromEntries([...found].map(([system, codes]) => [system, [...codes]]));
  const systems = Object.keys(bySystem);
  return {
    systems,
    codes: [...new Set(Object.values(bySystem).flat())],
    ...(systems.length > 1 && { bySystem }),
  };
}

function codesOf({ compose }: ValueSet, sources: Sources): Codes | undefined {
  const included = expandAll(compose?.include ?? [], sources);
  const excluded = expandAll(compose?.exclude ?? [], sources);
  if (!included || !excluded || included.size === 0) return undefined;
  return new Map([...included].map(([system, codes]) => [system, codes.difference(excluded.get(system) ?? new Set())]));
}

function expandAll(includes: readonly ValueSetComposeInclude[], sources: Sources): Codes | undefined {
  const all = new Map<string, Set<string>>();
  for (const include of includes) {
    const part = expandInclude(include, sources);
    if (!part) return undefined;
    for (const [system, codes] of part) all.set(system, (all.get(system) ?? new Set()).union(codes));
  }
  return all;
}

function expandInclude(include: ValueSetComposeInclude, sources: Sources): Codes | undefined {
  const { system, concept, filter, valueSet: imports } = include;
  if (!system) return imports?.length === 1 ? expandImport(imports[0] ?? '', sources) : undefined;
  const codeSystem = sources.codeSystems.get(system);
  const all = codeSystem?.content === 'complete' ? codeSystem.concept : undefined;
  const listed = concept ?? (filter ? filtered(all, filter) : all);
  if (!listed || imports) return undefined;
  const codes: string[] = [];
  collectCodes(listed, codes);
  return new Map([[system, new Set(codes)]]);
}

function expandImport(url: string, sources: Sources): Codes | undefined {
  const valueSet = sources.valueSets.get(url);
  return valueSet && codesOf(valueSet, sources);
}

/** A code with all below it. */
function filtered(
  concepts: readonly CodeSystemConcept[] | undefined,
  filters: readonly ValueSetComposeIncludeFilter[],
): CodeSystemConcept[] | undefined {
  const [filter, ...others] = filters;
  if (filter?.op !== 'is-a' || filter.property !== 'concept' || others.length > 0) return undefined;
  const root = concepts && findConcept(concepts, filter.value ?? '');
  return root && [root];
}

function findConcept(concepts: readonly CodeSystemConcept[], code: string): CodeSystemConcept | undefined {
  for (const concept of concepts) {
    const found = concept.code === code ? concept : findConcept(concept.concept ?? [], code);
    if (found) return found;
  }
  return undefined;
}

function collectCodes(concepts: readonly CodeSystemConcept[], codes: string[]): void {
  for (const { code, concept } of concepts) {
    if (code) codes.push(code);
    if (concept) collectCodes(concept, codes);
  }
}
