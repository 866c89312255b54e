// A practitioner sees one patient at a time (domain.md SM-1). It holds for people: systems tell what has happened.

import type { Encounter } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';

/** Of one day: what was never finished yesterday keeps nobody. */
export async function requireFreePractitioner(changes: readonly Change[], session: Session): Promise<void> {
  if (session.caller.kind !== 'staff') return;
  const begun = changes.filter((change) => !change.byServer && begins(change));
  if (begun.length === 0) return;
  const ids = begun.map(({ id }) => id);
  lockPractitioners(session, ids);
  const changed = changes.map(({ id }) => id);
  const busy = new Set(await findBusy(session, ids, changed));
  const refused = begun.find(({ id }) => busy.has(id));
  if (!refused) return;
  throw fhirError('conflict', 'The practitioner has another Encounter in progress; finish that one first.', {
    expression: 'Encounter.status',
    writeIndex: refused.index,
  });
}

function begins({ resource, oldResource }: Change): boolean {
  const isBusy = (encounter: Encounter | undefined) => encounter?.status === 'in-progress';
  return isBusy(resource as Encounter | undefined) && !isBusy(oldResource as Encounter | undefined);
}

/** In one order, so that two calls for the same people cannot deadlock. */
function lockPractitioners({ trx }: Session, encounterIds: readonly string[]): void {
  trx.execute({
    name: 'lock-practitioners',
    text: `SELECT pg_advisory_xact_lock(key) FROM (
             SELECT DISTINCT hashtextextended('in session ' || $1::text || ' ' || practitioner, 0) AS key
             FROM visit WHERE encounter_id = ANY ($2::text[]) ORDER BY key) AS keys`,
    values: [String(trx.tenantId), encounterIds],
  });
}

/** What the same write finishes is in nobody's way, and what it begins is. */
async function findBusy({ trx }: Session, begun: readonly string[], changed: readonly string[]): Promise<string[]> {
  const rows = await trx.query<{ id: string }>({
    name: 'find-in-session',
    text: `SELECT begun.encounter_id AS id FROM visit AS begun
           JOIN visit AS other ON other.practitioner = begun.practitioner AND other.local_date = begun.local_date
             AND other.encounter_id <> begun.encounter_id AND (other.encounter_id = ANY ($1::text[])
               OR (other.encounter_status = 'in-progress' AND other.encounter_id <> ALL ($2::text[])))
           WHERE begun.encounter_id = ANY ($1::text[]) AND begun.practitioner <> ''`,
    values: [begun, changed],
  });
  return rows.map(({ id }) => id);
}
