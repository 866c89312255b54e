// Typed rows of leave: Slots `busy-unavailable` on a Schedule, whatever they say of their reason (contract.md 16).

import type { Slot } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import { parseReference } from '../../fhir/references.ts';
import type { Change } from '../../repository/change.ts';
import type { StoredResource } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import { lockCalendar } from './lock-calendar.ts';
import { timesOf } from './visit.ts';

export interface Leave {
  readonly slotId: string;
  readonly scheduleId: string;
  readonly low: Date;
  readonly high: Date;
}

export function storeLeaves(changes: readonly Change[], session: Session): void {
  for (const change of changes) requireEndAfterStart(change);
  const kept = changes.flatMap((change) => leaveOf(change.resource) ?? []);
  const replaced = changes.flatMap(({ oldResource }) => leaveOf(oldResource)?.slotId ?? []);
  if (kept.length > 0) lockCalendar(session);
  replace(session, replaced, kept);
}

/** Of what was stored before there were these rows. */
export function restoreLeave(slot: StoredResource, session: Session): void {
  const leave = leaveOf(slot);
  replace(session, [slot.id], leave && leave.low < leave.high ? [leave] : []);
}

function replace({ trx }: Session, replaced: readonly string[], kept: readonly Leave[]): void {
  if (replaced.length > 0) {
    trx.execute({
      name: 'forget-leaves',
      text: 'DELETE FROM leave WHERE slot_id = ANY ($1::text[])',
      values: [replaced],
    });
  }
  if (kept.length === 0) return;
  trx.execute({
    name: 'insert-leaves',
    text: `INSERT INTO leave (slot_id, schedule_id, low, high)
           SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])`,
    values: [
      kept.map(({ slotId }) => slotId),
      kept.map(({ scheduleId }) => scheduleId),
      kept.map(({ low }) => low),
      kept.map(({ high }) => high),
    ],
  });
}

export function leaveOf(resource: Change['resource']): Leave | undefined {
  const { id = '', status, start, end, schedule } = (resource ?? {}) as Partial<Slot>;
  if (status !== 'busy-unavailable' || start === undefined || end === undefined) return undefined;
  const target = parseReference(schedule?.reference ?? '');
  if (target.kind !== 'resource' || target.type !== 'Schedule') return undefined;
  const { low, high } = timesOf(start, end);
  return { slotId: id, scheduleId: target.id, low: new Date(low), high: new Date(high) };
}

function requireEndAfterStart({ resource, index }: Change): void {
  const leave = leaveOf(resource);
  if (!leave || leave.low < leave.high) return;
  throw fhirError('business-rule', 'Leave must end after it starts.', { expression: 'Slot.end', writeIndex: index });
}
