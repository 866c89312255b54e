// The queue of a practitioner's day from the rows of visits, with the stored Encounters, in one round trip.

import type { Session } from '../../repository/session.ts';
import type { VersionRow } from '../../repository/stored-version.ts';
import type { EncounterStatus } from './encounter-status.ts';

/** No practitioner sees more in a day. */
export const queueMax = 200;

export interface QueuedRow extends VersionRow {
  readonly encounterStatus: EncounterStatus;
  readonly plannedMinutes: number | null;
}

export interface Queue {
  /** In their order. */
  readonly rows: readonly QueuedRow[];
  /** How long a visit took that day; undefined before the first was finished. */
  readonly meanMinutes: number | undefined;
}

export async function readQueue({ trx }: Session, practitioner: string, date: string): Promise<Queue> {
  const means = trx.query<{ minutes: number | null }>({
    name: 'mean-visit',
    text: `SELECT avg(extract(epoch FROM finished_at - started_at))::float8 / 60 AS minutes FROM visit
           WHERE practitioner = $1 AND local_date = $2::date AND encounter_status = 'finished' AND finished_at > started_at`,
    values: [practitioner, date],
  });
  const rows = await trx.query<QueuedRow>({
    name: 'read-queue',
    text: `SELECT r.type, r.id, r.version_id, r.last_updated, r.deleted, r.content, r.object_id,
             queued.encounter_status AS "encounterStatus", queued.planned_minutes AS "plannedMinutes"
           FROM (
             SELECT encounter_id, encounter_status, planned_minutes, queue_order,
               encounter_status IN ('in-progress', 'onleave') AS is_seen
             FROM visit
             WHERE practitioner = $1 AND local_date = $2::date AND (encounter_status IN ('in-progress', 'onleave')
               OR (encounter_status IN ('arrived', 'triaged') AND queue_number IS NOT NULL))
             ORDER BY is_seen DESC, queue_order, encounter_id LIMIT ${queueMax}
           ) AS queued
           JOIN resource r ON r.type = 'Encounter' AND r.id = queued.encounter_id
           ORDER BY queued.is_seen DESC, queued.queue_order, queued.encounter_id`,
    values: [practitioner, date],
  });
  const [mean] = await means;
  return { rows, meanMinutes: mean?.minutes ?? undefined };
}
