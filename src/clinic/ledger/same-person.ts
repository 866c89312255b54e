// Who is one person in the books: a Patient with all who were merged into it, for what was posted stays where it was posted (domain.md `$merge`).

import type { Session } from '../../repository/session.ts';

/**
 * For WITH RECURSIVE: `person` has for each `asked` of `$1`, all as `Patient/x`, every `patient` who is the same. A merge is
 * followed both ways, so that the account of whoever was merged away tells the same as that of the survivor.
 */
export const samePersons = `person (asked, patient) AS (
    SELECT given.asked COLLATE "C", given.asked COLLATE "C" FROM unnest($1::text[]) AS given (asked)
    UNION
    SELECT person.asked, 'Patient/' || other.id FROM person CROSS JOIN LATERAL (
      SELECT into_whom.target_id AS id FROM patient_merge into_whom WHERE into_whom.source_id = substr(person.patient, 9)
      UNION ALL
      SELECT from_whom.source_id FROM patient_merge from_whom WHERE from_whom.target_id = substr(person.patient, 9)) AS other)`;

export interface Person {
  /** `Patient/x`: who goes on. */
  readonly survivor: string;
  /** With the survivor. */
  readonly patients: readonly string[];
}

/** Whoever was never merged is one alone. */
export async function readPerson({ trx }: Session, patient: string): Promise<Person> {
  const rows = await trx.query<{ patient: string; isMerged: boolean }>({
    name: 'read-person',
    text: `WITH RECURSIVE ${samePersons}
           SELECT person.patient, EXISTS (
             SELECT FROM patient_merge merge WHERE merge.source_id = substr(person.patient, 9)) AS "isMerged"
           FROM person ORDER BY person.patient`,
    values: [[patient]],
  });
  const survivor = rows.find(({ isMerged }) => !isMerged)?.patient ?? patient;
  return { survivor, patients: rows.map((row) => row.patient) };
}
