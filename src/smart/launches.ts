// Launch contexts that an EHR makes for an app it opens: https://hl7.org/fhir/smart-app-launch/app-launch.html#launch-app-ehr-launch

import { randomBytes } from 'node:crypto';
import type { TenantTransaction } from '../database/tenant-transaction.ts';
import type { LaunchContext } from './app-grants.ts';
import { hashOf } from './hash.ts';

export interface Launch extends LaunchContext {
  /** The app it is for. */
  readonly clientId: string;
  /** Whose sign-in it is for; absent when a system made it, for whichever of its people comes. */
  readonly accountId?: string;
}

export const broughtWithinSeconds = 300;
/** A sign-in takes its time once it has begun. */
const usedWithinSeconds = 3_600;

/** The value of the parameter `launch`: 256 random bits of which only the hash is stored. */
export function insertLaunch(trx: TenantTransaction, launch: Launch): string {
  const value = randomBytes(32).toString('base64url');
  trx.execute({
    text: `INSERT INTO smart_launch
             (launch_hash, client_id, account_id, patient, encounter, intent, brought_until, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7), now() + make_interval(secs => $8))`,
    values: [
      hashOf(value),
      launch.clientId,
      launch.accountId ?? null,
      launch.patient ?? null,
      launch.encounter ?? null,
      launch.intent ?? null,
      broughtWithinSeconds,
      usedWithinSeconds,
    ],
  });
  return value;
}

/** Undefined when there is none for this app that was not used yet; `isBrought` when the app comes with it only now. */
export async function findLaunch(
  trx: TenantTransaction,
  value: string,
  { clientId, isBrought }: { readonly clientId: string; readonly isBrought: boolean },
): Promise<Launch | undefined> {
  const rows = await trx.query<LaunchRow>({
    text: `SELECT client_id, account_id, patient, encounter, intent FROM smart_launch
           WHERE launch_hash = $1 AND client_id = $2 AND used_at IS NULL
             AND CASE WHEN $3 THEN brought_until ELSE expires_at END > now()`,
    values: [hashOf(value), clientId, isBrought],
  });
  return rows[0] && toLaunch(rows[0]);
}

/** Of those who use it at once one does; false for the others. */
export async function useLaunch(trx: TenantTransaction, value: string): Promise<boolean> {
  const rows = await trx.query({
    text: 'UPDATE smart_launch SET used_at = now() WHERE launch_hash = $1 AND used_at IS NULL RETURNING launch_hash',
    values: [hashOf(value)],
  });
  return rows.length > 0;
}

interface LaunchRow {
  readonly client_id: string;
  readonly account_id: string | null;
  readonly patient: string | null;
  readonly encounter: string | null;
  readonly intent: string | null;
}

function toLaunch({ client_id, account_id, patient, encounter, intent }: LaunchRow): Launch {
  return {
    clientId: client_id,
    ...(account_id === null ? {} : { accountId: account_id }),
    ...(patient === null ? {} : { patient }),
    ...(encounter === null ? {} : { encounter }),
    ...(intent === null ? {} : { intent }),
  };
}
