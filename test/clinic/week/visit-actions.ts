// Visits of a random week: booked, moved, called off, missed, and brought through the clinic step by step (domain.md SM-1, SM-1b).

import type { Encounter } from '@medplum/fhirtypes';
import { buildAppointment } from '../../support/builders.ts';
import type { TestResponse } from '../../support/server.ts';
import type { Stored } from '../payments/till.ts';
import { readAll } from './books.ts';
import type { Command, VisitKind } from './commands.ts';
import { pick, type Visit, type World } from './world.ts';

const patchType = { 'Content-Type': 'application/json-patch+json' };
const holding = ['booked', 'arrived', 'checked-in', 'called', 'in-progress', 'fulfilled'];
const reasonOf = {
  cancelled: { text: 'Asked to' },
  noshow: { coding: [{ system: 'https://hpms.example/fhir/CodeSystem/no-show-reason', code: 'left-before-seen' }] },
};
const calledUrl = 'https://hpms.example/fhir/StructureDefinition/called-at';

export const visitActions: Readonly<Record<VisitKind, (world: World, command: Command) => Promise<void>>> = {
  book,
  move,
  advance,
  cancel: (world, command) => leave(world, command, 'cancelled'),
  noshow: (world, command) => leave(world, command, 'noshow'),
  'go back': goBack,
};

/** Twenty quarters of an hour in the five days of a week: two practitioners fill up soon. */
function timesOf(slot: number): { readonly start: string; readonly end: string } {
  const startMs = Date.UTC(2026, 10, 23 + Math.floor(slot / 4), 9, 15 * (slot % 4));
  return { start: new Date(startMs).toISOString(), end: new Date(startMs + 900_000).toISOString() };
}

async function book(world: World, { which, other, slot }: Command): Promise<void> {
  const [patient, practitioner] = [pick(world.patients, which)!, pick(world.practitioners, other)!];
  const isInRoom = other % 3 === 0;
  const actors = [patient, practitioner, ...(isInRoom ? [world.room] : [])];
  const participant = actors.map((reference) => ({ actor: { reference }, status: 'accepted' as const }));
  const appointment = buildAppointment(patient, practitioner, { ...timesOf(slot), participant });
  const isFree = isFreeAt(world, { practitioner, isInRoom }, slot);
  const answer = await ask(world, isFree ? 201 : 409, 'POST', '/Appointment', appointment);
  if (answer.status !== 201) return;
  const { id } = answer.json;
  world.visits.push({ id, patient, practitioner, isInRoom, slot, status: 'booked', hasDraft: false });
}

function isFreeAt(
  { visits }: World,
  wanted: Pick<Visit, 'practitioner' | 'isInRoom'>,
  slot: number,
  self?: Visit,
): boolean {
  const meets = (visit: Visit) =>
    visit !== self &&
    visit.slot === slot &&
    holding.includes(visit.status) &&
    (visit.practitioner === wanted.practitioner || (visit.isInRoom && wanted.isInRoom));
  return !visits.some(meets);
}

async function move(world: World, { which, slot }: Command): Promise<void> {
  const visit = pick(
    world.visits.filter(({ status }) => status === 'booked'),
    which,
  );
  if (!visit) return;
  const { start, end } = timesOf(slot);
  const answer = await patch(world, visit, isFreeAt(world, visit, slot, visit) ? 200 : 409, [
    { op: 'test', path: '/status', value: 'booked' },
    { op: 'replace', path: '/start', value: start },
    { op: 'replace', path: '/end', value: end },
  ]);
  if (answer.status === 200) visit.slot = slot;
}

/** From the door to the end: checked in, called, in session, finished; some are simply fulfilled. */
async function advance(world: World, { which, other }: Command): Promise<void> {
  const going = world.visits.filter(({ status }) =>
    ['booked', 'arrived', 'checked-in', 'called', 'in-progress'].includes(status),
  );
  const visit = pick(going, which);
  if (!visit) return;
  if (visit.status === 'booked') return await moveOn(world, visit, other % 4 === 0 ? 'arrived' : 'checked-in');
  if (visit.status === 'arrived') return await moveOn(world, visit, 'checked-in');
  if (other % 5 === 0 && visit.status !== 'in-progress') return await moveOn(world, visit, 'fulfilled');
  const [encounter] = await readAll<Encounter>(world.clinic, 'Encounter', `appointment=Appointment/${visit.id}`);
  if (!encounter) throw new Error(`Appointment/${visit.id} was ${visit.status} and has no Encounter.`);
  if (visit.status === 'checked-in') return await call(world, visit, encounter);
  const [status, reached] =
    visit.status === 'called' ? (['in-progress', 'in-progress'] as const) : (['finished', 'fulfilled'] as const);
  const operations = JSON.stringify([{ op: 'replace', path: '/status', value: status }]);
  const answer = await ask(world, 200, 'PATCH', `/Encounter/${encounter.id}`, operations, patchType);
  if (answer.status === 200) visit.status = reached;
}

async function moveOn(world: World, visit: Visit, status: 'arrived' | 'checked-in' | 'fulfilled'): Promise<void> {
  const answer = await patch(world, visit, 200, [{ op: 'replace', path: '/status', value: status }]);
  if (answer.status === 200) visit.status = status;
}

async function call(world: World, visit: Visit, encounter: Stored<Encounter>): Promise<void> {
  const extension = [...(encounter.extension ?? []), { url: calledUrl, valueDateTime: new Date().toISOString() }];
  const answer = await ask(world, 200, 'PUT', `/Encounter/${encounter.id}`, { ...encounter, extension });
  if (answer.status === 200) visit.status = 'called';
}

/** Whoever is in session neither cancels nor stays away. */
async function leave(world: World, { which }: Command, status: 'cancelled' | 'noshow'): Promise<void> {
  const visit = pick(
    world.visits.filter((one) => ['booked', 'arrived', 'checked-in', 'called'].includes(one.status)),
    which,
  );
  if (!visit) return;
  const answer = await patch(world, visit, 200, [
    { op: 'replace', path: '/status', value: status },
    { op: 'add', path: '/cancelationReason', value: reasonOf[status] },
  ]);
  if (answer.status === 200) visit.status = status;
}

/** What is over stays so: 422. */
async function goBack(world: World, { which }: Command): Promise<void> {
  const visit = pick(
    world.visits.filter(({ status }) => ['fulfilled', 'cancelled', 'noshow'].includes(status)),
    which,
  );
  if (visit) await patch(world, visit, 422, [{ op: 'replace', path: '/status', value: 'booked' }]);
}

function patch(world: World, { id }: Visit, expected: number, operations: readonly object[]): Promise<TestResponse> {
  return ask(world, expected, 'PATCH', `/Appointment/${id}`, JSON.stringify(operations), patchType);
}

/** Only who acts alone can know the answer. */
function ask(world: World, expected: number, ...request: Parameters<World['door']['ask']>): Promise<TestResponse> {
  return world.isForeseen ? world.door.askFor([expected], ...request) : world.door.ask(...request);
}
