// A tenant door that notes the names of the statements that go through it, but for those that follow answers whenever it suits.

import type { Statement } from '../../src/database/statement.ts';
import type { TenantDoor, TenantTransaction } from '../../src/database/tenant-transaction.ts';

/** Of AuditEvents: src/audit/trail. */
const following: ReadonlySet<string> = new Set(['store-access-events', 'insert-token-groups']);

export function recordingDoor(door: TenantDoor, names: string[]): TenantDoor {
  const note = ({ name = '' }: Statement) => {
    if (!following.has(name)) names.push(name);
  };
  const recorded = (trx: TenantTransaction): TenantTransaction => ({
    tenantId: trx.tenantId,
    query(statement) {
      note(statement);
      return trx.query(statement);
    },
    execute(statement) {
      note(statement);
      trx.execute(statement);
    },
  });
  return (tenantId, work, kind) => door(tenantId, (trx) => work(recorded(trx)), kind);
}
