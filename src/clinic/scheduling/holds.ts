// Holds: when they expire is the server's to say, and an event of the outbox remembers it (contract.md 19).

import type { Appointment, Extension } from '@medplum/fhirtypes';
import { addToOutbox, type OutboxEvent } from '../../jobs/outbox.ts';
import type { Change } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { holdExpiresUrl } from './canonicals.ts';
import { editResource } from './edit-resource.ts';

export const holdDueTopic = 'appointment.hold-due';

/** The extensions that the server itself made in this process: what a client sends under the url is not among them. */
const madeHere = new WeakSet<Extension>();

export function holdExpires(at: Date): Extension {
  const extension: Extension = { url: holdExpiresUrl, valueInstant: at.toISOString() };
  madeHere.add(extension);
  return extension;
}

export function expiryOf(appointment: Appointment | undefined): Date | undefined {
  const instant = appointment?.extension?.find(({ url }) => url === holdExpiresUrl)?.valueInstant;
  return instant === undefined ? undefined : new Date(instant);
}

/** `prepare`: what is stored stays as long as the Appointment is pending, whatever a client sends, and ends with that. */
export function keepHoldExpiry(changes: readonly Change[]): void {
  for (const change of changes) {
    const appointment = change.resource as Appointment | undefined;
    if (!appointment) continue;
    const extensions = extensionsOf(appointment);
    const own = extensions.find((extension) => madeHere.has(extension));
    const stored = (change.oldResource as Appointment | undefined)?.extension?.find(isExpiry);
    const kept = appointment.status === 'pending' ? (own ?? stored) : undefined;
    const sent = extensions.filter(isExpiry);
    if (sent.length === Number(kept !== undefined) && (kept === undefined || isSame(sent[0], kept))) continue;
    editResource(change, (resource) => {
      const others = extensionsOf(resource as Appointment).filter((extension) => !isExpiry(extension));
      (resource as Appointment).extension = kept ? [...others, kept] : others;
    });
  }
}

/** What is not valid is for the validator to refuse. */
function extensionsOf({ extension }: Appointment): readonly Extension[] {
  return Array.isArray(extension) ? extension : [];
}

function isExpiry(extension: Extension | undefined): boolean {
  return extension?.url === holdExpiresUrl;
}

function isSame(a: Extension | undefined, b: Extension): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Effect: who handles the event looks whether it is still the same hold. */
export function remindOfHolds(changes: readonly Change[], session: Session): [] {
  for (const { id, versionId, old, oldResource, resource } of changes) {
    const dueAt = expiryOf(resource as Appointment | undefined);
    if (!dueAt || dueAt.getTime() === expiryOf(oldResource as Appointment | undefined)?.getTime()) continue;
    remindOfHold(session, { resourceId: id, oldVersionId: old?.versionId, newVersionId: versionId }, dueAt);
  }
  return [];
}

type HoldEvent = Pick<OutboxEvent, 'resourceId' | 'oldVersionId' | 'newVersionId'>;

/** Once in a transaction: a worker whose clock is behind the database's is told again. */
export function remindOfHold({ trx, at }: Session, event: HoldEvent, dueAt: Date): void {
  const { resourceId, oldVersionId, newVersionId } = event;
  const eventKey = `${holdDueTopic}-${resourceId}-${newVersionId}-${at.getTime()}`;
  const resource = { resourceType: 'Appointment', resourceId, oldVersionId, newVersionId };
  addToOutbox(trx, [{ eventKey, topic: holdDueTopic, ...resource, dueAt }]);
}
