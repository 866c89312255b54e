// `$book`: books a time, a hold or a series; changes or cancels what is booked (IHE ITI-117, contract.md 20, 21).

import type { Appointment } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Operation, OperationCall } from '../../operations/operation.ts';
import type { Content } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { bookChange, bookHeld } from './book-change.ts';
import { bookNew } from './book-new.ts';
import { newPatients } from './new-patients.ts';
import { appointmentIn, input, lockVisible } from './operation-inputs.ts';
import { requireNoSeries } from './series.ts';

export function createBook(settingsOf: SettingsOf): Operation {
  return {
    code: 'book',
    definition: {
      id: 'Appointment-book',
      url: 'https://hpms.example/fhir/OperationDefinition/Appointment-book',
      name: 'AppointmentBook',
      title: 'Book a time',
      description:
        'Books a held or proposed Appointment, or a new one; with an id gives a booked one another time or cancels it. With a recurrenceTemplate all occurrences are booked, or none.',
    },
    levels: ['type'],
    resourceTypes: ['Appointment'],
    affectsState: true,
    // Providers and patients may create and update; what each call does is asked for where it is done.
    permission: 'u',
    parameters: [
      input('appointment-reference', 'Reference', 1, 'A hold, or a stored proposal: it keeps its id.'),
      input(
        'appointment-resource',
        'Appointment',
        1,
        'Without an id a new one; with an id what is to be changed of it.',
      ),
      input('patient-resource', 'Patient', '*', 'Whom it is for: with an id one who is known, without a new one.'),
      input('comment', 'string', 1, 'Becomes the comment of the Appointment.'),
      {
        name: 'return',
        use: 'out',
        min: 1,
        max: 1,
        type: 'Bundle',
        documentation: 'What was booked, as a collection.',
      },
    ],
    run: (session, call) => book(session, call, settingsOf),
  };
}

async function book(session: Session, call: OperationCall, settingsOf: SettingsOf): Promise<Content> {
  const given = await appointmentIn(session, call, ['appointment-resource']);
  const comment = call.inputs.get('comment')?.[0]?.value as string | undefined;
  const patients = await newPatients(session, call);
  const additions = { comment, patients, settingsOf, baseUrl: call.baseUrl };
  if (given.kind === 'stored') {
    requireNoSeries(given.content.resource);
    return await bookHeld(session, given.content, additions);
  }
  const { id, status } = given.content.resource;
  if (id === undefined) return await bookNew(session, given.content, additions);
  const current = await lockVisible(session, id);
  if (status === 'noshow' || status === 'entered-in-error' || status === 'fulfilled') throw notABooking(status);
  return await bookChange(session, current, given.content, additions);
}

function notABooking(status: Appointment['status']): Error {
  return fhirError('business-rule', `$book books and cancels; write the Appointment itself to make it ${status}.`, {
    expression: 'Appointment.status',
  });
}
