// The single translation of PostgreSQL's SQLSTATE codes into errors a client may see: https://www.postgresql.org/docs/current/errcodes-appendix.html

import pg from 'pg';
import { FhirError, fhirError } from '../fhir/outcome.ts';
import { outOfResource } from '../fhir/system-errors.ts';

/** Deadlock and serialization failure. */
const retryableStates: ReadonlySet<string> = new Set(['40001', '40P01']);

const tooManyConnections = '53300';

/** Shutdown, crash recovery, too many connections and lost connections: the database is away for a moment. */
const unavailableStates: ReadonlySet<string> = new Set([
  '57P01',
  '57P02',
  '57P03',
  tooManyConnections,
  '08000',
  '08003',
  '08006',
  // The roles' passwords were changed: whoever has the new ones goes on.
  '28000',
  '28P01',
  '25006',
]);

const unavailableSystemCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'EAI_AGAIN',
]);
/** Of a Unix socket: it is not there before PostgreSQL listens and after it has ended, and takes no more while too many wait. */
const unavailableSocketCodes: ReadonlySet<string> = new Set(['ENOENT', 'EAGAIN']);

export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/** Two writers made the same id at once: the one that came second finds the row when it runs again. */
const racedConstraint = 'resource_pkey';

/** True when nothing was done and the whole transaction may be run again. */
export function isRetryable(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return false;
  return retryableStates.has(error.code ?? '') || error.constraint === racedConstraint;
}

/** True when PostgreSQL has no connection left for one more; those that are open go on. */
export function isFull(error: unknown): boolean {
  return sqlState(error) === tooManyConnections;
}

/** True when the connection or the server is gone, so that a commit's outcome may be unknown. */
export function isUnavailable(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return unavailableStates.has(state);
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (code !== undefined && unavailableSystemCodes.has(code)) return true;
  if (code !== undefined && syscall === 'connect' && unavailableSocketCodes.has(code)) return true;
  return error instanceof Error && connectionLost.test(error.message);
}

/** The texts of errors that the pg client makes itself and gives no code. */
const connectionLost =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client (was closed|has encountered))/;

function unavailable(cause: unknown): FhirError {
  return fhirError('transient', 'The database does not answer; try again shortly.', { cause, retryAfterSeconds: 2 });
}

/** What a client is told about a failed statement; anything unknown stays as it is and becomes a 500. */
export function translateSqlError(error: unknown): unknown {
  if (error instanceof FhirError) return error;
  if (isUnavailable(error)) return unavailable(error);
  const state = sqlState(error);
  if (state === undefined) return outOfResource(error) ?? error;
  if (retryableStates.has(state)) {
    return fhirError('conflict', 'Other requests changed the same data again and again; try again.', { cause: error });
  }
  switch (state) {
    case '57014':
      return fhirError('too-costly', 'The request took the database too long; narrow it.', { cause: error });
    case '55P03':
      return fhirError('lock-error', 'Another request holds the same data; try again.', {
        cause: error,
        status: 503,
        retryAfterSeconds: 1,
      });
    case '23505':
      return fhirError('conflict', 'Another request wrote the same thing at the same time; read it and try again.', {
        cause: error,
      });
    case '23P01':
      return fhirError('conflict', 'Another request took the same time at the same moment.', { cause: error });
    case '53100':
    case '53200':
    case '53400':
      return fhirError('transient', 'The database is out of a resource; try again later.', {
        cause: error,
        retryAfterSeconds: 30,
      });
    default:
      return error;
  }
}
