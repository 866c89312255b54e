// A page of the codes of a value set: what it lists in its own order, then the rest in the order of the code system.

import { ConceptSet } from './concept-set.ts';
import type { ForeignPart, KnownPart, Listed, Part } from './members.ts';
import type { StoredSystem } from './stored-concept.ts';

/** Of a code system that is here by number, of another as it is listed. */
export type PagePart =
  | { readonly system: StoredSystem; readonly ids: readonly number[]; readonly listed: ReadonlyMap<number, Listed> }
  | { readonly system?: undefined; readonly part: ForeignPart; readonly codes: readonly Listed[] };

export function countOfPart(part: Part): number {
  return part.system ? part.set.count : part.listed.size;
}

/** Every code is on one page only. */
export function pageOf(parts: readonly Part[], offset: number, count: number): PagePart[] {
  const page: PagePart[] = [];
  let skip = offset;
  let wanted = count;
  for (const part of parts) {
    const size = countOfPart(part);
    const taken = Math.min(Math.max(size - skip, 0), wanted);
    if (taken > 0) page.push(part.system ? knownPage(part, skip, taken) : foreignPage(part, skip, taken));
    skip = Math.max(skip - size, 0);
    wanted -= taken;
  }
  return page;
}

function knownPage({ system, set, listed }: KnownPart, offset: number, count: number): PagePart {
  const first = [...listed.keys()].filter((id) => set.has(id));
  const ids = first.slice(offset, offset + count);
  const rest = first.length === 0 ? set : set.without(ConceptSet.of(set.size, first));
  const further = rest.slice(Math.max(offset - first.length, 0), count - ids.length);
  return { system, ids: [...ids, ...further], listed };
}

function foreignPage(part: ForeignPart, offset: number, count: number): PagePart {
  return { part, codes: [...part.listed.values()].slice(offset, offset + count) };
}
