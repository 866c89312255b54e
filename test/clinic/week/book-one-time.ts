// Many who want one time of one practitioner in one room, half of them naming the room first: security.md 119.

import { runSql } from '../../jobs/job-bed.ts';
import { buildAppointment, buildLocation, buildPractitioner } from '../../support/builders.ts';
import type { TestResponse, TestServer } from '../../support/server.ts';
import { referenceTo, type Till } from '../payments/till.ts';

const room = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/location-physical-type', code: 'ro' }] };

export async function bookOneTime(till: Till, count: number): Promise<TestResponse[]> {
  const patient = await till.patient();
  const doctor = referenceTo(await till.created(buildPractitioner()));
  const place = referenceTo(await till.created(buildLocation({ physicalType: room })));
  const orders = [
    [patient, doctor, place],
    [place, doctor, patient],
  ];
  const book = (index: number) => {
    const participant = orders[index % 2]!.map((reference) => ({ actor: { reference }, status: 'accepted' as const }));
    return till.tenant.request('POST', '/Appointment', buildAppointment(patient, doctor, { participant }));
  };
  return await Promise.all(Array.from({ length: count }, (_, index) => book(index)));
}

/** What PostgreSQL counts and what the server has logged of deadlocks and failures: empty where there was none. */
export async function deadlocksOf({ database, logLines }: TestServer): Promise<string[]> {
  const text = 'SELECT deadlocks::int AS n FROM pg_stat_database WHERE datname = current_database()';
  const [counted] = await runSql<{ n: number }>(database.url, text);
  const logged = logLines.filter((line) => /deadlock|40P01|"level":(50|60)/.test(line));
  return [...(counted?.n === 0 ? [] : [`PostgreSQL has counted ${counted?.n} deadlocks`]), ...logged];
}
