// Which months of which tenant are in files, as the servers know it: read once a minute, and at once when it has changed.

import type { SystemDoor } from '../../database/system-transaction.ts';
import type { ArchivesReader } from '../../repository/tell-archived.ts';
import type { ArchivedTable } from './months.ts';

const ageMaxMs = 60_000;
const none: readonly string[] = [];

type Months = ReadonlyMap<string, readonly string[]>;

/** Where nothing is archived, as nearly everywhere, there is nothing to look up. */
export function createArchivesReader(systemDoor: SystemDoor): ArchivesReader & { forget(): void } {
  let known: Months | undefined;
  let loading: Promise<Months> | undefined;
  let readAtMs = 0;

  function load(): Promise<Months> {
    const started = systemDoor((trx) => trx.query<MonthRow>(archivedMonths)).then((rows) => {
      const months = byTable(rows);
      // What was forgotten meanwhile is not known again.
      if (loading === started) {
        known = months;
        readAtMs = performance.now();
        loading = undefined;
      }
      return months;
    });
    loading = started;
    started.catch(() => {
      if (loading === started) loading = undefined;
    });
    return started;
  }

  return {
    of(tenantId, table) {
      const key = keyOf(tenantId, table);
      if (known && performance.now() - readAtMs < ageMaxMs) return known.get(key) ?? none;
      return (loading ?? load()).then((months) => months.get(key) ?? none);
    },
    forget() {
      known = undefined;
      loading = undefined;
    },
  };
}

interface MonthRow {
  readonly tenantId: number;
  readonly table: ArchivedTable;
  readonly month: string;
}

const archivedMonths = {
  name: 'archived-months',
  text: `SELECT DISTINCT tenant_id AS "tenantId", table_name AS "table", to_char(month, 'YYYY-MM') AS month
         FROM archive ORDER BY 3`,
};

function byTable(rows: readonly MonthRow[]): Months {
  const months = new Map<string, string[]>();
  for (const { tenantId, table, month } of rows) {
    const key = keyOf(tenantId, table);
    months.set(key, [...(months.get(key) ?? []), month]);
  }
  return months;
}

function keyOf(tenantId: number, table: ArchivedTable): string {
  return `${tenantId} ${table}`;
}
