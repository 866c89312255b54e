// Whose time an Appointment holds, from the resource alone: contract.md 11.

import { describe, expect, test } from '@jest/globals';
import type { Appointment, AppointmentParticipant } from '@medplum/fhirtypes';
import { sameVisit, visitOf } from '../../../src/clinic/scheduling/visit.ts';
import { buildAppointment } from '../../support/builders.ts';

function booked(overrides: Partial<Appointment> = {}): Appointment & { readonly id: string } {
  return { ...buildAppointment('Patient/p', 'Practitioner/d', overrides), id: 'visit' };
}

function taking(part: string, status: AppointmentParticipant['status'] = 'accepted'): AppointmentParticipant {
  return { actor: { reference: part }, status };
}

const actorsOf = (appointment: Appointment & { readonly id: string }) => {
  const { practitionerIds = [], locationIds = [] } = visitOf(appointment, false) ?? {};
  return [...practitionerIds.map((id) => `Practitioner/${id}`), ...locationIds.map((id) => `Location/${id}`)];
};

describe('a visit', () => {
  test('has the instants of start and end, its people, and what it is for', () => {
    const appointment = booked({ start: '2026-11-23T09:00:00+01:00', end: '2026-11-23T08:30:00Z' });
    expect(visitOf(appointment, false)).toEqual({
      appointmentId: 'visit',
      low: Date.parse('2026-11-23T08:00:00Z'),
      high: Date.parse('2026-11-23T08:30:00Z'),
      practitionerIds: ['d'],
      locationIds: [],
      overbooked: false,
      isOver: false,
      services: ['https://hpms.example/fhir/CodeSystem/visit-type|consultation'],
    });
  });

  test('holds practitioners and places only: a patient may be double booked', () => {
    const participant = ['Patient/p', 'Location/l', 'HealthcareService/h', 'Device/x'].map((part) => taking(part));
    expect(actorsOf(booked({ participant }))).toEqual(['Location/l']);
  });

  test('leaves out who has declined, and counts who is named twice once', () => {
    const participant = [
      taking('Practitioner/a', 'declined'),
      taking('Practitioner/b', 'tentative'),
      taking('Practitioner/c', 'needs-action'),
      taking('Practitioner/c'),
      { actor: { display: 'Somebody' }, status: 'accepted' as const },
      { type: [{ text: 'any nurse' }], status: 'accepted' as const },
    ];
    expect(actorsOf(booked({ participant }))).toEqual(['Practitioner/b', 'Practitioner/c']);
  });

  test('is none without a time, and none where the status holds none', () => {
    const { start: _, ...withoutStart } = booked({ status: 'pending' });
    const { end: __, ...withoutEnd } = booked({ status: 'pending' });
    const none = [withoutStart, withoutEnd, booked({ status: 'cancelled' }), booked({ status: 'waitlist' })];
    expect(none.map((appointment) => visitOf(appointment, false))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('carries the override, and whether it is over', () => {
    expect(visitOf(booked({ status: 'fulfilled' }), true)).toMatchObject({ overbooked: true, isOver: true });
  });
});

describe('visits are the same', () => {
  const two = booked({ participant: [taking('Practitioner/a'), taking('Practitioner/b')] });
  const reversed = booked({ participant: [taking('Practitioner/b'), taking('Practitioner/a')] });

  test('in any order and any time zone', () => {
    const elsewhere = { ...reversed, start: '2026-11-23T10:00:00+01:00', end: '2026-11-23T03:30:00-06:00' };
    expect(sameVisit(visitOf(two, false), visitOf(elsewhere, false))).toBe(true);
    expect(sameVisit(undefined, undefined)).toBe(true);
  });

  test('only with the same people, places, times and override', () => {
    const visit = visitOf(two, false);
    const others: Partial<Appointment>[] = [
      { participant: [taking('Practitioner/a')] },
      { participant: [taking('Practitioner/a'), taking('Practitioner/c')] },
      { participant: [...two.participant, taking('Location/l')] },
      { start: '2026-11-23T08:59:59.999Z' },
      { end: '2026-11-23T09:30:00.001Z' },
      { status: 'cancelled' },
    ];
    for (const other of others) {
      expect(sameVisit(visit, visitOf({ ...two, ...other }, false))).toBe(false);
      expect(sameVisit(visitOf({ ...two, ...other }, false), visit)).toBe(false);
    }
    expect(sameVisit(visit, visitOf(two, true))).toBe(false);
  });
});
