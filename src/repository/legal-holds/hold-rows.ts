// Legal holds of a tenant or of one of its patients: what is held is neither deleted nor archived nor shredded until each is released
// (README, Archives).

import { randomUUID } from 'node:crypto';
import type { SealedColumn } from '../../crypto/sealed-column.ts';
import type { TenantCipher } from '../../crypto/tenant-cipher.ts';
import { fhirError, notFound } from '../../fhir/outcome.ts';
import { find } from '../read.ts';
import type { Session } from '../session.ts';
import { recordHoldAct } from './hold-audit.ts';

/** Who has set it, and ends it: an administrator of the clinic, of the system, or the operator. */
export type HoldLevel = 'clinic' | 'system' | 'operator';

export interface LegalHold {
  readonly id: string;
  /** Of a Patient; undefined: all of the tenant. */
  readonly patientId: string | undefined;
  /** Undefined where the operator gave none. */
  readonly reason: string | undefined;
  readonly heldAt: Date;
  readonly heldBy: string;
  readonly level: HoldLevel;
}

export interface NewHold {
  readonly patientId?: string | undefined;
  readonly reason: string;
  readonly by: string;
  readonly level: Exclude<HoldLevel, 'operator'>;
}

/** Of a list; more are the work of nobody. */
export const holdsMax = 1_000;

/** In force when it is committed; deletions that are under way are waited for. Throws 404 for a patient who never was. */
export async function placeHold(session: Session, { patientId, reason, by, level }: NewHold): Promise<LegalHold> {
  const { trx, cipher } = session;
  // A deleted one is held as well: its versions are there.
  if (patientId !== undefined && !(await find(session, 'Patient', patientId))) throw notFound('Patient', patientId);
  trx.execute({ name: 'hold-alone', text: 'SELECT pg_advisory_xact_lock($1)', values: [lockOf(cipher)] });
  const id = randomUUID();
  const rows = await trx.query<HoldRow>({
    name: 'place-hold',
    text: `INSERT INTO legal_hold (id, patient_id, reason, held_by, level)
           SELECT $1, $2, $3, $4, $5 WHERE (SELECT count(*) FROM legal_hold) < ${holdsMax} RETURNING ${columns}`,
    values: [id, patientId ?? null, cipher.seal(Buffer.from(reason), reasonContext(id)), by, level],
  });
  if (!rows[0]) throw fhirError('business-rule', `There are ${holdsMax} legal holds already.`);
  const hold = toHold(rows[0], cipher);
  recordHoldAct(session, 'placeLegalHold', hold);
  return hold;
}

/** Of the patient, or all; the last set first. */
export async function listHolds({ trx, cipher }: Session, patientId?: string): Promise<LegalHold[]> {
  const rows = await trx.query<HoldRow>({
    name: 'list-holds',
    text: `SELECT ${columns} FROM legal_hold WHERE $1::text IS NULL OR patient_id = $1
           ORDER BY held_at DESC, id LIMIT ${holdsMax + 1}`,
    values: [patientId ?? null],
  });
  return rows.map((row) => toHold(row, cipher));
}

/** Throws 404 where there is none, and 403 where somebody above has set it. */
export async function releaseHold(
  session: Session,
  id: string,
  { levels, reason }: { readonly levels: readonly HoldLevel[]; readonly reason?: string | undefined },
): Promise<LegalHold> {
  const { trx, cipher } = session;
  const unknown = fhirError('not-found', 'There is no such legal hold.');
  if (!uuidSyntax.test(id)) throw unknown;
  const [row] = await trx.query<HoldRow>({
    name: 'read-hold',
    text: `SELECT ${columns} FROM legal_hold WHERE id = $1 FOR UPDATE`,
    values: [id],
  });
  if (!row) throw unknown;
  if (!levels.includes(row.level)) {
    throw fhirError('forbidden', `This legal hold is released by ${releasedBy[row.level]} only.`);
  }
  trx.execute({ name: 'release-hold', text: 'DELETE FROM legal_hold WHERE id = $1', values: [id] });
  const hold = toHold(row, cipher);
  recordHoldAct(session, 'releaseLegalHold', { ...hold, reason });
  return hold;
}

const releasedBy: Readonly<Record<HoldLevel, string>> = {
  clinic: 'an administrator of the clinic',
  system: 'an administrator of the system',
  operator: 'the operator (npm run archive)',
};

const uuidSyntax = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const columns = 'id, patient_id, reason, held_at, held_by, level';

interface HoldRow {
  readonly id: string;
  readonly patient_id: string | null;
  readonly reason: Buffer | null;
  readonly held_at: Date;
  readonly held_by: string;
  readonly level: HoldLevel;
}

function toHold(row: HoldRow, cipher: TenantCipher): LegalHold {
  return {
    id: row.id,
    patientId: row.patient_id ?? undefined,
    reason: row.reason ? cipher.open(row.reason, reasonContext(row.id)).toString() : undefined,
    heldAt: row.held_at,
    heldBy: row.held_by,
    level: row.level,
  };
}

/** Who deletes takes it shared, so that nothing is deleted behind a hold. */
export function lockOf(cipher: TenantCipher): string {
  return String(cipher.fixedTokenOf('legal hold'));
}

function reasonContext(id: string): string {
  return `legal_hold|${id}|reason`;
}

export const reasonColumn: SealedColumn = {
  ...{ table: 'legal_hold', column: 'reason', key: [{ name: 'id', type: 'uuid' }] },
  contextOf: ([id = '']) => reasonContext(id),
};
