// Reads the weekly hours out of a Schedule's `X/scheduling-parameters` and refuses what cannot be understood (contract.md 17).

import type { Extension, Quantity, Schedule } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import { isZoneName } from '../../fhir/time-zone.ts';
import { schedulingParametersUrl } from './canonicals.ts';
import type { WeeklyHours, WeeklyWindow } from './weekly-hours.ts';

const parametersMax = 10;
const windowsMax = 50;
const capacityMax = 100;
const minuteMs = 60_000;
const dayMs = 1_440 * minuteMs;
const weekMs = 7 * dayMs;

/** One for each extension, in their order. Throws 422 with the place of what is wrong. */
export function readWeeklyHours(schedule: Schedule): WeeklyHours[] {
  const all = (schedule.extension ?? []).map((extension, index) => ({ extension, place: `${root}[${index}]` }));
  const parameters = all.filter(({ extension }) => extension.url === schedulingParametersUrl);
  if (parameters.length > parametersMax) throw refusal(root, `A Schedule has at most ${parametersMax} kinds of hours.`);
  return parameters.map(({ extension, place }) => readParameters(extension, place, schedule.planningHorizon));
}

const root = 'Schedule.extension';

function readParameters(extension: Extension, place: string, horizon: Schedule['planningHorizon']): WeeklyHours {
  const parts = (url: string) =>
    (extension.extension ?? [])
      .map((part, index) => ({ part, place: `${place}.extension[${index}]` }))
      .filter(({ part }) => part.url === url);
  const durationOf = (url: string, minMs: number) => {
    const [given] = parts(url);
    return given && readDuration(given.part.valueDuration, minMs, given.place);
  };
  const availability = parts('availability');
  const windows = availability.flatMap(readWindow);
  if (windows.length === 0 || windows.length > windowsMax) {
    throw refusal(place, `Weekly hours need 1 to ${windowsMax} times in parts "availability".`);
  }
  const durationMs = durationOf('duration', minuteMs);
  if (durationMs === undefined) throw refusal(place, 'Weekly hours need a part "duration".');
  const timezone = readTimezone(parts('timezone')[0]);
  return {
    ...(timezone !== undefined && { timezone }),
    durationMs,
    beforeMs: durationOf('bufferBefore', 0) ?? 0,
    afterMs: durationOf('bufferAfter', 0) ?? 0,
    stepMs: durationOf('alignmentInterval', minuteMs) ?? durationMs,
    stepOffsetMs: durationOf('alignmentOffset', 0) ?? 0,
    capacity: readCapacity(parts('slotCapacity')[0]),
    services: parts('service').flatMap(({ part }) =>
      (part.valueCodeableConcept?.coding ?? []).map(({ system = '', code = '' }) => `${system}|${code}`),
    ),
    windows,
    ...(horizon?.start !== undefined && { from: horizon.start }),
    ...(horizon?.end !== undefined && { until: horizon.end }),
  };
}

interface Part {
  readonly part: Extension;
  readonly place: string;
}

function readTimezone(given: Part | undefined): string | undefined {
  const name = given?.part.valueCode ?? given?.part.valueString;
  if (given && (name === undefined || !isZoneName(name))) {
    throw refusal(given.place, 'The time zone must be a name of IANA, such as Europe/Vienna.');
  }
  return name;
}

function readCapacity(given: Part | undefined): number {
  const capacity = given?.part.valuePositiveInt ?? (given?.part.valueInteger as number | undefined) ?? 1;
  if (Number.isInteger(capacity) && capacity >= 1 && capacity <= capacityMax) return capacity;
  throw refusal(given?.place ?? root, `The capacity must be a whole number from 1 to ${capacityMax}.`);
}

const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** One for each time of day. */
function readWindow({ part, place }: Part): WeeklyWindow[] {
  const { dayOfWeek, timeOfDay = [], duration, durationUnit } = part.valueTiming?.repeat ?? {};
  const lengthMs = readLength(duration, durationUnit, weekMs);
  if (lengthMs === undefined || timeOfDay.length === 0) {
    throw refusal(place, 'Available hours need timeOfDay, and duration with durationUnit of at most a week.');
  }
  const days = dayOfWeek ? dayOfWeek.map((day) => weekdays.indexOf(day)) : weekdays.map((_, index) => index);
  return timeOfDay.map((time) => ({ days: [...new Set(days)], startMs: Date.parse(`1970-01-01T${time}Z`), lengthMs }));
}

function readDuration(quantity: Quantity | undefined, minMs: number, place: string): number {
  const unit = quantity?.code ?? quantity?.unit;
  const ms = readLength(quantity?.value, unit, dayMs);
  if (ms !== undefined && ms >= minMs) return ms;
  const least = minMs > 0 ? ' and at least a minute' : '';
  throw refusal(place, `A duration needs a value and a unit (min, h), at most a day${least}.`);
}

/** UCUM's codes of time: https://hl7.org/fhir/R4/valueset-units-of-time.html */
const unitsMs: Readonly<Record<string, number>> = { s: 1_000, min: minuteMs, h: 60 * minuteMs, d: dayMs, wk: weekMs };

function readLength(value: number | undefined, unit: string | undefined, maxMs: number): number | undefined {
  const unitMs = unit !== undefined && Object.hasOwn(unitsMs, unit) ? unitsMs[unit] : undefined;
  const ms = unitMs === undefined || value === undefined ? Number.NaN : Math.round(value * unitMs);
  return ms >= 0 && ms <= maxMs ? ms : undefined;
}

function refusal(place: string, diagnostics: string): Error {
  return fhirError('business-rule', diagnostics, { expression: place });
}
