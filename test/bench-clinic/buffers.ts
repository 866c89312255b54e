// Where the machine does not keep files in memory, the database does: it is given buffers of its own, and what searches read is in them.

import pg from 'pg';

/** From the next start of the cluster on; `size` as PostgreSQL writes it, such as 16GB. */
export async function setBuffers(database: pg.Client, size: string): Promise<void> {
  await database.query(`ALTER SYSTEM SET shared_buffers = ${pg.escapeLiteral(size)}`);
}

/** Read by nearly all searches; what does not fit any more pushes out what came first. */
const searched = ['date_value', 'range_value', 'reference', 'resource'];

/** As they would be in a clinic that has worked for a day: https://www.postgresql.org/docs/18/pgprewarm.html */
export async function fillBuffers(database: pg.Client): Promise<void> {
  await database.query('CREATE EXTENSION IF NOT EXISTS pg_prewarm');
  for (const table of searched) {
    const { rows } = await database.query<{ relation: string }>(
      `SELECT indexrelid::regclass::text AS relation FROM pg_index WHERE indrelid = $1::text::regclass
       UNION ALL SELECT $1::text`,
      [`store.${table}`],
    );
    for (const { relation } of rows) await database.query('SELECT pg_prewarm($1::regclass)', [relation]);
  }
}
