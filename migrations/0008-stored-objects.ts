// The system role may see which objects of the object store are named by rows, and nothing else of them, to sweep the others.

import type { Knex } from 'knex';

const tables = ['resource', 'history'] as const;

export async function up(knex: Knex): Promise<void> {
  for (const name of tables) {
    await knex.raw(`
      -- Few rows have one.
      CREATE INDEX ${name}_object ON store.${name} (object_id) WHERE object_id IS NOT NULL;
      CREATE POLICY system ON store.${name} TO hpms_system USING (true) WITH CHECK (true);
      CREATE VIEW system.${name} WITH (security_invoker = true) AS SELECT object_id FROM store.${name};
      ALTER VIEW system.${name} OWNER TO hpms_owner;
      GRANT SELECT (object_id) ON store.${name} TO hpms_system;
      GRANT SELECT ON system.${name} TO hpms_system;
    `);
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const name of tables) {
    await knex.raw(`
      DROP VIEW system.${name};
      REVOKE SELECT (object_id) ON store.${name} FROM hpms_system;
      DROP POLICY system ON store.${name};
      DROP INDEX store.${name}_object;
    `);
  }
}
