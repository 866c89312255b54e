// Brings a database to this version: roles, schemas, tables, the queue's own schema, and the passwords of the login roles.

import { readdir } from 'node:fs/promises';
import type { Knex } from 'knex';
import pg from 'pg';
import type { DatabaseRole } from './pool.ts';
import { rolePassword } from './role-password.ts';

export interface MigrateOptions {
  /** Connects as a role that may create roles and schemas; a superuser makes the second wall of tenancy possible. */
  readonly databaseUrl: string;
  readonly rootKey: Buffer;
  readonly log?: (line: string) => void;
  /** Called before the roles' passwords are changed, which ends the work of whoever has the ones of before. */
  readonly beforePasswords?: () => Promise<void>;
}

const loginRoles: readonly DatabaseRole[] = ['hpms_app', 'hpms_system', 'hpms_queue', 'hpms_reindex'];
/** Any number of processes may migrate at once: they take turns. */
const migrationLock = 4_710_001;

export async function migrate(options: MigrateOptions): Promise<void> {
  const client = new pg.Client({ connectionString: options.databaseUrl });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [migrationLock]);
    if (!(await isMigrated(client))) await migrateSchema(options);
    await migrateQueue(client);
    await options.beforePasswords?.();
    for (const role of loginRoles) await setPassword(client, role, rolePassword(options.rootKey, role));
  } finally {
    await client.end();
  }
}

/** Most starts find nothing to do, and then need neither knex nor the migrations in memory. */
async function isMigrated(client: pg.Client): Promise<boolean> {
  const { rows: tables } = await client.query("SELECT to_regclass('public.migration') AS found");
  if (tables[0].found === null) return false;
  const { rows } = await client.query('SELECT name FROM public.migration');
  const files = (await readdir(migrationSource.directory)).filter((file) => file.endsWith('.ts')).sort();
  return JSON.stringify(files) === JSON.stringify(rows.map(({ name }) => name).sort());
}

async function migrateSchema(options: MigrateOptions): Promise<void> {
  const { default: knex } = await import('knex');
  const database = knex({
    client: 'pg',
    connection: options.databaseUrl,
    pool: { min: 0, max: 2 },
    migrations: migrationSource,
  });
  try {
    // Left behind by a run that was killed: who runs has the lock above, which dies with its session.
    await database.migrate.forceFreeMigrationsLock();
    const [, files] = (await database.migrate.latest()) as [number, string[]];
    for (const file of files) options.log?.(`migrated ${file}`);
  } finally {
    await database.destroy();
  }
}

const migrationSource = {
  directory: new URL('../../migrations', import.meta.url).pathname,
  loadExtensions: ['.ts'],
  schemaName: 'public',
  tableName: 'migration',
} satisfies Knex.MigratorConfig;

async function migrateQueue(client: pg.Client): Promise<void> {
  const { runMigrations } = await import('bullmq');
  await runMigrations(client, 'jobs');
  await client.query(`
    GRANT USAGE ON SCHEMA jobs TO hpms_queue;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO hpms_queue;
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobs TO hpms_queue;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA jobs TO hpms_queue;
  `);
}

/** The server keeps only the SCRAM verifier; the statement itself is kept out of the server's log. */
async function setPassword(client: pg.Client, role: DatabaseRole, password: string): Promise<void> {
  await client.query(`ALTER ROLE ${role} PASSWORD ${pg.escapeLiteral(password)}`);
}
