// Which rows the session's caller may see or write: the one rule that reads, searches, histories and writes all ask
// (access/row-rule.ts), with what patients' consents deny.

import type { Binary, Resource } from '@medplum/fhirtypes';
import { type Caller, callerAtRest, type Permission } from '../access/caller.ts';
import { patientTypes } from '../access/patient-types.ts';
import { hasRowRules, type RowAlternative, type RowCondition, rowRule } from '../access/row-rule.ts';
import type { Definitions } from '../fhir/definitions.ts';
import { referenceType } from '../fhir/fhirpath/reference-type.ts';
import type { IndexEntry } from '../search/index-entry.ts';
import { type MeetsCriteria, meetsCriteria, type UnstoredResource } from '../search/meets-criteria.ts';
import { permitLinks } from '../search/permitted-links.ts';
import { allCriteria, type RowLink, rowCriteria } from '../search/row-criteria.ts';
import type { Criterion, SearchQuery } from '../search/search-query.ts';
import type { ExactNumbers } from './change.ts';
import { deniedCriteria } from './consents/denied-criteria.ts';
import { findMatches } from './find-matches.ts';
import type { Session } from './session.ts';

/** The rows a caller may see or write of a type, where these are not all. */
export interface Rows {
  /** What a search has to ask beside its own criteria. */
  readonly criteria: readonly Criterion[];
  /** One of them must be met in full. */
  readonly alternatives: readonly (readonly RowPart[])[];
  /** None of these may be met. */
  readonly denied: readonly Criterion[];
}

interface RowPart {
  readonly meets: MeetsCriteria;
  readonly link?: RowLink;
  /** What a Binary must say of whose it is. */
  readonly context?: RowCondition & { readonly kind: 'context' };
}

/** True where of some type it may be not every row. */
export function isRestricted({ caller, denials }: Session): boolean {
  return denials !== undefined || hasRowRules(caller);
}

/** Undefined for every row. */
export function rowsOf(session: Session, permission: Permission, type: string): Rows | undefined {
  const rule = rowRule(session.caller, permission, type);
  if (rule === 'all' && !session.denials) return undefined;
  const denied = deniedCriteria(session, permission, type);
  if (rule === 'all') return denied.length === 0 ? undefined : { criteria: notAny(denied), alternatives: [[]], denied };
  const allowed = compiledRule(session, permission, type, rule);
  return denied.length === 0 ? allowed : { ...allowed, criteria: [...allowed.criteria, ...notAny(denied)], denied };
}

function notAny(denied: readonly Criterion[]): Criterion[] {
  return denied.map((criterion) => ({ kind: 'not', criteria: [criterion] }));
}

interface Compiled {
  readonly definitions: Definitions;
  readonly rows: Rows;
}

/** A caller is the same object as long as its rights are. */
const compiledRules = new WeakMap<Caller, Map<string, Compiled>>();

function compiledRule(
  { caller, definitions, at }: Session,
  permission: Permission,
  type: string,
  rule: readonly RowAlternative[],
): Rows {
  const holder = callerAtRest(caller);
  const ofCaller = compiledRules.get(holder) ?? new Map<string, Compiled>();
  compiledRules.set(holder, ofCaller);
  const key = `${permission} ${type}`;
  const known = ofCaller.get(key);
  if (known?.definitions === definitions) return known.rows;
  const rows = compileRule(definitions, type, rule, at.getTime());
  ofCaller.set(key, { definitions, rows });
  return rows;
}

function compileRule(definitions: Definitions, type: string, rule: readonly RowAlternative[], nowMs: number): Rows {
  const alternatives = rule.flatMap((conditions) => {
    const parts = conditions.map((condition) => {
      const found = rowCriteria(definitions, type, condition, nowMs);
      // What a link asks is not told by the row.
      return found && partOf(found.link ? [] : found.criteria, found.link, condition);
    });
    return parts.includes(undefined) ? [] : [parts as RowPart[]];
  });
  const criteria = allCriteria(definitions, type, rule, nowMs) ?? [nothing];
  return { criteria, alternatives, denied: [] };
}

function partOf(criteria: readonly Criterion[], link: RowLink | undefined, condition: RowCondition): RowPart {
  return {
    meets: meetsCriteria(criteria),
    ...(link && { link }),
    ...(condition.kind === 'context' && { context: condition }),
  };
}

const nothing: Criterion = { kind: 'id', ids: [] };

/** The same search of what the caller may find, at every link of it too. Throws 403 for a link to a type out of reach. */
export function restrict<Query extends SearchQuery>(session: Session, query: Query): Query {
  const criteriaOf = (type: string) => rowsOf(session, 's', type)?.criteria ?? none;
  const permitted = permitLinks(query, session.caller, criteriaOf);
  const own = criteriaOf(query.type);
  if (own.length === 0) return permitted;
  return Object.freeze({ ...permitted, criteria: Object.freeze([...own, ...permitted.criteria]) });
}

const none: readonly Criterion[] = [];

/** True when the caller may do this to a resource of this content. */
export async function meetsRows(
  session: Session,
  permission: Permission,
  resource: Resource,
  exactNumbers?: ExactNumbers,
): Promise<boolean> {
  const rows = rowsOf(session, permission, resource.resourceType);
  if (!rows) return true;
  const entries = session.extract(resource, exactNumbers);
  const one = asUnstored(resource, entries);
  if (rows.denied.length > 0 && rows.denied.some((criterion) => meetsCriteria([criterion])(one))) return false;
  for (const parts of rows.alternatives) {
    if (!parts.every((part) => isMetByRow(part, one))) continue;
    const links = parts.flatMap(({ link }) => link ?? []);
    if (links.length === 0 || (await areLinked(session, links, entries))) return true;
  }
  return false;
}

function isMetByRow({ meets, context }: RowPart, one: UnstoredResource): boolean {
  if (!meets(one)) return false;
  if (!context) return true;
  const { securityContext } = one.resource as Binary;
  if (!securityContext) return false;
  // What every patient may read is nobody's to write.
  return !context.isOfPatient || patientTypes.has(referenceType(securityContext) ?? '');
}

function asUnstored(resource: Resource, entries: readonly IndexEntry[]): UnstoredResource {
  return {
    id: resource.id ?? '',
    lastUpdated: new Date(resource.meta?.lastUpdated ?? 0),
    resource,
    tokens: new Set(entries.flatMap((entry) => (entry.kind === 'token' ? [entry.text] : []))),
    dates: entries.filter((entry) => entry.kind === 'date'),
    ranges: entries.filter((entry) => entry.kind === 'range'),
  };
}

async function areLinked(
  session: Session,
  links: readonly RowLink[],
  entries: readonly IndexEntry[],
): Promise<boolean> {
  for (const { parameter, type, criterion } of links) {
    const ids = entries.flatMap((entry) =>
      entry.kind === 'reference' && entry.parameter === parameter && entry.targetType === type ? [entry.targetId] : [],
    );
    if ((await idsThatMeet(session, type, ids, [criterion])).size === 0) return false;
  }
  return true;
}

/** Those of the ids that are stored and meet the criteria. */
export async function idsThatMeet(
  session: Session,
  type: string,
  ids: readonly string[],
  criteria: readonly Criterion[],
): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const query = queryOf(type, [{ kind: 'id', ids }, ...criteria], ids.length);
  const [found = []] = await findMatches(session, [{ query, matchesMax: ids.length, needsBody: false }]);
  return new Set(found.map(({ id }) => id));
}

/** A search of what meets these, in the order of ids. */
export function queryOf(type: string, criteria: readonly Criterion[], count: number): SearchQuery {
  return {
    ...{ type, criteria, sort: [{ by: 'id', isDescending: false }], includes: [], count },
    ...{ total: 'none', summary: 'false', elements: [], understood: [], warnings: [] },
  };
}
