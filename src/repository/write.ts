// The write path: every create, update and delete of every door goes through these steps, as one list per transaction.

import { requireOpen, requirePermission } from '../access/may.ts';
import { FhirError, fhirError, type Issue } from '../fhir/outcome.ts';
import { recordChanges } from './audit-rows.ts';
import { withoutUnreadable } from './blind-writes.ts';
import { type Change, criteriaOf, typeOf, type WriteIntent, type WriteResult } from './change.ts';
import { checkReferences } from './check-references.ts';
import { type Identified, identify } from './identify.ts';
import { refuseHeldDeletes } from './legal-holds/refuse-deletes.ts';
import { makeOwnReferencesRelative } from './own-references.ts';
import { ofWrite, planChanges } from './plan-changes.ts';
import { checkProfiles } from './profiles/check-profiles.ts';
import { addReactions } from './reactions.ts';
import { isRestricted } from './row-access.ts';
import { runRules } from './rules.ts';
import type { Session } from './session.ts';
import { storeChanges } from './store-changes.ts';
import { keyOf } from './target.ts';
import { takeTurn } from './turn.ts';
import { requireNewRows, requireStoredRows } from './write-access.ts';

/** Effects may ask for writes whose effects ask for writes: no real workflow is deeper. */
const cascadeDepthMax = 5;

/** Told of what is going on before any content is looked at: links and references may be written then. */
export interface WriteHooks {
  /** Of the resource each intent is about, as `Type/id`; a delete by criteria is about none where it finds none or several. */
  identified?(identities: readonly (string | undefined)[]): void;
  planned?(changes: readonly Change[]): Promise<void>;
}

/** Writes all intents in the session's transaction; the results are in the order of the intents. */
export async function write(
  session: Session,
  intents: readonly WriteIntent[],
  hooks?: WriteHooks,
): Promise<WriteResult[]> {
  for (const [index, intent] of intents.entries()) ofWrite(index, () => requireAllowed(session, intent));
  return await withoutUnreadable(session, await writeAllowed(session, intents, 0, hooks));
}

/** What the server itself does for a caller who was allowed the whole: no rights, profiles or rules for clients are asked. */
export async function writeOwn(session: Session, intents: readonly WriteIntent[]): Promise<WriteResult[]> {
  return await writeAllowed(session, intents, 1);
}

async function writeAllowed(
  begun: Session,
  intents: readonly WriteIntent[],
  depth: number,
  hooks?: WriteHooks,
): Promise<WriteResult[]> {
  if (depth > cascadeDepthMax) throw new Error('Effects of effects go on without end.');
  const { rules } = begun.repository;
  if (depth === 0) takeLocks(begun, intents);
  const found = await identify(begun, intents);
  // What effects ask for is the server's own doing: neither the caller's rights nor the tenant's profiles keep it from that.
  const isHeld = depth === 0;
  const hasRows = isHeld && isRestricted(begun);
  const identified = hasRows ? await requireStoredRows(begun, found) : found;
  const session = afterStored(begun, found);
  for (const { index, intent, id } of identified.targets)
    ofWrite(index, () => requireNotBuiltIn(session, typeOf(intent), id));
  hooks?.identified?.(identitiesOf(intents, identified));
  const byServer = !isHeld || session.caller.kind === 'server';
  const { changes, unchanged } = planChanges(session, identified, byServer);
  await hooks?.planned?.(changes);
  await makeOwnReferencesRelative(session, changes);
  await runRules(rules.prepare, changes, session);
  await validateChanges(session, changes);
  const { profilePolicy } = session;
  if (hasRows) await requireNewRows(session, changes);
  const told =
    isHeld && profilePolicy.check !== 'off' ? await checkProfiles(session, profilePolicy, changes) : nothingTold;
  await checkReferences(session, changes);
  await runRules(rules.guards, changes, session);
  await refuseHeldDeletes(session, changes);
  const stored = await storeChanges(session, changes);
  await recordChanges(session, stored);
  addReactions(session, changes);
  for (const further of await runRules(rules.effects, changes, session)) {
    if (further.length > 0) await writeFurther(session, further, depth + 1);
  }
  const results = new Map(unchanged);
  for (const { change, result } of stored) {
    const issues = [...(told.get(change.index) ?? []), ...change.told];
    results.set(change.index, together(results.get(change.index), withIssues(result, issues)));
  }
  for (const result of unchanged.values()) noteFound(session, result);
  return intents.map((_, index) => results.get(index) as WriteResult);
}

/** What was there already is shown to whoever wanted to make it. */
function noteFound({ notes }: Session, result: WriteResult): void {
  if (notes && result.json !== undefined) notes.show({ ...result, body: result.json });
}

function takeLocks(session: Session, intents: readonly WriteIntent[]): void {
  for (const { type, isFor, take } of session.repository.rules.locks) {
    const concerned = intents.filter((intent) => typeOf(intent) === type && isFor(intent));
    if (concerned.length > 0) take(session, concerned);
  }
}

/** No version is older than the one it replaces, whichever transaction began first: histories are in the order of time. */
function afterStored(session: Session, { stored }: Identified): Session {
  let { at } = session;
  for (const { lastUpdated } of stored.values()) if (lastUpdated > at) at = lastUpdated;
  return at === session.at ? session : { ...session, at };
}

function identitiesOf(intents: readonly WriteIntent[], { targets, answered }: Identified): (string | undefined)[] {
  const identities = new Map<number, string | undefined>();
  for (const [index, { type, id }] of answered) identities.set(index, id === '' ? undefined : keyOf(type, id));
  for (const { index, intent, id } of targets) {
    identities.set(index, identities.has(index) ? undefined : keyOf(typeOf(intent), id));
  }
  return intents.map((_, index) => identities.get(index));
}

const nothingTold: ReadonlyMap<number, readonly Issue[]> = new Map();

function withIssues(result: WriteResult, issues: readonly Issue[]): WriteResult {
  return issues.length === 0 ? result : { ...result, issues };
}

/** Several deletions by one intent have one result. */
function together(before: WriteResult | undefined, result: WriteResult): WriteResult {
  return before ? { ...result, id: '', versionId: 0, deletedCount: (before.deletedCount ?? 1) + 1 } : result;
}

/** Positions among these are nobody's who asked for the first writes. */
async function writeFurther(session: Session, intents: readonly WriteIntent[], depth: number): Promise<void> {
  try {
    await writeAllowed(session, intents, depth);
  } catch (error) {
    throw error instanceof FhirError ? error.ofWrite(undefined) : error;
  }
}

/** A client's own text under this id would say something else than what the server does. */
function requireNotBuiltIn({ repository }: Session, type: string, id: string): void {
  if (repository.builtIns?.find(type, id) === undefined) return;
  throw fhirError('not-supported', `${type}/${id} is a definition of the server itself; use another id for your own.`, {
    expression: `${type}.id`,
  });
}

/** Scopes are checked before any statement, so that an answer never tells whether something exists. */
function requireAllowed(session: Session, intent: WriteIntent): void {
  const type = typeOf(intent);
  const permission = permissions[intent.action];
  requireOpen(session.caller, permission, type);
  requirePermission(session.caller, permission, type);
  // Criteria tell what exists, and a create that finds one shows it, as a search does.
  if (criteriaOf(intent)) requirePermission(session.caller, 's', type);
}

const permissions = { create: 'c', update: 'u', patch: 'u', delete: 'd' } as const;

async function validateChanges(session: Session, changes: readonly Change[]): Promise<void> {
  const turn = takeTurn();
  for (const change of changes) {
    if (turn.isOver()) await turn.next();
    const { resource, exactNumbers } = change;
    if (!resource) continue;
    const issues = session.repository.validate(resource, exactNumbers ? { exactNumbers } : {});
    if (issues.some((issue) => issue.severity === 'error' || issue.severity === 'fatal'))
      throw new FhirError(issues, { writeIndex: change.index });
  }
}
