// Finds what the criteria of conditional interactions mean: https://hl7.org/fhir/R4/http.html#cond-update

import { newId, requireId } from '../fhir/ids.ts';
import { type FhirError, fhirError } from '../fhir/outcome.ts';
import { queryIdentity } from '../search/query-identity.ts';
import { mayReadContext } from './binary-access.ts';
import { criteriaOf, typeOf, type WriteIntent, type WriteResult } from './change.ts';
import { lockCriteria, parseCriteria } from './conditions.ts';
import { type Condition, findMatches } from './find-matches.ts';
import type { Resolution } from './identify.ts';
import { OpenedBytes } from './opened-bytes.ts';
import { ofWrite } from './plan-changes.ts';
import { restrict } from './row-access.ts';
import type { Session } from './session.ts';
import { openVersion, type VersionRow } from './stored-version.ts';
import { type Target, targetOf } from './target.ts';

type Intent<Action> = WriteIntent & { readonly action: Action };

/** A delete by criteria that more meet is refused. */
export const deletesMax = 1_000;
/** So are all deletes of one transaction together. */
const targetsMax = 20_000;

/** Of all intents, of which some have criteria: these are locked first and searched for then, in one round trip. */
export async function resolveConditions(session: Session, intents: readonly WriteIntent[]): Promise<Resolution> {
  const conditions = conditionsOf(session, intents);
  lockCriteria(
    session,
    conditions.map(({ asked }) => asked),
  );
  const found = await findMatches(session, conditions);
  const matches = new Map(conditions.map(({ writeIndex }, position) => [writeIndex, found[position] ?? []]));
  const targets: Target[] = [];
  const answered = new Map<number, WriteResult>();
  const opened = new OpenedBytes();
  for (const [index, intent] of intents.entries()) {
    const rows = matches.get(index);
    const targetsHere = ofWrite(index, () =>
      rows ? resolve(session, index, intent, rows) : [targetOf(session, index, intent)],
    );
    if (targetsHere.length === 0) {
      const result = await unchanged(session, intent, rows?.[0]);
      ofWrite(index, () => opened.add(result.json?.length ?? 0));
      answered.set(index, result);
    }
    for (const target of targetsHere) targets.push(target);
    if (targets.length > targetsMax) {
      throw tooMany(`More than ${targetsMax} resources would be written at once.`).ofWrite(index);
    }
  }
  return { targets, answered };
}

type WriteCondition = Condition & Required<Pick<Condition, 'asked'>> & { readonly writeIndex: number };

function conditionsOf(session: Session, intents: readonly WriteIntent[]): WriteCondition[] {
  const identities = new Set<string>();
  return intents.flatMap((intent, writeIndex) => {
    const criteria = criteriaOf(intent);
    if (!criteria) return [];
    const asked = ofWrite(writeIndex, () => parseCriteria(session, typeOf(intent), criteria));
    const query = ofWrite(writeIndex, () => restrict(session, asked));
    const identity = queryIdentity(asked);
    if (identities.has(identity)) {
      throw fhirError('invalid', 'The same criteria stand twice in one transaction.', { writeIndex });
    }
    identities.add(identity);
    const matchesMax = intent.action === 'delete' ? deletesMax + 1 : 2;
    const needsBody = intent.action === 'create';
    return [{ query, asked, matchesMax, needsBody, writeIndex, locate: (error) => error.ofWrite(writeIndex) }];
  });
}

/** What is to be written; nothing where a create finds one, or a delete none. */
function resolve(session: Session, index: number, intent: WriteIntent, rows: readonly VersionRow[]): Target[] {
  const [only] = rows;
  if (intent.action === 'delete') return resolveDelete(index, intent, rows);
  if (rows.length > 1) {
    throw fhirError('multiple-matches', `More than one ${typeOf(intent)} meets the criteria; narrow them.`);
  }
  if (intent.action === 'create') return only ? [] : [targetOf(session, index, intent)];
  if (intent.action === 'update') return [only ? foundUpdate(index, intent, only) : newUpdate(session, index, intent)];
  if (!only) throw fhirError('not-found', `No ${intent.type} meets the criteria.`);
  return [foundTarget(index, intent, only)];
}

function foundTarget(index: number, intent: WriteIntent, { id, version_id: foundVersionId }: VersionRow): Target {
  return { index, intent, id, isNew: false, foundVersionId };
}

function foundUpdate(index: number, intent: Intent<'update'>, found: VersionRow): Target {
  const { resource } = intent;
  if (resource.id === undefined || resource.id === found.id) return foundTarget(index, intent, found);
  throw fhirError('invalid', `The criteria are met by a ${resource.resourceType} of another id than the body has.`, {
    expression: `${resource.resourceType}.id`,
  });
}

/** An id in the body is the new resource's: https://hl7.org/fhir/R4/http.html#upsert */
function newUpdate(session: Session, index: number, intent: Intent<'update'>): Target {
  const { id, resourceType } = intent.resource;
  if (id === undefined) return { index, intent, id: newId(session.at.getTime()), isNew: true };
  requireId(id, `${resourceType}.id`);
  return { index, intent, id, isNew: false, mustBeFree: true };
}

function resolveDelete(index: number, intent: Intent<'delete'>, rows: readonly VersionRow[]): Target[] {
  const { type, ifMatchVersionId } = intent;
  if (rows.length > deletesMax) {
    throw tooMany(`More than ${deletesMax} ${type} meet the criteria; narrow them and delete in several steps.`);
  }
  if (ifMatchVersionId !== undefined && rows.length !== 1) {
    const found = rows.length === 0 ? 'no' : 'more than one';
    throw fhirError('conflict', `If-Match is about one version, and ${found} ${type} meets the criteria.`, {
      status: 412,
    });
  }
  return rows.map((row) => foundTarget(index, intent, row));
}

function tooMany(diagnostics: string): FhirError {
  return fhirError('too-costly', diagnostics, { status: 412 });
}

/** The result of a create that found one, or of a delete that found none. */
async function unchanged(session: Session, intent: WriteIntent, row: VersionRow | undefined): Promise<WriteResult> {
  const result = {
    action: intent.action === 'create' ? 'create' : 'delete',
    type: typeOf(intent),
    changed: false,
  } as const;
  if (!row) return { ...result, id: '', versionId: 0, lastUpdated: session.at, json: undefined };
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  const { id, versionId, lastUpdated, body, securityContext } = await openVersion(reader, row);
  if (!(await mayReadContext(session, securityContext))) {
    throw fhirError(
      'forbidden',
      'What meets the criteria is there for others only: its securityContext says for whom.',
    );
  }
  return { ...result, id, versionId, lastUpdated, json: body?.toString() };
}
