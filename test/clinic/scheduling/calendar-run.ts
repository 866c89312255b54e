// Random sequences of bookings, moves and cancellations, against the server and against a calendar that a child could keep.

import type { Appointment } from '@medplum/fhirtypes';
import fc from 'fast-check';
import type { TestResponse, TestServer } from '../../support/server.ts';
import { bookingsOf, type Desk, type Stored } from './desk.ts';

/** Times are minutes after midnight; `visit` counts the visits booked so far, from the last. */
export type Command =
  | { readonly do: 'book'; readonly who: readonly number[]; readonly from: number; readonly minutes: number }
  | { readonly do: 'move'; readonly visit: number; readonly from: number; readonly minutes: number }
  | { readonly do: 'cancel' | 'noshow' | 'delete' | 'fulfil'; readonly visit: number }
  | { readonly do: 'invite'; readonly visit: number; readonly who: number };

const practitioners = 3;
const who = fc.integer({ min: 0, max: practitioners - 1 });
/** A short day, so that much of it meets. */
const from = fc.integer({ min: 0, max: 36 }).map((five) => 8 * 60 + five * 5);
const minutes = fc.constantFrom(5, 10, 15, 30, 45, 60);
const visit = fc.nat({ max: 9 });

export const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('book' as const),
        who: fc.uniqueArray(who, { minLength: 1 }),
        from,
        minutes,
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('move' as const), visit, from, minutes }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constantFrom('cancel' as const, 'noshow' as const, 'delete' as const, 'fulfil' as const),
        visit,
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('invite' as const), visit, who }) },
  ),
  { minLength: 5, maxLength: 30 },
);

interface Entry {
  readonly who: readonly number[];
  readonly from: number;
  readonly until: number;
}

interface Known {
  stored: Stored<Appointment>;
  entry: Entry;
  isOpen: boolean;
}

/** What each practitioner's day must look like in the end, and what it looks like. */
export interface Days {
  readonly expected: string[];
  readonly found: string[];
}

/** Throws at the first answer that the naive calendar does not expect. */
export async function follow(server: TestServer, desk: Desk, sequence: readonly Command[]): Promise<Days> {
  const names = await Promise.all(Array.from({ length: practitioners }, () => desk.practitioner()));
  /** Everything that holds its time. */
  const calendar = new Set<Known>();
  const visits: Known[] = [];
  for (const command of sequence) {
    const known = command.do === 'book' ? undefined : visits.at(-1 - command.visit);
    if (command.do === 'book') await book(command);
    else if (known?.isOpen) await change(known, command);
  }
  return { expected: [...calendar].flatMap(linesOf).sort(), found: (await bookingsOf(server, names)).sort() };

  async function book(command: Command & { do: 'book' }): Promise<void> {
    const entry = { who: command.who, from: command.from, until: command.from + command.minutes };
    const answer = await desk.book(resourceOf(entry));
    requireStatus(command, answer, isFree(entry) ? 201 : 409);
    if (answer.status !== 201) return;
    const known = { stored: answer.json, entry, isOpen: true };
    visits.push(known);
    calendar.add(known);
  }

  async function change(known: Known, command: Exclude<Command, { do: 'book' }>): Promise<void> {
    if (command.do === 'delete') {
      await desk.remove(known.stored);
      known.isOpen = false;
      calendar.delete(known);
      return;
    }
    const entry = entryAfter(known.entry, command);
    const status = {
      cancel: 'cancelled',
      noshow: 'noshow',
      fulfil: 'fulfilled',
      move: 'booked',
      invite: 'booked',
    } as const;
    const reason = command.do === 'cancel' ? { cancelationReason: { text: 'x' } } : {};
    const resource = { ...known.stored, ...resourceOf(entry), ...reason, status: status[command.do] };
    const answer = await desk.put(resource);
    const ends = command.do === 'cancel' || command.do === 'noshow';
    requireStatus(command, answer, ends || isFree(entry, known) ? 200 : 409);
    if (answer.status !== 200) return;
    Object.assign(known, { stored: answer.json, entry, isOpen: command.do === 'move' || command.do === 'invite' });
    if (ends) calendar.delete(known);
  }

  function isFree(wanted: Entry, except?: Known): boolean {
    return [...calendar].every((other) => other === except || !meets(other.entry, wanted));
  }

  function resourceOf(entry: Entry): Appointment {
    return desk.visit(
      entry.who.map((index) => names[index]!),
      clock(entry.from),
      clock(entry.until),
    );
  }

  function linesOf({ stored, entry }: Known): string[] {
    return entry.who.map((index) => `${names[index]} ${clock(entry.from)} ${clock(entry.until)} ${stored.id}`);
  }
}

function entryAfter(entry: Entry, command: Exclude<Command, { do: 'book' }>): Entry {
  if (command.do === 'move') return { ...entry, from: command.from, until: command.from + command.minutes };
  if (command.do === 'invite') return { ...entry, who: [...new Set([...entry.who, command.who])] };
  return entry;
}

function meets(a: Entry, b: Entry): boolean {
  return a.who.some((one) => b.who.includes(one)) && a.from < b.until && b.from < a.until;
}

function requireStatus(command: Command, { status, text }: TestResponse, expected: number): void {
  if (status !== expected) throw new Error(`${JSON.stringify(command)} is ${status} and not ${expected}: ${text}`);
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}
