// Random lives of visits, written by both of their halves, against the server; and what must be true of them afterwards.

import type { Appointment, Encounter } from '@medplum/fhirtypes';
import fc from 'fast-check';
import type { TestResponse } from '../../support/server.ts';
import { leftBeforeSeen, queueNumberOf, type Stored, type WaitingRoom } from './waiting-room.ts';

export type Command =
  | { readonly of: 'appointment'; readonly visit: number; readonly status: Appointment['status'] }
  | { readonly of: 'encounter'; readonly visit: number; readonly status: Encounter['status'] }
  | {
      readonly of: 'both';
      readonly visit: number;
      readonly status: Appointment['status'];
      readonly encounter: Encounter['status'];
    }
  /** A client makes the Encounter. */
  | { readonly of: 'new'; readonly visit: number; readonly status: Encounter['status'] };

const visits = 3;
const visit = fc.nat({ max: visits - 1 });
const status = fc.constantFrom<Appointment['status'][]>(
  ...(['booked', 'arrived', 'arrived', 'checked-in', 'checked-in', 'fulfilled', 'noshow', 'cancelled'] as const),
);
const encounter = fc.constantFrom<Encounter['status'][]>(
  ...(['planned', 'arrived', 'triaged', 'in-progress', 'in-progress', 'onleave', 'finished', 'cancelled'] as const),
);

export const lives: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ of: fc.constant('appointment' as const), visit, status }) },
    { weight: 4, arbitrary: fc.record({ of: fc.constant('encounter' as const), visit, status: encounter }) },
    { weight: 1, arbitrary: fc.record({ of: fc.constant('both' as const), visit, status, encounter }) },
    { weight: 1, arbitrary: fc.record({ of: fc.constant('new' as const), visit, status: encounter }) },
  ),
  { minLength: 4, maxLength: 18 },
);

/** What is wrong after the lives; nothing where every rule holds. Some of the commands come at once. */
export async function live(room: WaitingRoom, commands: readonly Command[], atOnce: number): Promise<string[]> {
  const doctor = await room.practitioner();
  const booked = await Promise.all(Array.from({ length: visits }, () => room.booked(doctor)));
  const wrong: string[] = [];
  for (let from = 0; from < commands.length; from += atOnce) {
    const answers = await Promise.all(
      commands.slice(from, from + atOnce).map((command) => follow(room, booked[command.visit]!, command)),
    );
    for (const answer of answers) {
      if (answer && ![200, 201, 409, 422].includes(answer.status)) wrong.push(`${answer.status} ${answer.text}`);
    }
  }
  const numbers: number[] = [];
  for (const one of booked) wrong.push(...(await faultsOf(room, one, numbers)));
  const inOrder = [...new Set(numbers)].sort((a, b) => a - b);
  if (inOrder.some((number, index) => number !== index + 1) || inOrder.length !== numbers.length) {
    wrong.push(`The queue numbers are ${numbers.join()}.`);
  }
  return wrong;
}

async function follow(
  room: WaitingRoom,
  booked: Stored<Appointment>,
  command: Command,
): Promise<TestResponse | undefined> {
  if (command.of === 'appointment') return await room.patch(booked, stepsTo(command.status));
  const link = { appointment: [{ reference: `Appointment/${booked.id}` }] };
  const fresh = { ...{ resourceType: 'Encounter', class: { code: 'AMB' } }, ...link, status: command.status };
  if (command.of === 'new') return await room.tenant.request('POST', '/Encounter', fresh);
  const current = await room.encounterOf(booked);
  if (!current) return undefined;
  if (command.of === 'encounter') return await room.moveEncounter(current, command.status);
  const appointment = { ...(await room.appointmentNow(booked)), status: command.status, ...reasonFor(command.status) };
  const entry = [appointment, { ...current, status: command.encounter }].map((resource) => ({
    resource,
    request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
  }));
  return await room.tenant.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry });
}

function reasonFor(to: Appointment['status']): Partial<Appointment> {
  return to === 'cancelled' || to === 'noshow' ? { cancelationReason: leftBeforeSeen } : {};
}

function stepsTo(to: Appointment['status']): object[] {
  const { cancelationReason } = reasonFor(to);
  const reason = cancelationReason ? [{ op: 'add', path: '/cancelationReason', value: cancelationReason }] : [];
  return [{ op: 'replace', path: '/status', value: to }, ...reason];
}

async function faultsOf(room: WaitingRoom, { id }: Stored<Appointment>, numbers: number[]): Promise<string[]> {
  const appointments = await room.versions<Appointment>('Appointment', id);
  const last = appointments.at(-1)?.status;
  // Throws where there are two.
  const found = await room.encounterOf({ id });
  const awaited = last === 'booked';
  if (!found) return awaited || last === 'noshow' || last === 'cancelled' ? [] : [`${last} has no Encounter.`];
  const encounters = await room.versions<Encounter>('Encounter', found.id);
  const faults: string[] = [];
  const fault = (isFault: boolean, text: string) => (isFault ? faults.push(text) : 0);
  fault((last === 'fulfilled') !== (found.status === 'finished'), `${last} with an Encounter that is ${found.status}.`);
  fault((last === 'noshow' || last === 'cancelled') !== (found.status === 'cancelled'), `${last}: ${found.status}.`);
  fault(awaited && found.status !== 'planned', `${last} with an Encounter that is ${found.status}.`);
  faults.push(...historyFaults(appointments, encounters));
  const numbered = [...new Set(encounters.flatMap((one) => queueNumberOf(one) ?? []))];
  fault(numbered.length > 1, `It had the numbers ${numbered.join()}.`);
  const hasWaited = encounters.some((one) => queueNumberOf(one) !== undefined);
  fault(hasWaited && !appointments.some((one) => one.status === 'checked-in'), 'It has a number without check-in.');
  numbers.push(...numbered);
  return faults;
}

/** The last statusHistory against the versions of both. */
function historyFaults(appointments: readonly Appointment[], encounters: readonly Encounter[]): string[] {
  const history = encounters.at(-1)?.statusHistory ?? [];
  const told = history.map(({ status: was, period }) => `${was} ${period.start}`);
  const lived = encounters
    .filter((version, index) => version.status !== encounters[index - 1]?.status)
    .map((version) => `${version.status} ${version.meta?.lastUpdated}`);
  // An implied arrival is told, though there was no version of it.
  const implied = history.filter(({ status: was, period }) => was === 'arrived' && period.start === period.end);
  const real = told.filter((line) => !implied.some((one) => line === `arrived ${one.period.start}`));
  const faults =
    real.join() === lived.filter((line) => real.includes(line) || !line.startsWith('arrived')).join()
      ? []
      : [`${real.join()} is told and ${lived.join()} was lived.`];
  if (implied.length > 1) faults.push('It arrived twice.');
  const ends = history.slice(0, -1).map(({ period }) => period.end);
  const starts = history.slice(1).map(({ period }) => period.start);
  if (ends.join() !== starts.join()) faults.push('The periods do not follow each other.');
  for (const [to, becomes] of [
    ['fulfilled', 'finished'],
    ['cancelled', 'cancelled'],
    ['noshow', 'cancelled'],
  ] as const) {
    const since = appointments.find((version) => version.status === to)?.meta?.lastUpdated ?? '';
    const isOlder = (encounters[0]?.meta?.lastUpdated ?? '') <= since;
    // Of two writes at once the later version has the later time, and the other half may have met that one.
    const isTold = history.some(({ status: was, period }) => was === becomes && (period.start ?? '') >= since);
    if (since !== '' && isOlder && !isTold) faults.push(`The history does not tell of ${to} at ${since}.`);
  }
  return faults;
}
