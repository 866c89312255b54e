// `$hold`: keeps a time for a while, so that the one who chose it can say who it is for (IHE ITI-116, contract.md 19).

import type { Appointment } from '@medplum/fhirtypes';
import { newId } from '../../fhir/ids.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Operation, OperationCall } from '../../operations/operation.ts';
import type { Content } from '../../repository/change.ts';
import { find } from '../../repository/read.ts';
import type { Session } from '../../repository/session.ts';
import { write } from '../../repository/write.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { requireFree, type StoredAppointment } from './check-visits.ts';
import { editContent } from './edit-resource.ts';
import { holdExpires } from './holds.ts';
import {
  appointmentIn,
  collectionOf,
  type Given,
  input,
  slotsFor,
  visitToCome,
  writeSlots,
} from './operation-inputs.ts';
import { ownSlotReference } from './own-slots.ts';
import { overlapOf } from './patient-overlap.ts';
import { requireNoSeries } from './series.ts';

export function createHold(settingsOf: SettingsOf): Operation {
  return {
    code: 'hold',
    definition: {
      id: 'Appointment-hold',
      url: 'https://hpms.example/fhir/OperationDefinition/Appointment-hold',
      name: 'AppointmentHold',
      title: 'Hold a time',
      description:
        'Keeps the time of a proposed Appointment until it is booked, or until the hold expires (the extension hold-expires says when): then it is deleted.',
    },
    levels: ['type'],
    resourceTypes: ['Appointment'],
    affectsState: true,
    permission: 'c',
    parameters: [
      input('appointment', 'Appointment', 1, 'A proposal, with the patient among its participants.'),
      input('appointment-resource', 'Appointment', 1, 'The same.'),
      input(
        'appointment-reference',
        'Reference',
        1,
        'A stored proposal, or one on the waiting list, to be held itself.',
      ),
      {
        name: 'return',
        use: 'out',
        min: 1,
        max: 1,
        type: 'Bundle',
        documentation: 'The pending Appointment and, where its time lies in the hours of a Schedule, its Slot.',
      },
    ],
    run: (session, call) => hold(session, call, settingsOf),
  };
}

async function hold(session: Session, call: OperationCall, settingsOf: SettingsOf): Promise<Content> {
  const given = await appointmentIn(session, call, ['appointment', 'appointment-resource']);
  requireNoSeries(given.content.resource);
  if (given.kind === 'stored') requireHoldable(given.content.resource);
  const { 'appointment.hold-seconds': seconds } = await settingsOf(session.trx);
  const id = given.kind === 'stored' ? given.content.resource.id : newId(session.at.getTime());
  const visit = visitToCome(session, pendingOf(given, id));
  const placed = await requireFree(session, [visit], given.kind === 'stored' ? [id] : [], settingsOf);
  const slots = slotsFor([pendingOf(given, id)], placed);
  const expires = new Date(session.at.getTime() + seconds * 1_000);
  const content = editContent(given.content, (resource) => {
    const appointment = resource as Appointment;
    appointment.status = 'pending';
    if (slots.length > 0) appointment.slot = [...(appointment.slot ?? []), ownSlotReference(id)];
    appointment.extension = [...(appointment.extension ?? []), holdExpires(expires)];
  });
  await writeSlots(session, slots, given.kind === 'resource');
  const action = given.kind === 'stored' ? 'update' : 'create';
  const results = await write(session, [{ action, id, ...content }]);
  const [slot] = await Promise.all(slots.map((one) => find(session, 'Slot', one.id)));
  const texts = [results[0]?.json ?? '', ...(slot?.body ? [slot.body.toString()] : [])];
  return collectionOf(call.baseUrl, texts, overlapOf(results));
}

function pendingOf({ content }: Given, id: string): StoredAppointment {
  return { ...content.resource, id, status: 'pending' };
}

function requireHoldable({ status }: Appointment): void {
  if (status === 'proposed' || status === 'waitlist') return;
  throw fhirError(
    'conflict',
    `The Appointment is ${status}: only a proposal, or one on the waiting list, can be held.`,
    {
      expression: 'Appointment.status',
    },
  );
}
