// What a backup must know of the database it copies: its version and what has been migrated.

import pg from 'pg';

export interface DatabaseFacts {
  readonly version: string;
  readonly major: number;
  readonly database: string;
  readonly migrations: readonly string[];
  readonly segmentBytes: number;
}

export async function withClient<T>(databaseUrl: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

export async function readFacts(client: pg.Client): Promise<DatabaseFacts> {
  const { rows } = await client.query<{ version: string; number: number; database: string; segment: number }>(
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::integer AS number,
       current_database() AS database, (SELECT setting::integer FROM pg_settings WHERE name = 'wal_segment_size') AS segment`,
  );
  const { version, number, database, segment } = rows[0] as (typeof rows)[number];
  return {
    version: version.replace(/ .*/, ''),
    major: Math.floor(number / 10_000),
    database,
    migrations: await readMigrations(client),
    segmentBytes: segment,
  };
}

export async function readMigrations(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>('SELECT name FROM public.migration ORDER BY name');
  return rows.map(({ name }) => name);
}
