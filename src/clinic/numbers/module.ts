// Numbers of patients and appointments, given by the server as the clinic writes them (contract.md 45).

import type { Identifier, Resource } from '@medplum/fhirtypes';
import type { Workflow } from '../../operations/workflow.ts';
import type { SeriesCode } from '../../people/number-series.ts';
import type { Change } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { parseBody } from '../../repository/stored-version.ts';
import { findVersion } from '../../repository/vread.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { addIdentifier, ofSystem, replaceOfSystem } from './identifiers.ts';
import { takeNumbers } from './take-numbers.ts';

export interface NumbersOptions {
  readonly settingsOf: SettingsOf;
}

export interface NumbersModule extends Workflow {
  /** For a guard that waits for the database: the numbers of these changes are asked for in the same message. */
  takeAhead(changes: readonly Change[], session: Session): void;
}

export function createNumbersModule(_options: NumbersOptions): NumbersModule {
  return {
    name: 'numbers',
    takeAhead,
    prepare: numbered.map((series) => ({
      name: 'own-number',
      type: series.type,
      run: (changes, session) => keepNumbers(series, changes, session),
    })),
    // Last of the guards, so that what is refused has held no number that others would have had to pass over.
    guards: numbered.map((series) => ({
      name: 'next-number',
      type: series.type,
      run: (changes, session) => giveNumbers(series, changes, session),
    })),
  };
}

interface NumberedType {
  readonly type: string;
  readonly code: SeriesCode;
  /** Without the value. */
  readonly identifier: Identifier & { readonly system: string };
}

const numbered: readonly NumberedType[] = [
  {
    type: 'Patient',
    code: 'PAT',
    identifier: {
      use: 'usual',
      type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }] },
      system: 'https://hpms.example/fhir/sid/patient',
    },
  },
  {
    type: 'Appointment',
    code: 'APT',
    identifier: { system: 'https://hpms.example/fhir/sid/appointment' },
  },
];

/** What a client says in the server's system counts for nothing; what the server says of an old one does. */
async function keepNumbers(
  { identifier: { system } }: NumberedType,
  changes: readonly Change[],
  session: Session,
): Promise<void> {
  for (const change of changes) {
    if (!change.resource || (change.byServer && change.oldResource)) continue;
    replaceOfSystem(change, system, ofSystem(change.oldResource ?? (await beforeDeletion(change, session)), system));
  }
}

/** What comes back has the number that it was known by: it stands on cards, and nobody else ever gets it. */
async function beforeDeletion({ type, id, old }: Change, session: Session): Promise<Resource | undefined> {
  if (!old || old.body) return undefined;
  const version = await findVersion(session, type, id, old.versionId - 1);
  return version && parseBody(version);
}

/** Also to those that were stored before there were numbers. */
async function giveNumbers(series: NumberedType, changes: readonly Change[], session: Session): Promise<void> {
  const { code, identifier } = series;
  const without = withoutNumber(series, changes);
  const numbers = await (taken.get(without[0] as Change) ?? takeNumbers(session, code, without.length));
  for (const [index, change] of without.entries())
    addIdentifier(change, { ...identifier, value: numbers[index] ?? '' });
}

function withoutNumber({ identifier }: NumberedType, changes: readonly Change[]): Change[] {
  return changes.filter(({ resource }) => resource && ofSystem(resource, identifier.system).length === 0);
}

/** By the first change that is to have one. */
const taken = new WeakMap<Change, Promise<readonly string[]>>();

function takeAhead(changes: readonly Change[], session: Session): void {
  const series = numbered.find(({ type }) => type === changes[0]?.type);
  const without = series ? withoutNumber(series, changes) : [];
  const [first] = without;
  if (!series || !first) return;
  const numbers = takeNumbers(session, series.code, without.length);
  // What is refused meanwhile needs none, and gives them back.
  numbers.catch(() => undefined);
  taken.set(first, numbers);
}
