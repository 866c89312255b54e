// Literal references must resolve inside the tenant, for tenants whose setting `references.check` is on (security.md 3).

import { may } from '../access/may.ts';
import { FhirError, type Issue } from '../fhir/outcome.ts';
import { forEachReference, parseReference } from '../fhir/references.ts';
import type { Change } from './change.ts';
import { idsThatMeet, rowsOf } from './row-access.ts';
import type { Session } from './session.ts';

interface Target {
  readonly type: string;
  readonly id: string;
  readonly expression: string;
}

/**
 * Throws 422 for references to what is not there. What the caller may not see is not there for it; of a type that it may not
 * read at all every reference passes, whether its target exists or not: the answer must tell neither, and to refuse them all
 * would keep a device that may only write Observations from naming its patients.
 */
export async function checkReferences(session: Session, changes: readonly Change[]): Promise<void> {
  if (!session.checksReferences) return;
  const { definitions } = session.repository;
  const written = new Set(changes.filter((change) => change.resource).map((change) => `${change.type}/${change.id}`));
  const targets: Target[] = [];
  for (const change of changes) {
    if (!change.resource) continue;
    forEachReference(definitions, change.resource, (reference, expression) => {
      const target = parseReference(reference.reference);
      if (target.kind !== 'resource' || written.has(`${target.type}/${target.id}`)) return;
      if (may(session.caller, 'r', target.type)) targets.push({ ...target, expression });
    });
  }
  if (targets.length === 0) return;
  const missing = await findMissing(session, targets);
  if (missing.length > 0) throw new FhirError(missing.slice(0, 20).map(unresolved), { status: 422 });
}

async function findMissing(session: Session, targets: readonly Target[]): Promise<Target[]> {
  const rows = await session.trx.query<{ type: string; id: string }>({
    name: 'existing-targets',
    text: `SELECT type, id FROM resource
           WHERE NOT deleted AND (type, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
    values: [targets.map((target) => target.type), targets.map((target) => target.id)],
  });
  const existing = new Set(rows.map((row) => `${row.type}/${row.id}`));
  for (const key of await hiddenOf(session, rows)) existing.delete(key);
  return targets.filter((target) => !existing.has(`${target.type}/${target.id}`));
}

async function hiddenOf(session: Session, rows: readonly { type: string; id: string }[]): Promise<string[]> {
  const hidden: string[] = [];
  for (const [type, ofType] of Map.groupBy(rows, (row) => row.type)) {
    const criteria = rowsOf(session, 'r', type)?.criteria;
    if (!criteria) continue;
    const ids = ofType.map(({ id }) => id);
    const seen = await idsThatMeet(session, type, ids, criteria);
    hidden.push(...ids.filter((id) => !seen.has(id)).map((id) => `${type}/${id}`));
  }
  return hidden;
}

function unresolved(target: Target): Issue {
  return {
    severity: 'error',
    code: 'not-found',
    diagnostics: `The reference to ${target.type}/${target.id} does not resolve.`,
    expression: [target.expression],
  };
}
