// Patients and visits as sign-in shows them, searched and read by the repository as the person who signs in.

import type { Bundle, Encounter, Identifier, Patient, Resource } from '@medplum/fhirtypes';
import type { Caller } from '../access/caller.ts';
import type { AccessTrail } from '../audit/trail/access-trail.ts';
import { FhirError } from '../fhir/outcome.ts';
import { read } from '../repository/read.ts';
import { searchType } from '../repository/search-type.ts';
import { inSession, type Repository, type Session } from '../repository/session.ts';
import type { EncounterLine, PatientDirectory, PatientLine } from '../smart/patient-directory.ts';
import { type Asked, issueOf, RequestAccess } from './request-access.ts';

const shownMax = 20;
const wordsMax = 6;
/** The visit is under way: https://hl7.org/fhir/R4/valueset-encounter-status.html */
const underWay = 'arrived,triaged,in-progress';

type Pairs = readonly (readonly [name: string, value: string])[];

/** What people are shown of patients before they let an app in is put on record as what apps are shown. */
export function createPatientDirectory(options: RecordedOptions): PatientDirectory {
  const search = async <Found extends Resource>(caller: Caller, type: string, pairs: Pairs): Promise<Found[]> => {
    const query = new URLSearchParams(pairs as [string, string][]).toString();
    const body = await recorded(options, caller, { interaction: 'search-type', path: type, query }, (session) =>
      searchType(session, { type, pairs, handling: 'strict', baseUrl: '' }),
    );
    const { entry = [] } = JSON.parse(body.toString()) as Bundle<Found>;
    return entry.flatMap(({ resource }) => resource ?? []);
  };
  const open = async <Found extends Resource>(caller: Caller, type: string, id: string): Promise<Found | undefined> =>
    await visible(async () => {
      const asked = { interaction: 'read', path: `${type}/${id}`, query: '' } as const;
      const { body } = await recorded(options, caller, asked, (session) => read(session, type, id));
      return JSON.parse(body.toString()) as Found;
    });
  return {
    async search(caller, query) {
      const pairs = [...criteria(query), ['active:not', 'false'], ['_count', String(shownMax + 1)]] as const;
      const found = (await visible(() => search<Patient>(caller, 'Patient', pairs))) ?? [];
      return { patients: found.slice(0, shownMax).map(lineOf), hasMore: found.length > shownMax };
    },
    async find(caller, id) {
      const patient = await open<Patient>(caller, 'Patient', id);
      return patient && lineOf(patient);
    },
    async encounters(caller, patientId) {
      const pairs = [
        ['patient', `Patient/${patientId}`],
        ['status:not', 'entered-in-error'],
        ['_sort', '-date'],
        ['_count', String(shownMax + 1)],
      ] as const;
      const found = (await visible(() => search<Encounter>(caller, 'Encounter', pairs))) ?? [];
      return { encounters: found.slice(0, shownMax).map(encounterLineOf), hasMore: found.length > shownMax };
    },
    async currentEncounter(caller, patientId) {
      const pairs = [
        ['patient', `Patient/${patientId}`],
        ['status', underWay],
        ['_sort', '-date'],
        ['_count', '1'],
      ] as const;
      return (await visible(() => search<Encounter>(caller, 'Encounter', pairs)))?.[0]?.id;
    },
    async hasEncounter(caller, patientId, encounterId) {
      const encounter = await open<Encounter>(caller, 'Encounter', encounterId);
      return encounter?.subject?.reference === `Patient/${patientId}`;
    },
  };
}

interface RecordedOptions {
  readonly repository: Repository;
  readonly trail: AccessTrail;
}

interface Shown extends Omit<Asked, 'method'> {
  readonly interaction: 'read' | 'search-type';
}

async function recorded<T>(
  { repository, trail }: RecordedOptions,
  caller: Caller,
  { interaction, ...asked }: Shown,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const access = new RequestAccess({ ...asked, method: 'GET', now: repository.now });
  access.caller = caller;
  try {
    const found = await inSession(repository, caller, (session) => work({ ...session, notes: access.begin() }), 'read');
    await trail.record(caller.tenantId, [access.facts({ interaction, status: 200, notes: access.notes })]);
    return found;
  } catch (error) {
    if (error instanceof FhirError && error.status < 500) {
      const refusal = { interaction, status: error.status, issue: issueOf(error) };
      await trail.record(caller.tenantId, [access.facts(refusal)]);
    }
    throw error;
  }
}

/** Undefined where the caller may not, or there is nothing: sign-in says no more than that. */
async function visible<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FhirError && error.status < 500 && error.status !== 429) return undefined;
    throw error;
  }
}

/** A date is one of birth, a word with a digit a record number, and any other a part of the name. */
function criteria(query: string): Pairs {
  return query
    .split(/\s+/)
    .filter(Boolean)
    .slice(0, wordsMax)
    .map((word) => [parameterOf(word), word.replace(/[\\,|$]/g, '\\$&')] as const);
}

function parameterOf(word: string): string {
  if (/^\d{4}-\d{2}(-\d{2})?$/.test(word)) return 'birthdate';
  return /\d/.test(word) ? 'identifier' : 'name';
}

function lineOf({ id = '', name: [name] = [], birthDate, identifier = [] }: Patient): PatientLine {
  const spoken = [...(name?.given ?? []), name?.family].filter(Boolean).join(' ');
  const number = recordNumber(identifier);
  return {
    id,
    name: name?.text ?? (spoken || 'Without a name'),
    ...(birthDate === undefined ? {} : { birthDate }),
    ...(number === undefined ? {} : { detail: number }),
  };
}

function recordNumber(identifiers: readonly Identifier[]): string | undefined {
  const medical = identifiers.find(({ type }) => type?.coding?.some(({ code }) => code === 'MR'));
  return (medical ?? identifiers[0])?.value;
}

function encounterLineOf({ id = '', type, serviceType, class: kind, period, status }: Encounter): EncounterLine {
  const concept = type?.[0] ?? serviceType;
  const date = period?.start?.slice(0, 10);
  return {
    id,
    name: concept?.text ?? concept?.coding?.[0]?.display ?? kind?.display ?? 'Visit',
    ...(date === undefined ? {} : { date }),
    status: underWay.split(',').includes(status) ? 'under way' : status,
  };
}
