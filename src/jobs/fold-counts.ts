// Folds the counts of resources that writes have left behind into one row for each tenant and type (migration 0012).

import type { SystemDoor } from '../database/system-transaction.ts';

/** Only one worker at a time: two would wait for each other's rows. */
const lock = 812_401;

export function foldCounts(systemDoor: SystemDoor): Promise<void> {
  return systemDoor(async (trx) => {
    trx.execute({
      text: `WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock($1) AS is_ours),
        grown AS MATERIALIZED (
          SELECT tenant_id, type, min(id) AS kept FROM type_count, turn WHERE turn.is_ours
          GROUP BY tenant_id, type HAVING count(*) > 1),
        folded AS (
          DELETE FROM type_count c USING grown g WHERE c.tenant_id = g.tenant_id AND c.type = g.type AND c.id > g.kept
          RETURNING c.tenant_id, c.type, c.amount)
        UPDATE type_count c SET amount = c.amount + f.amount
        FROM (SELECT tenant_id, type, sum(amount)::bigint AS amount FROM folded GROUP BY tenant_id, type) f
        JOIN grown g USING (tenant_id, type)
        WHERE c.tenant_id = g.tenant_id AND c.type = g.type AND c.id = g.kept`,
      values: [lock],
    });
  });
}
