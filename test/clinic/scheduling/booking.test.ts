// Whose time an Appointment holds, from the resource alone: contract.md 11.

import { describe, expect, test } from '@jest/globals';
import type { Appointment, AppointmentParticipant } from '@medplum/fhirtypes';
import { bookingsOf, sameBookings } from '../../../src/clinic/scheduling/booking.ts';
import { buildAppointment } from '../../support/builders.ts';

function booked(overrides: Partial<Appointment> = {}): Appointment & { readonly id: string } {
  return { ...buildAppointment('Patient/p', 'Practitioner/d', overrides), id: 'visit' };
}

function taking(part: string, status: AppointmentParticipant['status'] = 'accepted'): AppointmentParticipant {
  return { actor: { reference: part }, status };
}

const actorsOf = (appointment: Appointment & { readonly id: string }) =>
  bookingsOf(appointment, false).map(({ actorType, actorId }) => `${actorType}/${actorId}`);

describe('bookings', () => {
  test('are one per practitioner, with the instants of start and end', () => {
    const [booking, ...more] = bookingsOf(
      booked({ start: '2026-11-23T09:00:00+01:00', end: '2026-11-23T08:30:00Z' }),
      false,
    );
    expect(more).toEqual([]);
    expect(booking).toEqual({
      appointmentId: 'visit',
      actorType: 'Practitioner',
      actorId: 'd',
      start: new Date('2026-11-23T08:00:00Z'),
      end: new Date('2026-11-23T08:30:00Z'),
      overbooked: false,
    });
  });

  test('are of practitioners only: a patient and a place may be double booked', () => {
    const participant = ['Patient/p', 'Location/l', 'HealthcareService/h', 'Device/x'].map((part) => taking(part));
    expect(actorsOf(booked({ participant }))).toEqual([]);
  });

  test('leave out who has declined, and count who is named twice once', () => {
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

  test('are none without a time, and none where the status holds none', () => {
    const { start: _, ...withoutStart } = booked({ status: 'pending' });
    const { end: __, ...withoutEnd } = booked({ status: 'pending' });
    expect([...actorsOf(withoutStart), ...actorsOf(withoutEnd)]).toEqual([]);
    expect(actorsOf(booked({ status: 'cancelled' }))).toEqual([]);
  });

  test('carry the override', () => {
    expect(bookingsOf(booked(), true)[0]?.overbooked).toBe(true);
  });
});

describe('bookings are the same', () => {
  const two = booked({ participant: [taking('Practitioner/a'), taking('Practitioner/b')] });
  const reversed = booked({ participant: [taking('Practitioner/b'), taking('Practitioner/a')] });

  test('in any order and any time zone', () => {
    const elsewhere = { ...reversed, start: '2026-11-23T10:00:00+01:00', end: '2026-11-23T03:30:00-06:00' };
    expect(sameBookings(bookingsOf(two, false), bookingsOf(elsewhere, false))).toBe(true);
  });

  test('only with the same people, times and override', () => {
    const bookings = bookingsOf(two, false);
    const others: Partial<Appointment>[] = [
      { participant: [taking('Practitioner/a')] },
      { participant: [taking('Practitioner/a'), taking('Practitioner/c')] },
      { start: '2026-11-23T08:59:59.999Z' },
      { end: '2026-11-23T09:30:00.001Z' },
      { status: 'cancelled' },
    ];
    for (const other of others) {
      expect(sameBookings(bookings, bookingsOf({ ...two, ...other }, false))).toBe(false);
      expect(sameBookings(bookingsOf({ ...two, ...other }, false), bookings)).toBe(false);
    }
    expect(sameBookings(bookings, bookingsOf(two, true))).toBe(false);
  });
});
