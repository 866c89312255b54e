// Which codes are in a value set, as far as the definitions at hand list them: https://hl7.org/fhir/R4/valueset.html#compositions

import type { CodeSystem, CodeSystemConcept, ValueSet, ValueSetComposeInclude } from '@medplum/fhirtypes';
import type { Definitions } from '../../fhir/definitions.ts';
import { memberTest } from '../coded-check.ts';
import type { Surroundings } from './run.ts';

export interface Terminology {
  readonly valueSets: readonly ValueSet[];
  readonly codeSystems: readonly CodeSystem[];
}

/** Answers for value sets that list codes or whole code systems, and for R4's own; undefined for the others. */
export function createMembership(
  definitions: Definitions,
  { valueSets, codeSystems }: Terminology,
): NonNullable<Surroundings['isMember']> {
  const systems = new Map(codeSystems.map((system) => [system.url, system]));
  const sources = new Map(valueSets.map((valueSet) => [valueSet.url, valueSet]));
  const expanded = new Map<string, ReadonlySet<string> | undefined>();
  const codesOf = (url: string) => {
    const source = sources.get(url);
    if (source && !expanded.has(url)) expanded.set(url, expand(source, systems));
    return expanded.get(url);
  };
  return (canonical, { system, code }) => {
    const [url = ''] = canonical.split('|');
    const codes = codesOf(url);
    // An element of type code says no system: the value set implies it.
    if (codes) return system === undefined ? codes.has(code) : codes.has(`${system}|${code}`);
    const published = definitions.valueSet(url) ?? definitions.advisedValueSet(url);
    if (!published) return undefined;
    return system === undefined ? published.codes.has(code) : memberTest(published)({ system, code });
  };
}

/** Codes alone and with their system; undefined for what takes more than listing. */
function expand({ compose }: ValueSet, systems: ReadonlyMap<string | undefined, CodeSystem>): Set<string> | undefined {
  if (!compose || compose.exclude) return undefined;
  const codes = new Set<string>();
  for (const include of compose.include ?? []) {
    const listed = listCodes(include, systems);
    if (!listed) return undefined;
    for (const code of listed) codes.add(code).add(`${include.system}|${code}`);
  }
  return codes;
}

function listCodes(
  { system, concept, filter, valueSet }: ValueSetComposeInclude,
  systems: ReadonlyMap<string | undefined, CodeSystem>,
): readonly string[] | undefined {
  if (filter || valueSet) return undefined;
  if (concept) return concept.map(({ code }) => code ?? '');
  const source = systems.get(system);
  return source?.content === 'complete' ? conceptCodes(source.concept) : undefined;
}

function conceptCodes(concepts: readonly CodeSystemConcept[] = []): string[] {
  return concepts.flatMap(({ code, concept }) => [code ?? '', ...conceptCodes(concept)]);
}
