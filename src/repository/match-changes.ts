// Which resources that a transaction is about to write meet criteria, before the database can tell: https://hl7.org/fhir/R4/http.html#trules

import type { Resource } from '@medplum/fhirtypes';
import { decidingTexts } from '../search/match-tokens.ts';
import type { SearchQuery } from '../search/search-query.ts';
import type { Change } from './change.ts';
import type { Session } from './session.ts';

/** Ids of the changed resources that will meet the query; undefined where more than tokens decides that. */
export type MatchChanges = (query: SearchQuery) => readonly string[] | undefined;

interface Indexed {
  readonly id: string;
  readonly texts: ReadonlySet<string>;
}

export function createMatchChanges(session: Session, changes: readonly Change[]): MatchChanges {
  const byType = new Map<string, ReadonlyMap<string, readonly Indexed[]>>();
  return (query) => {
    const texts = decidingTexts(query) ?? [];
    if (texts.length === 0) return undefined;
    const index = byType.get(query.type) ?? indexOf(session, query.type, changes);
    byType.set(query.type, index);
    const [rarest = []] = texts.map((text) => index.get(text) ?? []).sort((a, b) => a.length - b.length);
    return rarest.filter((indexed) => texts.every((text) => indexed.texts.has(text))).map(({ id }) => id);
  };
}

/** By each token's text. */
function indexOf(session: Session, type: string, changes: readonly Change[]): Map<string, Indexed[]> {
  const index = new Map<string, Indexed[]>();
  for (const change of changes) {
    if (change.type !== type || !change.resource) continue;
    const indexed = { id: change.id, texts: textsOf(session, change.resource) };
    for (const text of indexed.texts) {
      const known = index.get(text);
      if (known) known.push(indexed);
      else index.set(text, [indexed]);
    }
  }
  return index;
}

/** None of what was not validated yet and has a shape nobody can read: it will be refused. */
function textsOf({ extract }: Session, resource: Resource): ReadonlySet<string> {
  try {
    return new Set(extract(resource).flatMap((entry) => (entry.kind === 'token' ? [entry.text] : [])));
  } catch {
    return new Set();
  }
}
