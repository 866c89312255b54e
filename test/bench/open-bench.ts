// What every bench of a clinic begins with: the server on its data directory, its API, and its database as a superuser sees it.

import { mkdirSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { freePort } from '../support/free-port.ts';
import { type FhirApi, openFhirApi } from './fhir-api.ts';
import { type RunningProcess, startServer, superuserUrl } from './processes.ts';

export interface Bench {
  readonly server: RunningProcess;
  readonly api: FhirApi;
  readonly database: pg.Client;
  /** Of the demo clinic. */
  readonly tenantId: number;
}

/** `started` is told of the server at once, so that it can be stopped when the rest fails. */
export async function openBench(dataDir: string, started: (server: RunningProcess) => void): Promise<Bench> {
  mkdirSync(dataDir, { recursive: true });
  const server = await startServer(dataDir, await freePort());
  started(server);
  const api = openFhirApi(path.join(dataDir, 'demo.json'));
  const database = new pg.Client({ connectionString: superuserUrl(dataDir) });
  // When the bench fails, the server takes its PostgreSQL along and this connection with it.
  database.on('error', () => undefined);
  await database.connect();
  const { rows } = await database.query<{ id: number }>('SELECT id FROM store.tenant WHERE name = $1', [api.tenant]);
  return { server, api, database, tenantId: rows[0]?.id as number };
}
