// A clinic that has somebody who administers it keeps somebody: nobody could let anyone in again.

import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { FhirError, fhirError } from '../fhir/outcome.ts';
import { roles } from './roles.ts';

const right = 'op:admin';
const systemRoles = Object.entries(roles)
  .filter(([, { operations }]) => (operations as readonly string[]).includes(right))
  .map(([slug]) => slug);

/** Throws 409 when after `change` the last active account with the right is gone. Changes of a tenant's people take turns. */
export async function keepAdministrator<T>(trx: TenantTransaction, change: () => Promise<T>): Promise<T> {
  await takeTurn(trx);
  const before = await countAdministrators(trx);
  const changed = await change();
  if (before > 0 && (await countAdministrators(trx)) === 0) {
    const diagnostics = `The clinic would have no active account left with the right ${right}; give it to another one first.`;
    throw fhirError('conflict', diagnostics);
  }
  return changed;
}

/** Somebody else has the turn; nothing was done. 503 for whoever does not try again by itself. */
export class TurnTaken extends FhirError {
  constructor() {
    const diagnostics = 'Somebody else is changing the people, roles or clients of this clinic; try again.';
    super([{ severity: 'error', code: 'transient', diagnostics }], { retryAfterSeconds: 1 });
  }
}

/**
 * Until the end of the transaction no other one changes people, roles and clients of the tenant. Throws TurnTaken at once: a
 * transaction that waited would hold its connection meanwhile.
 */
export async function takeTurn(trx: TenantTransaction): Promise<void> {
  const [row] = await trx.query<{ taken: boolean }>({
    text: 'SELECT pg_try_advisory_xact_lock(4710003, $1) AS taken',
    values: [trx.tenantId],
  });
  if (!row?.taken) throw new TurnTaken();
}

async function countAdministrators(trx: TenantTransaction): Promise<number> {
  const rows = await trx.query<{ count: number }>({
    text: `SELECT count(*)::int AS count FROM account WHERE active
             AND roles && ($1::text[] || ARRAY(SELECT slug FROM role WHERE active AND $2 = ANY (grants)))`,
    values: [systemRoles, right],
  });
  return rows[0]?.count ?? 0;
}
