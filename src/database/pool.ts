// Makes the bounded connection pools: one per database role, each connection pipelined and with every timeout set.

import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type FhirError, fhirError } from '../fhir/outcome.ts';
import { Batch, type BatchEntry, PreparedStatements } from './batch.ts';
import { applicationName } from './index-generation.ts';
import { rolePassword } from './role-password.ts';
import { isFull, translateSqlError } from './sql-errors.ts';

export type DatabaseRole = 'hpms_app' | 'hpms_system' | 'hpms_queue' | 'hpms_reindex';

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
  /** Called when a transaction has changed who may do what, before whoever made it knows that it is over. */
  readonly onAccessChange?: () => void;
}

export interface PooledConnection {
  /** One batch at a time; rejects with the error of the statement that failed. */
  send(entries: readonly BatchEntry[]): Promise<void>;
  /** An unhealthy connection is closed and replaced. */
  release(isHealthy: boolean): void;
}

export interface Pool {
  acquire(): Promise<PooledConnection>;
  /** Connections in use, idle and callers waiting, for the metrics. */
  counts(): { readonly total: number; readonly idle: number; readonly waiting: number };
  end(): Promise<void>;
}

const acquireTimeoutMs = 3_000;
/** Where PostgreSQL has no connection left, one of the pool's own is waited for in pauses that double. */
const fullPauseMs = 20;
const endTimeoutMs = 1_000;
const statementTimeoutMs = 30_000;
/** Of the notice that a change of who may do what gives: migration 0053. */
const accessChange = 'ZA001';
/** Longer than the server's own statement timeout: fires only when the server itself no longer answers. */
const answerTimeoutMs = 40_000;

/**
 * Each prepared statement is planned once on a connection, whatever its values: planning a search takes longer than most
 * searches. No plan may rest on how small a tenant or a table was then, so none reads a whole table where an index serves;
 * what the tenant is does not enter it (tenant-table.ts).
 */
const planning = ['plan_cache_mode=force_generic_plan', 'enable_seqscan=off'];

/** The settings of each role's connections: names resolve in one schema, and nothing may wait for ever. */
function sessionOptions(role: DatabaseRole): string {
  const searchPath = { hpms_app: 'tenant', hpms_system: 'system', hpms_queue: 'jobs', hpms_reindex: 'tenant' }[role];
  return [
    `search_path=${searchPath},public`,
    `statement_timeout=${statementTimeoutMs}`,
    'lock_timeout=10000',
    'idle_in_transaction_session_timeout=30000',
    'jit=off',
    'synchronous_commit=on',
    'default_transaction_isolation=read\\ committed',
    ...(role === 'hpms_app' ? planning : []),
  ]
    .map((setting) => `-c ${setting}`)
    .join(' ');
}

/** The connection settings of a role, also for a library that makes its own connections. */
export function connectionSettings(options: Pick<PoolOptions, 'databaseUrl' | 'role' | 'rootKey'>): pg.ClientConfig {
  const url = new URL(options.databaseUrl);
  url.username = options.role;
  url.password = rolePassword(options.rootKey, options.role);
  return {
    connectionString: url.href,
    options: sessionOptions(options.role),
    application_name: applicationName(options.role),
  };
}

export function createPool(options: PoolOptions): Pool {
  const pool = new pg.Pool({
    ...connectionSettings(options),
    max: options.connectionsMax,
    connectionTimeoutMillis: acquireTimeoutMs,
    // A connection stays: closing idle ones would cost every request a timer.
    idleTimeoutMillis: 0,
    query_timeout: answerTimeoutMs,
    keepAlive: true,
  } as pg.PoolConfig);
  pool.on('error', options.onIdleError);
  const open = new Set<Promise<void>>();
  const known = new WeakMap<pg.ClientBase, Known>();
  pool.on('connect', (client) => {
    // One that breaks while it is in use fails its statements; without a listener its event would end the process.
    client.on('error', () => undefined);
    const own = knownOf(client);
    client.on('notice', ({ code }) => {
      if (code === accessChange) own.hasChangedAccess = true;
    });
    const ended = new Promise<void>((resolve) => client.once('end', resolve)).then(() => void open.delete(ended));
    open.add(ended);
  });
  let pausing = 0;

  function knownOf(client: pg.ClientBase): Known {
    const own = known.get(client) ?? { prepared: new PreparedStatements(), hasChangedAccess: false };
    known.set(client, own);
    return own;
  }

  /** With a connection of its own a pool is only slower where others have taken the rest; without any nobody knows when it gets one. */
  async function connect(): Promise<pg.PoolClient> {
    const until = performance.now() + acquireTimeoutMs;
    for (let pauseMs = fullPauseMs; ; pauseMs *= 2) {
      try {
        return await pool.connect();
      } catch (error) {
        if (!isFull(error) || pool.totalCount === 0 || performance.now() + pauseMs > until) throw error;
      }
      pausing += 1;
      // Not all at once.
      await delay(pauseMs * (0.5 + Math.random() / 2));
      pausing -= 1;
    }
  }

  return {
    async acquire() {
      if (pool.waitingCount + pausing >= options.waitingMax) throw busy();
      try {
        const client = await connect();
        return toConnection(client, knownOf(client), options.onAccessChange);
      } catch (error) {
        throw translateSqlError(error);
      }
    },
    counts: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount + pausing }),
    async end() {
      await pool.end();
      // pg-pool only begins to close them, and a PostgreSQL that stops next would complain about each.
      await Promise.race([Promise.all(open), delay(endTimeoutMs, undefined, { ref: false })]);
    },
  };
}

export function busy(): FhirError {
  return fhirError('throttled', 'The server is busy; try again shortly.', { status: 503, retryAfterSeconds: 1 });
}

/** Of a connection, as long as it lives. */
interface Known {
  readonly prepared: PreparedStatements;
  /** Since it was taken from the pool. */
  hasChangedAccess: boolean;
}

function toConnection(client: pg.PoolClient, known: Known, onAccessChange: (() => void) | undefined): PooledConnection {
  let isBroken = false;
  return {
    send: (entries) =>
      new Promise((resolve, reject) => {
        const batch = new Batch(entries, known.prepared);
        batch.callback = (error) => (error === undefined || error === null ? resolve() : reject(error));
        try {
          client.query(batch as unknown as pg.Submittable);
        } catch (error) {
          // Half a message may be on its way.
          isBroken = true;
          reject(error);
        }
      }),
    release(isHealthy) {
      client.release(isBroken || !isHealthy);
      if (!known.hasChangedAccess) return;
      known.hasChangedAccess = false;
      onAccessChange?.();
    },
  };
}
