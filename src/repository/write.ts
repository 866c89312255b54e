// The write path: every create, update and delete of every door goes through these steps, as one list per transaction.

import { requireOpen, requirePermission } from '../access/may.ts';
import { FhirError } from '../fhir/outcome.ts';
import { recordChanges } from './audit-rows.ts';
import type { Change, WriteIntent, WriteResult } from './change.ts';
import { checkReferences } from './check-references.ts';
import { ofWrite, planChanges, typeOf } from './plan-changes.ts';
import { addReactions } from './reactions.ts';
import { runRules } from './rules.ts';
import type { Session } from './session.ts';
import { storeChanges } from './store-changes.ts';

/** Effects may ask for writes whose effects ask for writes: no real workflow is deeper. */
const cascadeDepthMax = 5;

/** Writes all intents in the session's transaction; the results are in the order of the intents. */
export async function write(session: Session, intents: readonly WriteIntent[]): Promise<WriteResult[]> {
  for (const [index, intent] of intents.entries()) ofWrite(index, () => requireAllowed(session, intent));
  return await writeAllowed(session, intents, 0);
}

async function writeAllowed(session: Session, intents: readonly WriteIntent[], depth: number): Promise<WriteResult[]> {
  if (depth > cascadeDepthMax) throw new Error('Effects of effects go on without end.');
  const { rules } = session.repository;
  const { changes, unchanged } = await planChanges(session, intents);
  await runRules(rules.prepare, changes, session);
  validateChanges(session, changes);
  await checkReferences(session, changes);
  await runRules(rules.guards, changes, session);
  const stored = await storeChanges(session, changes);
  recordChanges(session, stored);
  addReactions(session, changes);
  for (const further of await runRules(rules.effects, changes, session)) {
    if (further.length > 0) await writeFurther(session, further, depth + 1);
  }
  const results = new Map(unchanged);
  for (const { change, result } of stored) results.set(change.index, result);
  return intents.map((_, index) => results.get(index) as WriteResult);
}

/** Positions among these are nobody's who asked for the first writes. */
async function writeFurther(session: Session, intents: readonly WriteIntent[], depth: number): Promise<void> {
  try {
    await writeAllowed(session, intents, depth);
  } catch (error) {
    throw error instanceof FhirError ? error.ofWrite(undefined) : error;
  }
}

/** Scopes are checked before any statement, so that an answer never tells whether something exists. */
function requireAllowed(session: Session, intent: WriteIntent): void {
  const type = typeOf(intent);
  const permission = permissions[intent.action];
  requireOpen(session.caller, permission, type);
  requirePermission(session.caller, permission, type);
}

const permissions = { create: 'c', update: 'u', patch: 'u', delete: 'd' } as const;

function validateChanges(session: Session, changes: readonly Change[]): void {
  for (const change of changes) {
    if (!change.resource) continue;
    const issues = session.repository.validate(change.resource);
    if (issues.some((issue) => issue.severity === 'error' || issue.severity === 'fatal'))
      throw new FhirError(issues, { writeIndex: change.index });
  }
}
