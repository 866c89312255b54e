// Numbers and quantities of resources, for ranges of them: https://hl7.org/fhir/R4/search.html#quantity

import type { Knex } from 'knex';
import { isolateTenantTable } from '../src/database/tenant-table.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE store.range_value (
      tenant_id integer NOT NULL,
      type text COLLATE "C" NOT NULL,
      id text COLLATE "C" NOT NULL,
      parameter text COLLATE "C" NOT NULL,
      -- Keyed: the unit, and for a composite the code beside the number.
      unit bigint NOT NULL,
      -- In the order of numbers, see src/search/exact-number.ts: numeric's own comparisons are not leakproof, so that under
      -- row-level security no index on it would be used.
      low text COLLATE "C" NOT NULL,
      high text COLLATE "C" NOT NULL,
      PRIMARY KEY (tenant_id, type, id, parameter, unit, low, high)
    );
    CREATE INDEX range_value_low ON store.range_value (tenant_id, type, parameter, unit, low, high, id);
    -- Of one number both ends are the same; of the few ranges the high end is sought on its own.
    CREATE INDEX range_value_high ON store.range_value (tenant_id, type, parameter, unit, high, low, id) WHERE low < high;
  `);
  await isolateTenantTable(knex, 'range_value', { grants: ['SELECT', 'INSERT', 'DELETE'] });
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE store.range_value CASCADE');
}
