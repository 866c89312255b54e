// Makes the bounded connection pools: one per database role, each connection pipelined and with every timeout set.

import pg from 'pg';
import { fhirError } from '../fhir/outcome.ts';
import { rolePassword } from './role-password.ts';
import { translateSqlError } from './sql-errors.ts';

export type DatabaseRole = 'hpms_app' | 'hpms_system' | 'hpms_queue';

export interface PoolOptions {
  /** Host, port and database; user and password in it are ignored. */
  readonly databaseUrl: string;
  readonly role: DatabaseRole;
  readonly rootKey: Buffer;
  readonly connectionsMax: number;
  /** Callers that may wait for a connection; the next one is refused with 503. */
  readonly waitingMax: number;
  /** Errors of idle connections; they are replaced, so this is for the log only. */
  readonly onIdleError: (error: Error) => void;
}

export interface Pool {
  acquire(): Promise<pg.PoolClient>;
  /** Connections in use, idle and callers waiting, for the metrics. */
  counts(): { readonly total: number; readonly idle: number; readonly waiting: number };
  end(): Promise<void>;
}

const acquireTimeoutMs = 3_000;
const statementTimeoutMs = 30_000;
/** Longer than the server's own statement timeout: fires only when the server itself no longer answers. */
const answerTimeoutMs = 40_000;

/** The settings of each role's connections: names resolve in one schema, and nothing may wait for ever. */
function sessionOptions(role: DatabaseRole): string {
  const searchPath = { hpms_app: 'tenant', hpms_system: 'system', hpms_queue: 'jobs' }[role];
  return [
    `search_path=${searchPath},public`,
    `statement_timeout=${statementTimeoutMs}`,
    'lock_timeout=10000',
    'idle_in_transaction_session_timeout=30000',
    'jit=off',
    'synchronous_commit=on',
    'default_transaction_isolation=read\\ committed',
  ]
    .map((setting) => `-c ${setting}`)
    .join(' ');
}

/** The connection settings of a role, also for a library that makes its own connections. */
export function connectionSettings(options: Pick<PoolOptions, 'databaseUrl' | 'role' | 'rootKey'>): pg.ClientConfig {
  const url = new URL(options.databaseUrl);
  url.username = options.role;
  url.password = rolePassword(options.rootKey, options.role);
  return { connectionString: url.href, options: sessionOptions(options.role), application_name: options.role };
}

export function createPool(options: PoolOptions): Pool {
  const pool = new pg.Pool({
    ...connectionSettings(options),
    max: options.connectionsMax,
    connectionTimeoutMillis: acquireTimeoutMs,
    idleTimeoutMillis: 60_000,
    query_timeout: answerTimeoutMs,
    keepAlive: true,
    pipeline: true,
  } as pg.PoolConfig);
  pool.on('error', options.onIdleError);
  // One that breaks while it is in use fails its statements; without a listener its event would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return {
    async acquire() {
      if (pool.waitingCount >= options.waitingMax) {
        throw fhirError('throttled', 'The server is busy; try again shortly.', { status: 503, retryAfterSeconds: 1 });
      }
      try {
        return await pool.connect();
      } catch (error) {
        throw translateSqlError(error);
      }
    },
    counts: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    end: () => pool.end(),
  };
}
