// The Slot that `$hold` and `$book` keep for an Appointment: of an id that follows from its own, changed and deleted with it
// (contract.md 19).

import { createHash } from 'node:crypto';
import type { Appointment, Reference, Slot } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change, WriteIntent } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { holdsTime } from './appointment-status.ts';
import { editResource } from './edit-resource.ts';

/** Free times are computed and not stored, so a Slot is there as long as its time is taken. */
export function slotOf(appointment: Appointment & { readonly id: string }, scheduleId: string): Slot & { id: string } {
  return {
    resourceType: 'Slot',
    id: ownSlotId(appointment.id),
    schedule: { reference: `Schedule/${scheduleId}` },
    ...takenAs(appointment),
  };
}

/** No client chooses such an id by chance, as it would that of the Appointment itself. */
export function ownSlotId(appointmentId: string): string {
  return `of-${createHash('sha256').update(appointmentId).digest('hex').slice(0, 40)}`;
}

const ownIdSyntax = /^of-[0-9a-f]{40}$/;

export function ownSlotReference(appointmentId: string): Reference<Slot> {
  return { reference: `Slot/${ownSlotId(appointmentId)}` };
}

export function hasOwnSlot(appointment: Appointment | undefined): boolean {
  const { id, slot } = appointment ?? {};
  if (id === undefined || !Array.isArray(slot)) return false;
  const { reference } = ownSlotReference(id);
  return slot.some((one) => one?.reference === reference);
}

function takenAs({ status, start = '', end = '' }: Appointment): Pick<Slot, 'status' | 'start' | 'end'> {
  return { status: status === 'pending' ? 'busy-tentative' : 'busy', start, end };
}

/** `prepare`: the link stays while the time is held and goes with it, whatever a client sends. */
export function keepSlotLinks(changes: readonly Change[]): void {
  for (const change of changes) {
    const appointment = change.resource as Appointment | undefined;
    const isKept = appointment !== undefined && holdsTime(appointment.status);
    const isOld = hasOwnSlot(change.oldResource as Appointment | undefined);
    if (!appointment || !isOld || hasOwnSlot(appointment) === isKept) continue;
    editResource(change, (resource) => {
      const { slot } = resource as Appointment;
      const own = ownSlotReference(change.id);
      const others = (Array.isArray(slot) ? slot : []).filter((one) => one?.reference !== own.reference);
      (resource as Appointment).slot = isKept ? [...others, own] : others;
    });
  }
}

/** Effect: the Slot is what its Appointment is. One that did not come along with an import is not missed. */
export async function followWithSlots(changes: readonly Change[], session: Session): Promise<WriteIntent[]> {
  const moved = changes.flatMap(({ oldResource, resource }) => {
    const [old, next] = [oldResource, resource] as (Appointment | undefined)[];
    return old && hasOwnSlot(old) ? [{ id: ownSlotId(old.id ?? ''), old, next }] : [];
  });
  const gone = moved.filter(({ next }) => !hasOwnSlot(next)).map(({ id }) => id);
  const changed = moved.flatMap(({ id, old, next }) => {
    const taken = next && hasOwnSlot(next) ? takenAs(next) : undefined;
    return taken && JSON.stringify(taken) !== JSON.stringify(takenAs(old)) ? [{ id, taken }] : [];
  });
  const stored = changed.length === 0 ? new Set() : await storedSlots(session, changed);
  return [
    ...gone.map((id): WriteIntent => ({ action: 'delete', type: 'Slot', id })),
    ...changed.filter(({ id }) => stored.has(id)).map(({ id, taken }) => retimed(id, taken)),
  ];
}

function retimed(id: string, taken: Pick<Slot, 'status' | 'start' | 'end'>): WriteIntent {
  return {
    ...{ action: 'patch', type: 'Slot', id },
    apply: ({ resource: slot, ...texts }) => ({ resource: { ...slot, ...taken } as Slot, ...texts }),
  };
}

async function storedSlots({ trx }: Session, slots: readonly { readonly id: string }[]): Promise<ReadonlySet<string>> {
  const rows = await trx.query<{ id: string }>({
    name: 'stored-slots',
    text: "SELECT id FROM resource WHERE type = 'Slot' AND NOT deleted AND id = ANY ($1::text[])",
    values: [slots.map(({ id }) => id)],
  });
  return new Set(rows.map(({ id }) => id));
}

/** Guard: who wants such a Slot changed changes the Appointment. */
export async function requireUntaken(changes: readonly Change[], { trx }: Session): Promise<void> {
  const asked = changes.filter(({ byServer, id, oldResource }) => !byServer && oldResource && ownIdSyntax.test(id));
  if (asked.length === 0) return;
  const rows = await trx.query<{ id: string }>({
    name: 'slots-of-bookings',
    text: `SELECT target_id AS id FROM reference
           WHERE target_type = 'Slot' AND target_id = ANY ($1::text[]) AND source_type = 'Appointment'`,
    values: [asked.map(({ id }) => id)],
  });
  const taken = new Set(rows.map(({ id }) => id));
  const change = asked.find(({ id }) => taken.has(id));
  if (!change) return;
  throw fhirError('conflict', 'This Slot is taken by an Appointment; change or cancel that.', {
    expression: 'Slot',
    writeIndex: change.index,
  });
}
