// Folds the counts of resources that writes have left behind into one row for each tenant, type and class (migrations 0012, 0052).

import type { SystemDoor } from '../database/system-transaction.ts';

/** Only one worker at a time: two would wait for each other's rows. */
const lock = 812_401;

export function foldCounts(systemDoor: SystemDoor): Promise<void> {
  return systemDoor(async (trx) => {
    trx.execute({
      text: `WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock($1) AS is_ours),
        grown AS MATERIALIZED (
          SELECT tenant_id, type, count_class, min(id) AS kept FROM type_count, turn WHERE turn.is_ours
          GROUP BY tenant_id, type, count_class HAVING count(*) > 1),
        folded AS (
          DELETE FROM type_count c USING grown g
          WHERE c.tenant_id = g.tenant_id AND c.type = g.type AND c.count_class IS NOT DISTINCT FROM g.count_class AND c.id > g.kept
          RETURNING g.tenant_id, g.type, g.kept, c.amount)
        UPDATE type_count c SET amount = c.amount + f.amount
        FROM (SELECT tenant_id, type, kept, sum(amount)::bigint AS amount FROM folded GROUP BY tenant_id, type, kept) f
        WHERE c.tenant_id = f.tenant_id AND c.type = f.type AND c.id = f.kept`,
      values: [lock],
    });
  });
}
