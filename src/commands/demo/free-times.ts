// The starts that weekly hours offer on a day, for hours kept in UTC as those of the demo clinic are (contract.md 17).

import type { Appointment, Extension, Schedule, TimingRepeat } from '@medplum/fhirtypes';

export interface Interval {
  readonly start: Date;
  readonly end: Date;
}

const parametersUrl = 'https://hpms.example/fhir/StructureDefinition/scheduling-parameters';
const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const minuteMs = 60_000;
/** Of these others may take the time (contract.md 11). */
const notBlocking: readonly Appointment['status'][] = [
  'proposed',
  'waitlist',
  'cancelled',
  'noshow',
  'entered-in-error',
];

/** `day` is a midnight in UTC. */
export function timesOfDay(schedule: Schedule, day: Date): Interval[] {
  const parameters = schedule.extension?.find(({ url }) => url === parametersUrl)?.extension ?? [];
  const minutes = parameters.find(({ url }) => url === 'duration')?.valueDuration?.value ?? 0;
  if (minutes <= 0) return [];
  return parameters
    .filter(({ url }) => url === 'availability')
    .flatMap((availability) => timesOfWindow(availability, day, minutes * minuteMs));
}

function timesOfWindow({ valueTiming }: Extension, day: Date, visitMs: number): Interval[] {
  const { dayOfWeek = [], timeOfDay = [], duration = 0 }: TimingRepeat = valueTiming?.repeat ?? {};
  if (!dayOfWeek.includes(dayNames[day.getUTCDay()] as (typeof dayNames)[number])) return [];
  return timeOfDay.flatMap((time) => {
    const from = Date.parse(`${day.toISOString().slice(0, 10)}T${time}Z`);
    const visits = Math.floor((duration * 60 * minuteMs) / visitMs);
    return Array.from({ length: visits }, (_, index) => ({
      start: new Date(from + index * visitMs),
      end: new Date(from + (index + 1) * visitMs),
    }));
  });
}

export function isFree(time: Interval, booked: readonly Appointment[]): boolean {
  return booked.every(({ status, start, end }) => {
    if (start === undefined || end === undefined || notBlocking.includes(status)) return true;
    return Date.parse(end) <= time.start.getTime() || Date.parse(start) >= time.end.getTime();
  });
}
