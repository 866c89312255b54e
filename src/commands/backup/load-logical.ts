// Fills an empty database with the rows of a logical backup, all of them or none.

import { createReadStream } from 'node:fs';
import path from 'node:path';
import { createZstdDecompress } from 'node:zlib';
import type pg from 'pg';
import { ConfigError } from '../../config.ts';
import { copyQuery } from '../../database/copy-query.ts';
import { migrate } from '../../database/migrate.ts';
import { readMigrations, withClient } from './database-facts.ts';
import { type Partition, readPartitions } from './logical-tables.ts';
import type { Manifest, TableFacts } from './manifest.ts';
import { fileOf } from './write-logical.ts';

export interface LoadOptions {
  /** Of a superuser: only such a one may leave the triggers out, which would refuse or repeat what is written. */
  readonly databaseUrl: string;
  readonly rootKey: Buffer;
  readonly folder: string;
  readonly manifest: Manifest;
  readonly progress: (text: string) => void;
}

export async function loadLogical({ databaseUrl, rootKey, folder, manifest, progress }: LoadOptions): Promise<void> {
  await withClient(databaseUrl, requireEmpty);
  await migrate({ databaseUrl, rootKey });
  await withClient(databaseUrl, async (client) => {
    await requireSameMigrations(client, manifest);
    const tables = manifest.tables ?? [];
    await client.query('SET session_replication_role = replica; BEGIN');
    await client.query(`TRUNCATE ${tables.map(({ name }) => name).join(', ')}`);
    await makePartitions(client, manifest.partitions ?? []);
    for (const table of tables) {
      progress(`${table.name}, ${table.rows.toLocaleString('en')} rows`);
      await loadTable(client, folder, table);
    }
    await client.query('COMMIT');
    progress('statistics');
    await passTransactions(client, BigInt(manifest.transactions ?? 0));
    await client.query('ANALYZE');
  });
}

async function requireEmpty(client: pg.Client): Promise<void> {
  const { rows } = await client.query("SELECT to_regnamespace('store') IS NULL AS empty");
  if (rows[0]?.empty !== true) throw new ConfigError('There is an HPMS in this database; a backup needs an empty one.');
}

async function requireSameMigrations(client: pg.Client, manifest: Manifest): Promise<void> {
  const migrations = await readMigrations(client);
  if (JSON.stringify(migrations) === JSON.stringify(manifest.migrations)) return;
  throw new ConfigError(
    `The backup was made by another version of HPMS (its last migration is ${manifest.migrations.at(-1)}); restore it with that ` +
      'version and start this one on what it restored.',
  );
}

/** Months that this server would not make by itself any more, in the manner of system.make_partitions. */
async function makePartitions(client: pg.Client, partitions: readonly Partition[]): Promise<void> {
  const there = new Set((await readPartitions(client)).map(({ name }) => name));
  for (const { parent, name, bounds } of partitions) {
    if (there.has(name)) continue;
    await client.query(`
      CREATE TABLE ${name} PARTITION OF ${parent} ${bounds};
      ALTER TABLE ${name} OWNER TO hpms_owner;
      CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON ${name} FOR EACH STATEMENT EXECUTE FUNCTION store.refuse_change();
      ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY;
      ALTER TABLE ${name} FORCE ROW LEVEL SECURITY;`);
  }
}

async function loadTable(
  client: pg.Client,
  folder: string,
  { name, columns, rows, sequence }: TableFacts,
): Promise<void> {
  const input = createReadStream(path.join(folder, fileOf(name))).pipe(createZstdDecompress());
  const tag = await copyQuery(client, `COPY ${name} (${columns.join(', ')}) FROM STDIN`, { input });
  if (tag !== `COPY ${rows}`) throw new Error(`${name} has ${tag.split(' ')[1]} rows in the backup and not ${rows}.`);
  if (sequence === undefined || sequence.last === null) return;
  await client.query('SELECT setval(pg_get_serial_sequence($1, $2), $3)', [name, sequence.column, sequence.last]);
}

/** Until every number in the rows is below all that will ever run here. */
async function passTransactions(client: pg.Client, next: bigint): Promise<void> {
  await client.query(`
    DO $$ BEGIN
      WHILE pg_current_xact_id() < '${next}'::xid8 LOOP COMMIT; END LOOP;
    END $$`);
}
