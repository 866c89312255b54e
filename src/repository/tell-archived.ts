// Whoever asks for what is archived is told so: an answer without it is not the whole one (README, Archives).

import { timeOfId } from '../fhir/ids.ts';
import type { FhirError, Issue } from '../fhir/outcome.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { Criterion, DateValue, SearchQuery } from '../search/search-query.ts';
import { auditEventType } from './audit-rows.ts';
import type { HistoryRequest } from './history-source.ts';
import type { Session } from './session.ts';
import type { StoredVersion } from './stored-version.ts';

/** Which months, such as `2025-10`, are kept in files. */
export interface ArchivesReader {
  /** At once when it was asked for within the last minute. */
  of(tenantId: number, table: ArchivedKind): readonly string[] | Promise<readonly string[]>;
}

type ArchivedKind = 'audit_event' | 'history';

/** Of a search of AuditEvents whose dates reach into archived months; one without dates does. */
export async function archivedWarnings(session: Session, { type, criteria }: SearchQuery): Promise<Issue[]> {
  if (type !== auditEventType) return [];
  const months = (await monthsOf(session, 'audit_event')).filter((month) =>
    criteria.every((criterion) => reaches(criterion, spanOf(month))),
  );
  return months.length === 0 ? [] : [archivedIssue('AuditEvents', months)];
}

/** Undefined where the version cannot be in an archive; `isPast` tells whether there was one that the caller may see. */
export async function archivedVersion(
  session: Session,
  name: string,
  isPast: () => Promise<boolean>,
): Promise<FhirError | undefined> {
  const months = await monthsOf(session, 'history');
  if (months.length === 0 || !(await isPast())) return undefined;
  return notHere(name, `It is in one of the archived months (${list(months)}).`);
}

/** Whether it was ever there only the archive tells. */
export async function archivedEvent(session: Session, id: string): Promise<FhirError | undefined> {
  const time = timeOfId(id);
  if (time === undefined) return undefined;
  const month = (await monthsOf(session, 'audit_event')).find(
    (one) => spanOf(one).low <= time && time < spanOf(one).end,
  );
  return month === undefined ? undefined : notHere(`${auditEventType}/${id}`, `AuditEvents of ${month} are archived.`);
}

/** Of a history whose end this page is; undefined where nothing of it can be in an archive. */
export async function archivedRest(
  session: Session,
  { type, id, sinceMs, at }: HistoryRequest,
  versions: readonly StoredVersion[],
): Promise<Issue | undefined> {
  const isOfEvents = type === auditEventType;
  if (isOfEvents ? id !== '' : id !== '' && isWhole(versions)) return undefined;
  const months = (await monthsOf(session, isOfEvents ? 'audit_event' : 'history')).filter((month) => {
    const { low, end } = spanOf(month);
    return end > (sinceMs ?? Number.NEGATIVE_INFINITY) && low <= (at?.high ?? Number.POSITIVE_INFINITY);
  });
  return months.length === 0 ? undefined : archivedIssue(isOfEvents ? 'AuditEvents' : 'Earlier versions', months);
}

/** Versions are numbered without gaps, from 1. */
function isWhole(versions: readonly StoredVersion[]): boolean {
  return versions.at(-1)?.versionId === 1 && versions[0]?.versionId === versions.length;
}

function monthsOf(
  { repository, caller }: Session,
  table: ArchivedKind,
): readonly string[] | Promise<readonly string[]> {
  return repository.archives?.of(caller.tenantId, table) ?? [];
}

/** R4 has 404 for versions that a server does not keep: https://hl7.org/fhir/R4/http.html#vread */
function notHere(what: string, why: string): FhirError {
  return fhirError('not-found', `${what} is not in the database. ${why} An administrator can bring these back.`);
}

function archivedIssue(what: string, months: readonly string[]): Issue {
  const diagnostics = `${what} of these months are archived and not in this answer: ${list(months)}. An administrator can bring them back.`;
  return { severity: 'warning', code: 'informational', diagnostics };
}

const listedMax = 12;

function list(months: readonly string[]): string {
  if (months.length <= listedMax) return months.join(', ');
  return `${months[0]} to ${months.at(-1)}, ${months.length} in all`;
}

interface Span {
  readonly low: number;
  /** Behind it. */
  readonly end: number;
}

function spanOf(month: string): Span {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return { low: Date.UTC(year, number - 1), end: Date.UTC(year, number) };
}

/** False where the criterion leaves the span out. */
function reaches(criterion: Criterion, span: Span): boolean {
  const { kind } = criterion;
  const isOfTime = kind === 'lastUpdated' || (kind === 'date' && criterion.parameter.code === 'date');
  return !isOfTime || criterion.values.some((value) => reachesOne(value, span));
}

function reachesOne({ prefix, low, high }: DateValue, span: Span): boolean {
  switch (prefix) {
    case 'ne':
      return true;
    case 'eq':
    case 'ap':
      return low < span.end && high >= span.low;
    case 'gt':
    case 'sa':
      return high + 1 < span.end;
    case 'ge':
      return low < span.end;
    case 'lt':
    case 'eb':
      return low > span.low;
    case 'le':
      return high >= span.low;
  }
}
