// What documents say of the clinic and of the patient, as far as the caller may read it.

import type { Address, HumanName, Organization, Patient, Resource } from '@medplum/fhirtypes';
import { FhirError } from '../../fhir/outcome.ts';
import { openBinary } from '../../repository/binary.ts';
import { findMatches } from '../../repository/find-matches.ts';
import { read } from '../../repository/read.ts';
import type { Session } from '../../repository/session.ts';
import { openVersion, parseBody } from '../../repository/stored-version.ts';
import { parseSearch } from '../../search/parse.ts';

export interface Letterhead {
  readonly name: string;
  /** Address, telephone, numbers of registers. */
  readonly lines: readonly string[];
  /** `data:image/png;base64,...` */
  readonly logo?: string;
}

export interface PatientFacts {
  readonly name: string;
  /** Medical record number; absent where there is none. */
  readonly number?: string;
  readonly birthDate?: string;
  readonly lines: readonly string[];
}

const patientNumberSystem = 'https://hpms.example/fhir/sid/patient';
const provider = 'http://terminology.hl7.org/CodeSystem/organization-type|prov';
const organizationsMax = 20;
const logoBytesMax = 500_000;
const logoTypes: ReadonlySet<string> = new Set(['image/png', 'image/jpeg']);

/** `issuer` is the Organization a document names; without one it is the clinic's own, the oldest that is part of none. */
export async function readLetterhead(
  session: Session,
  issuer: string | undefined,
  logo: string | null,
): Promise<Letterhead> {
  const named = issuer === undefined ? undefined : await readVisible<Organization>(session, issuer);
  const organization = named ?? (await ownOrganization(session));
  const image = logo === null ? undefined : await readLogo(session, logo);
  return {
    name: organization?.name ?? '',
    lines: [
      ...(organization?.address?.slice(0, 1).flatMap(addressLines) ?? []),
      ...(organization?.telecom ?? []).slice(0, 2).flatMap(({ value }) => value ?? []),
      ...(organization?.identifier ?? [])
        .slice(0, 2)
        .flatMap(({ value, type }) => (value === undefined ? [] : [`${type?.text ?? ''} ${value}`.trim()])),
    ],
    ...(image !== undefined && { logo: image }),
  };
}

/** Undefined where the caller may not read who it is. */
export async function readPatient(session: Session, reference: string | undefined): Promise<PatientFacts | undefined> {
  if (!reference?.startsWith('Patient/')) return undefined;
  const patient = await readVisible<Patient>(session, reference);
  return patient && patientFacts(patient);
}

export function patientFacts({ name, identifier, birthDate, address }: Patient): PatientFacts {
  const number = identifier?.find(({ system }) => system === patientNumberSystem)?.value;
  const shown = name?.find(({ use }) => use === 'official') ?? name?.find(({ use }) => use !== 'old') ?? name?.[0];
  const current = address?.find(({ use }) => use !== 'old');
  return {
    name: shown ? nameText(shown) : '',
    ...(number !== undefined && { number }),
    ...(birthDate !== undefined && { birthDate }),
    lines: current ? addressLines(current) : [],
  };
}

/** Undefined for what is not there or not for the caller's eyes. */
export async function readVisible<R extends Resource>(session: Session, reference: string): Promise<R | undefined> {
  const [type = '', id = ''] = reference.split('/');
  try {
    return parseBody(await read(session, type, id)) as R;
  } catch (error) {
    if (error instanceof FhirError) return undefined;
    throw error;
  }
}

async function ownOrganization(session: Session): Promise<Organization | undefined> {
  const query = parseSearch(session.definitions, 'Organization', [['type', provider]], {
    handling: 'strict',
    now: session.at.getTime(),
  });
  const [rows = []] = await findMatches(session, [{ query, matchesMax: organizationsMax, needsBody: true }]);
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  const versions = await Promise.all(rows.map((row) => openVersion(reader, row)));
  return versions
    .map((version) => parseBody(version) as Organization)
    .filter(({ partOf }) => partOf === undefined)
    .sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1))[0];
}

async function readLogo(session: Session, reference: string): Promise<string | undefined> {
  try {
    const binary = await openBinary(session, reference.slice('Binary/'.length));
    const { contentType, content } = binary;
    if (!logoTypes.has(contentType) || (content?.sizeBytes ?? 0) > logoBytesMax) return undefined;
    const pieces: Buffer[] = [];
    for await (const piece of binary.bytes()) pieces.push(piece);
    return `data:${contentType};base64,${Buffer.concat(pieces).toString('base64')}`;
  } catch (error) {
    // A document without its logo is better than none.
    if (error instanceof FhirError) return undefined;
    throw error;
  }
}

function nameText({ text, prefix, given, family, suffix }: HumanName): string {
  return text ?? [...(prefix ?? []), ...(given ?? []), family, ...(suffix ?? [])].filter(Boolean).join(' ');
}

function addressLines({ text, line, postalCode, city, state, country }: Address): string[] {
  if (text !== undefined) return text.split('\n').slice(0, 6);
  const place = [postalCode, city].filter(Boolean).join(' ');
  return [...(line ?? []), [place, state].filter(Boolean).join(', '), country ?? ''].filter((part) => part !== '');
}
