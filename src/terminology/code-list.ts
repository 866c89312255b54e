// The codes of a value set as a search asks for them: single codes, and code systems that are in whole: https://hl7.org/fhir/R4/search.html#token, modifier `in`

import { fhirError } from '../fhir/outcome.ts';
import type { Queries } from './find-system.ts';
import type { Members, Part } from './members.ts';
import { SystemReader } from './system-reader.ts';

export interface ListedCode {
  readonly system: string;
  readonly code: string;
}

/** Single codes, and code systems that are in whole. */
export interface CodeList {
  readonly codes: readonly ListedCode[];
  readonly systems: ReadonlySet<string>;
}

/** Longer lists are refused. */
export const codesMax = 1_000;

/**
 * Throws a FhirError (400) for what is more than a search can ask. `asCodes`: the codes of a system that is in whole are
 * listed too, where it is here.
 */
export async function codeListOf(trx: Queries, members: Members, asCodes: boolean): Promise<CodeList> {
  const systems = new Set<string>();
  const rest: Part[] = [];
  let count = 0;
  for (const part of members.values()) {
    if (isWhole(part) && !(asCodes && part.system)) systems.add((part.system ?? part).url);
    else {
      rest.push(part);
      count += part.system ? part.set.count : part.listed.size;
    }
  }
  if (count > codesMax) {
    throw fhirError('too-costly', `A value set of a search may hold at most ${codesMax} codes.`);
  }
  const codes: ListedCode[] = [];
  for (const part of rest) codes.push(...(await codesOf(trx, part)));
  return { codes, systems };
}

/** A code of a system is one of a set that holds all of them. */
function isWhole(part: Part): boolean {
  if (!part.system) return part.isWhole;
  return part.system.content === 'complete' && part.listed.size === 0 && part.set.count === part.system.conceptCount;
}

async function codesOf(trx: Queries, part: Part): Promise<ListedCode[]> {
  if (!part.system) return [...part.listed.keys()].map((code) => ({ system: part.url, code }));
  const { system, set } = part;
  const concepts = await new SystemReader(trx, system).byIds(set.slice(0, codesMax), true);
  return concepts.map(({ code }) => ({ system: system.url, code }));
}
