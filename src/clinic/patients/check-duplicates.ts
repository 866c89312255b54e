// Who registers a patient is told of those that may be the same person: contract.md 6, domain.md S5-12 "Duplicate detection".

import type { Patient, Task } from '@medplum/fhirtypes';
import type { Caller } from '../../access/caller.ts';
import { may } from '../../access/may.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change, WriteIntent } from '../../repository/change.ts';
import type { Module } from '../../repository/module.ts';
import { meetsRows } from '../../repository/row-access.ts';
import type { Session } from '../../repository/session.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { type Candidate, findCandidates, lookupsOf } from './candidates.ts';
import { certainFrom, likenessOf, probableFrom, score } from './likeness.ts';
import { duplicateCode, taskCodeSystem } from './task-codes.ts';

/** A new patient and one who was there before, or is new as well. */
interface Pair {
  readonly other: Candidate;
  readonly score: number;
}

type Found = ReadonlyMap<Change, readonly Pair[]>;

/** Further pairs of one patient say no more than these. */
const pairsMax = 3;

/** What is found belongs to the write that looked for it. */
export function createDuplicateCheck(settingsOf: SettingsOf): Required<Pick<Module, 'guards' | 'effects'>> {
  const found = new WeakMap<Change, Promise<Found>>();
  return {
    guards: [
      {
        name: 'duplicate-patient',
        type: 'Patient',
        async run(changes, session) {
          const added = changes.filter(isNew);
          const [first] = added;
          if (!first) return;
          const settings = settingsOf(session.trx);
          if (!(settings instanceof Promise ? await settings : settings)['patients.check-duplicates']) return;
          if (refuses(session.caller)) lockRegistration(session);
          const pairs = findPairs(session, added);
          // Another guard may refuse before anybody awaits it.
          pairs.catch(() => undefined);
          // Whom nothing is refused need not wait: the statement leaves together with the next one.
          if (refuses(session.caller)) await requireNone(session, await pairs);
          found.set(first, pairs);
        },
      },
    ],
    effects: [
      {
        name: 'possible-duplicates',
        type: 'Patient',
        async run(changes, { caller, at }) {
          const first = changes.find(isNew);
          const pairs = first && (await found.get(first));
          if (!pairs || caller.duplicates === 'confirmed') return [];
          return [...pairs].flatMap(([{ id }, others]) => others.map((pair) => taskOf(id, pair, at)));
        },
      },
    ],
  };
}

function isNew({ action, byServer }: Change): boolean {
  return action === 'create' && !byServer;
}

/** Systems import what there is; people can be asked. */
function refuses(caller: Caller): boolean {
  return caller.kind === 'staff' && caller.duplicates === undefined;
}

/** Two desks, or one that is clicked twice, register somebody at once: the second sees whom the first has registered. */
function lockRegistration({ trx }: Session): void {
  trx.execute({
    name: 'lock-registration',
    text: "SELECT pg_advisory_xact_lock(hashtextextended('registration ' || $1::text, 0))",
    values: [String(trx.tenantId)],
  });
}

async function findPairs(session: Session, added: readonly Change[]): Promise<Found> {
  const people = added.map(({ id, resource }) => {
    const patient = resource as Patient;
    const likeness = likenessOf(patient);
    return { id, patient, likeness, lookups: lookupsOf(likeness) };
  });
  const candidatesMax = people.length > 100 ? 3 : 10;
  const stored = await findCandidates(session, { lookups: people.map(({ lookups }) => lookups), candidatesMax });
  const together = foundTogether(people, candidatesMax);
  return new Map(
    people.map(({ likeness }, index) => {
      const candidates = [...(stored[index] ?? []), ...(together[index] ?? [])];
      const pairs = candidates.map((other) => ({ other, score: score(likeness, likenessOf(other.patient)) }));
      const alike = pairs.filter((pair) => pair.score >= probableFrom).sort((a, b) => b.score - a.score);
      return [added[index] as Change, alike.slice(0, pairsMax)];
    }),
  );
}

interface Person extends Candidate {
  readonly lookups: ReturnType<typeof lookupsOf>;
}

/** Those before each in the same write that share a number, or a name and the day of birth: the database has none of them yet. */
function foundTogether(people: readonly Person[], candidatesMax: number): Candidate[][] {
  if (people.length === 1) return [];
  const before = new Map<string, Candidate[]>();
  return people.map((person) => {
    const found = new Set<Candidate>();
    for (const { allOf, anyOf } of person.lookups) {
      for (const text of anyOf) {
        const key = [...allOf, text].join(' ');
        const others = before.get(key) ?? [];
        for (const other of others.slice(0, candidatesMax)) found.add(other);
        before.set(key, others);
        others.push(person);
      }
    }
    found.delete(person);
    return [...found];
  });
}

/** Throws 409 where one is surely the same. It names that one only to who may read it. */
async function requireNone(session: Session, found: Found): Promise<void> {
  for (const [change, [best]] of found) {
    if (!best || best.score < certainFrom) continue;
    const { other } = best;
    const { caller } = session;
    const isVisible =
      may(caller, 'r', 'Patient') && (await meetsRows(session, 'r', { ...other.patient, id: other.id }));
    const who = isVisible ? `Patient/${other.id}` : 'A patient';
    const diagnostics = `${who} is probably the same person; send the header X-Confirm-Duplicate: true to register another.`;
    throw fhirError('duplicate', diagnostics, { expression: 'Patient', writeIndex: change.index });
  }
}

function taskOf(id: string, { other, score: valueDecimal }: Pair, at: Date): WriteIntent {
  const reference = `Patient/${id}`;
  const resource: Task = {
    resourceType: 'Task',
    status: 'requested',
    intent: 'order',
    code: { coding: [{ system: taskCodeSystem, code: duplicateCode }] },
    focus: { reference },
    for: { reference },
    authoredOn: at.toISOString(),
    input: [
      { type: { text: 'possible duplicate of' }, valueReference: { reference: `Patient/${other.id}` } },
      { type: { text: 'score' }, valueDecimal },
    ],
  };
  return { action: 'create', resource };
}
