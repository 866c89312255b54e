// When billing starts: domain.md S1-P3-1, D2, 3.6; contract.md 7.

import { expect, test } from '@jest/globals';
import type { Appointment, Meta } from '@medplum/fhirtypes';
import { appointmentFulfilled } from '../../../src/clinic/billing/appointment-fulfilled.ts';
import type { Change } from '../../../src/repository/change.ts';
import { buildAppointment } from '../../support/builders.ts';

type Status = Appointment['status'];

function eventKey(from: Status | undefined, to: Status | undefined, meta: Meta = {}): string | undefined {
  const appointment = (status: Status | undefined) =>
    status && buildAppointment('Patient/1', 'Practitioner/1', { status, meta });
  const change: Change = {
    byServer: false,
    told: [],
    index: 0,
    action: to === undefined ? 'delete' : 'update',
    type: 'Appointment',
    id: 'a1',
    versionId: 2,
    old: undefined,
    oldResource: appointment(from),
    resource: appointment(to),
    exactNumbers: undefined,
  };
  return appointmentFulfilled.eventKeyOf(change);
}

test.each<[Status | undefined, Status]>([
  [undefined, 'fulfilled'],
  ['booked', 'fulfilled'],
  ['arrived', 'fulfilled'],
  ['checked-in', 'fulfilled'],
])('from %s to %s is the event', (from, to) => {
  expect(eventKey(from, to)).toBe('appointment.fulfilled-a1');
});

test.each<[Status | undefined, Status | undefined]>([
  [undefined, 'booked'],
  ['booked', 'arrived'],
  ['fulfilled', 'fulfilled'],
  ['fulfilled', 'entered-in-error'],
  ['fulfilled', undefined],
])('from %s to %s is none', (from, to) => {
  expect(eventKey(from, to)).toBeUndefined();
});

test('the tag no-billing, in its own system only, says that it is billed elsewhere', () => {
  const system = 'https://hpms.example/fhir/CodeSystem/tag';
  expect(eventKey('booked', 'fulfilled', { tag: [{ system, code: 'no-billing' }] })).toBeUndefined();
  expect(eventKey('booked', 'fulfilled', { tag: [{ code: 'no-billing' }] })).toBe('appointment.fulfilled-a1');
  expect(eventKey('booked', 'fulfilled', { tag: [{ system, code: 'x' }] })).toBe('appointment.fulfilled-a1');
});
