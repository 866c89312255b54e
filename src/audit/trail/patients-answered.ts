// Whose records were shown: the patients that answered resources are about, by their references
// (https://profiles.ihe.net/ITI/BALP/content.html#patient-query).

import type { AccessFacts } from '../../access/access-facts.ts';
import type { Transaction } from '../../database/transaction.ts';

/** By `Type/id`: the `Patient/id` that it refers to. */
export type PatientsByResource = ReadonlyMap<string, readonly string[]>;

const patientType = 'Patient/';

/** One statement for all that were answered. */
export async function findPatients(trx: Transaction, facts: readonly AccessFacts[]): Promise<PatientsByResource> {
  const places = new Set<string>();
  for (const { answered = [] } of facts) {
    for (const version of answered) if (!version.startsWith(patientType)) places.add(placeOf(version));
  }
  if (places.size === 0) return new Map();
  const named = [...places].map((place) => place.split('/') as [string, string]);
  const rows = await trx.query<{ place: string; patients: string[] }>({
    name: 'patients-answered',
    text: `SELECT source_type || '/' || source_id AS place, array_agg(DISTINCT 'Patient/' || target_id) AS patients
           FROM unnest($1::text[], $2::text[]) AS shown (type, id)
           JOIN reference ON source_type = shown.type AND source_id = shown.id
           WHERE target_type = 'Patient' GROUP BY source_type, source_id`,
    values: [named.map(([type]) => type), named.map(([, id]) => id)],
  });
  return new Map(rows.map(({ place, patients }) => [place, patients]));
}

/** Each once, those that the request names first. */
export function patientsOf({ patients = [], answered = [] }: AccessFacts, found: PatientsByResource): string[] {
  const all = new Set(patients);
  for (const version of answered) {
    if (version.startsWith(patientType)) all.add(placeOf(version));
    else for (const patient of found.get(placeOf(version)) ?? []) all.add(patient);
  }
  return [...all];
}

/** `Type/id` of `Type/id/_history/n`. */
function placeOf(version: string): string {
  const end = version.indexOf('/', version.indexOf('/') + 1);
  return end < 0 ? version : version.slice(0, end);
}
