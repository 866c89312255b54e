// Nobody can change what was posted: the database's own triggers and rights are in place (I5).

import type { Session } from '../../../repository/session.ts';
import { LedgerDifference } from './difference.ts';

const triggers = [
  ...['ledger_transaction refuse_change', 'ledger_transaction refuse_truncate', 'ledger_transaction check_journal'],
  ...['ledger_entry refuse_change', 'ledger_entry refuse_truncate', 'ledger_entry check_entry'],
];

export async function checkWalls({ trx }: Session): Promise<void> {
  const rows = await trx.query<{ name: string }>({
    name: 'ledger-triggers',
    text: `SELECT relname || ' ' || tgname AS name FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
           WHERE relnamespace = 'store'::regnamespace AND relname LIKE 'ledger%' AND tgenabled = 'O'`,
  });
  const there = new Set(rows.map(({ name }) => name));
  const missing = triggers.find((name) => !there.has(name));
  if (missing) throw new LedgerDifference('I5', `The database has no trigger ${missing}, or it is switched off.`);
  const [right] = await trx.query<{ name: string }>({
    name: 'ledger-rights',
    text: `SELECT name || ' ' || verb AS name FROM unnest(ARRAY['ledger_transaction', 'ledger_entry']) AS name,
             unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS verb
           WHERE has_table_privilege(current_user, 'tenant.' || name, verb) LIMIT 1`,
  });
  if (right) throw new LedgerDifference('I5', `The application has the right ${right.name}.`);
}
