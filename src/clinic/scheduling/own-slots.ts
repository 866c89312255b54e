// The Slot that `$hold` and `$book` keep for an Appointment: of an id that follows from its own, changed and deleted with it
// (contract.md 19).

import { createHash } from 'node:crypto';
import type { Appointment, Reference, Slot } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change, WriteIntent } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { holdsTime } from './appointment-status.ts';
import { scheduleOf } from './appointment-times.ts';
import { editResource } from './edit-resource.ts';
import { actorIds } from './visit.ts';

/** Free times are computed and not stored, so a Slot is there as long as its time is taken. */
export function slotOf(appointment: Appointment & { readonly id: string }, scheduleId: string): Slot & { id: string } {
  return {
    resourceType: 'Slot',
    id: ownSlotId(appointment.id),
    ...inSchedule(scheduleId),
    ...takenAs(appointment),
  };
}

function inSchedule(scheduleId: string): Pick<Slot, 'schedule'> {
  return { schedule: { reference: `Schedule/${scheduleId}` } };
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

/** `prepare`: the link stays while the time is held in the Slot's Schedule and goes with it, whatever a client sends. */
export async function keepSlotLinks(changes: readonly Change[], session: Session): Promise<void> {
  const linked = changes.filter(({ oldResource }) => hasOwnSlot(oldResource as Appointment | undefined));
  const handedOver = linked.filter(isHandedOver);
  const elsewhere = handedOver.length === 0 ? new Set() : await slotsOfOthers(session, handedOver);
  for (const change of linked) {
    const appointment = change.resource as Appointment | undefined;
    if (!appointment) continue;
    const isKept = holdsTime(appointment.status) && !elsewhere.has(change.id);
    if (hasOwnSlot(appointment) === isKept) continue;
    editResource(change, (resource) => {
      const { slot } = resource as Appointment;
      const own = ownSlotReference(change.id);
      const others = (Array.isArray(slot) ? slot : []).filter((one) => one?.reference !== own.reference);
      (resource as Appointment).slot = isKept ? [...others, own] : others;
    });
  }
}

type Handed = Pick<Change, 'oldResource' | 'resource'>;

/** To other practitioners or another place, whose Schedule is another one. */
export function isHandedOver({ oldResource, resource }: Handed): boolean {
  if (!oldResource || !resource) return false;
  const [before, after] = [oldResource, resource].map((one) => actorsOf(one as Appointment).join());
  return before !== after;
}

/** `Type/id`, also of what was not validated. */
function actorsOf(appointment: Appointment): string[] {
  const { participant } = appointment;
  const isFormed = Array.isArray(participant) && participant.every((one) => typeof one === 'object' && one !== null);
  if (!isFormed) return [];
  const ofType = (type: string) => actorIds(appointment, type).map((id) => `${type}/${id}`);
  return [...ofType('Practitioner'), ...ofType('Location')].sort();
}

/** The Appointments whose Slots are in Schedules of nobody who takes part. */
async function slotsOfOthers({ trx }: Session, changes: readonly Change[]): Promise<ReadonlySet<string>> {
  const asked = changes.map(({ id, resource }) => ({ id, actors: actorsOf(resource as Appointment) }));
  const pairs = asked.flatMap(({ id, actors }) => actors.map((actor) => [ownSlotId(id), actor] as const));
  const rows = await trx.query<{ slotId: string }>({
    name: 'slots-in-schedules-of',
    text: `SELECT DISTINCT slot_id AS "slotId" FROM unnest($1::text[], $2::text[]) AS asked (slot_id, actor)
           JOIN reference ON source_type = 'Slot' AND source_id = slot_id AND parameter = 'schedule'
             AND target_type = 'Schedule'
           JOIN schedule_actor ON schedule_id = target_id AND actor_type || '/' || actor_id = actor`,
    values: [pairs.map(([slotId]) => slotId), pairs.map(([, actor]) => actor)],
  });
  const kept = new Set(rows.map(({ slotId }) => slotId));
  return new Set(asked.flatMap(({ id }) => (kept.has(ownSlotId(id)) ? [] : id)));
}

/** Effect: the Slot is what its Appointment is. One that did not come along with an import is not missed. */
export async function followWithSlots(changes: readonly Change[], session: Session): Promise<WriteIntent[]> {
  const moved = changes.flatMap((change) => {
    const [old, next] = [change.oldResource, change.resource] as (Appointment | undefined)[];
    return old && hasOwnSlot(old) ? [{ id: ownSlotId(old.id ?? ''), change, old, next }] : [];
  });
  const gone = moved.filter(({ next }) => !hasOwnSlot(next)).map(({ id }) => id);
  const changed = moved.flatMap(({ id, change, old, next }) => {
    if (!next || !hasOwnSlot(next)) return [];
    const taken = takenAs(next);
    if (JSON.stringify(taken) === JSON.stringify(takenAs(old)) && !isHandedOver(change)) return [];
    const scheduleId = scheduleOf(change);
    return [{ id, taken: { ...taken, ...(scheduleId !== undefined && inSchedule(scheduleId)) } }];
  });
  const stored = changed.length === 0 ? new Set() : await storedSlots(session, changed);
  return [
    ...gone.map((id): WriteIntent => ({ action: 'delete', type: 'Slot', id })),
    ...changed.filter(({ id }) => stored.has(id)).map(({ id, taken }) => retimed(id, taken)),
  ];
}

function retimed(id: string, taken: Partial<Slot>): WriteIntent {
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
