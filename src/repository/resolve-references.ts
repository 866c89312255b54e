// Conditional references of transactions, `Patient?identifier=...`, become literal ones: https://hl7.org/fhir/R4/http.html#trules

import { setImmediate as turnEnds } from 'node:timers/promises';
import { requirePermission } from '../access/may.ts';
import { FhirError, fhirError } from '../fhir/outcome.ts';
import type { SearchQuery } from '../search/search-query.ts';
import type { Change } from './change.ts';
import { parseCriteria } from './conditions.ts';
import { type Condition, findMatches } from './find-matches.ts';
import { createMatchChanges } from './match-changes.ts';
import { restrict } from './row-access.ts';
import type { Session } from './session.ts';
import type { VersionRow } from './stored-version.ts';
import { keyOf } from './target.ts';

export const referencesMax = 5_000;

export interface ReferenceContext {
  readonly baseUrl?: string;
  /** The element that has the reference, for errors. */
  readonly placeOf?: (reference: string) => string | undefined;
  /** What the same transaction writes: references mean what is there when all of it is done. */
  readonly changes?: readonly Change[];
}

/** References that are read, some milliseconds' work, before others are answered. */
const parsedATurn = 200;

/**
 * `Type/id` for each of these, by one search of all. Throws 412 where not exactly one resource meets the criteria; one of
 * another tenant is as none (security.md 9). Where more than tokens decides, of what the transaction writes only deletions
 * count.
 */
export async function resolveReferences(
  session: Session,
  references: readonly string[],
  { baseUrl, placeOf, changes = [] }: ReferenceContext = {},
): Promise<Map<string, string>> {
  const distinct = [...new Set(references)];
  const locate = (reference: string) => (error: FhirError) => {
    const expression = placeOf?.(reference);
    return expression === undefined ? error : error.below(expression);
  };
  const oneTooMany = distinct[referencesMax];
  if (oneTooMany !== undefined) {
    const diagnostics = `A transaction takes at most ${referencesMax} different conditional references.`;
    throw locate(oneTooMany)(fhirError('too-costly', diagnostics));
  }
  // Matches that the transaction changes may be none any more.
  const changed = Map.groupBy(
    changes.filter(({ old }) => old),
    ({ type }) => type,
  );
  const conditions: ReferenceCondition[] = [];
  for (const reference of distinct) {
    if (conditions.length > 0 && conditions.length % parsedATurn === 0) await turnEnds();
    conditions.push(conditionOf(session, reference, { baseUrl, changed, locate: locate(reference) }));
  }
  const found = await findMatches(session, conditions);
  const idsOf = createIdsOf(session, changes);
  return new Map(
    distinct.map((reference, position) => {
      const { asked, locate } = conditions[position] as ReferenceCondition;
      const [id, another] = idsOf(asked, found[position] ?? []);
      if (id !== undefined && another === undefined) return [reference, `${asked.type}/${id}`];
      throw locate(unresolved(reference, id !== undefined));
    }),
  );
}

type ReferenceCondition = Condition & Required<Pick<Condition, 'asked' | 'locate'>>;

interface ConditionContext {
  readonly baseUrl: string | undefined;
  readonly changed: ReadonlyMap<string, readonly Change[]>;
  readonly locate: ReferenceCondition['locate'];
}

function conditionOf(
  session: Session,
  reference: string,
  { baseUrl, changed, locate }: ConditionContext,
): ReferenceCondition {
  const question = reference.indexOf('?');
  const type = reference.slice(0, question);
  try {
    if (question < 0 || !session.repository.definitions.resourceTypes.has(type)) {
      throw fhirError('value', 'A conditional reference is Type?parameters.', { status: 400 });
    }
    requirePermission(session.caller, 's', type);
    const criteria = { query: reference.slice(question + 1), ...(baseUrl === undefined ? {} : { baseUrl }) };
    const matchesMax = (changed.get(type)?.length ?? 0) + 2;
    const asked = parseCriteria(session, type, criteria);
    return { query: restrict(session, asked), asked, matchesMax, needsBody: false, locate };
  } catch (error) {
    throw error instanceof FhirError ? locate(error) : error;
  }
}

/** The ids of what meets a query, from what met it before. */
function createIdsOf(session: Session, changes: readonly Change[]) {
  const changed = new Map(changes.map((change) => [keyOf(change.type, change.id), change]));
  const matchChanges = createMatchChanges(session, changes);
  return (query: SearchQuery, found: readonly VersionRow[]): string[] => {
    const fresh = matchChanges(query);
    const kept = found.filter(({ type, id }) => {
      const change = changed.get(keyOf(type, id));
      return !change || (fresh === undefined && change.resource !== undefined);
    });
    return [...kept.map(({ id }) => id), ...(fresh ?? [])];
  };
}

/** The values stay out of the text: they are somebody's identifiers. */
function unresolved(reference: string, isAmbiguous: boolean): FhirError {
  const [type = '', query] = reference.split('?', 2);
  const names = [...new Set(new URLSearchParams(query).keys())].join(', ');
  const criteria = `the conditional reference ${type}?${names}`;
  if (isAmbiguous) return fhirError('multiple-matches', `More than one ${type} meets ${criteria}; narrow it.`);
  return fhirError('not-found', `No ${type} meets ${criteria}.`, { status: 412 });
}
