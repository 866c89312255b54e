// The messages a clinic sends, as templates it may change: ActivityDefinitions whose text has placeholders (domain.md S5-60).

import type { ActivityDefinition } from '@medplum/fhirtypes';

interface Message {
  readonly topic: string;
  readonly title: string;
  readonly channel: 'email' | 'sms';
  readonly subject?: string;
  readonly body: string;
}

/** Names in braces are filled in when the message is made. Nothing medical is in any of them. */
const messages: readonly Message[] = [
  {
    topic: 'appointment-booked',
    title: 'Appointment booked',
    channel: 'email',
    subject: 'Your appointment at {clinic_name}',
    body: 'Dear {patient_name},\n\nyour appointment is on {appointment_start} with {practitioner_name}.\n\n{clinic_name}',
  },
  {
    topic: 'appointment-reminder',
    title: 'Appointment reminder',
    channel: 'sms',
    body: '{clinic_name}: your appointment is on {appointment_start}. Reply C to confirm or X to cancel.',
  },
  {
    topic: 'appointment-cancelled',
    title: 'Appointment cancelled',
    channel: 'email',
    subject: 'Your appointment at {clinic_name} was cancelled',
    body: 'Dear {patient_name},\n\nyour appointment on {appointment_start} was cancelled. Please call {clinic_phone} for another.\n\n{clinic_name}',
  },
  {
    topic: 'invoice-issued',
    title: 'Invoice issued',
    channel: 'email',
    subject: 'Invoice {invoice_number}',
    body: 'Dear {patient_name},\n\ninvoice {invoice_number} over {invoice_total} is due on {due_date}.\n\n{clinic_name}',
  },
  {
    topic: 'payment-received',
    title: 'Payment received',
    channel: 'email',
    subject: 'Receipt {receipt_number}',
    body: 'Dear {patient_name},\n\nwe have received {payment_amount}. Thank you.\n\n{clinic_name}',
  },
  {
    topic: 'result-ready',
    title: 'Result ready',
    channel: 'sms',
    body: '{clinic_name}: there is news for you in the patient portal.',
  },
  {
    topic: 'recall',
    title: 'Recall',
    channel: 'email',
    subject: '{clinic_name} would like to see you again',
    body: 'Dear {patient_name},\n\nit is time for your next visit. Please book it at {clinic_phone}.\n\n{clinic_name}',
  },
];

const canonical = 'https://hpms.example/fhir';

export function messageTemplates(newId: () => string): ActivityDefinition[] {
  return messages.map(({ topic, title, channel, subject, body }) => ({
    resourceType: 'ActivityDefinition',
    id: newId(),
    extension: [
      {
        url: `${canonical}/StructureDefinition/message`,
        extension: [
          { url: 'channel', valueCode: channel },
          ...(subject === undefined ? [] : [{ url: 'subject', valueString: subject }]),
          { url: 'body', valueString: body },
          { url: 'locale', valueCode: 'en' },
        ],
      },
    ],
    url: `${canonical}/ActivityDefinition/message-${topic}`,
    name: nameOf(topic),
    title,
    status: 'active',
    topic: [{ coding: [{ system: `${canonical}/CodeSystem/message-topic`, code: topic }] }],
    kind: 'CommunicationRequest',
  }));
}

/** As code would call it: `AppointmentBooked`. */
function nameOf(topic: string): string {
  return topic.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
