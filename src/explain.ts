// What an operator is told of an error that ends a process: a sentence where it was thrown on purpose or the setting at fault is known.

import pg from 'pg';
import { ConfigError } from './config.ts';
import { FhirError } from './fhir/outcome.ts';
import { KeyRefusal } from './gateways/root-key.ts';
import { UnsafeQueueError } from './jobs/unsafe-queue-error.ts';

/** Anything else is a fault of ours, and stays as it is, with its place. */
export function explain(error: unknown): unknown {
  const known = causesOf(error)
    .map(sentenceOn)
    .find((text) => text !== undefined);
  if (known !== undefined) return known;
  if (!(error instanceof Error)) return error;
  if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return 'The port is taken by another program; set PORT.';
  const isOnPurpose = error.constructor === Error || error instanceof ConfigError || error instanceof UnsafeQueueError;
  return isOnPurpose || error instanceof FhirError ? error.message : error;
}

/** It and what it stems from; of several addresses that were tried, each. */
function causesOf(error: unknown): readonly Error[] {
  if (!(error instanceof Error)) return [];
  const parts = error instanceof AggregateError ? error.errors : [];
  return [error, ...parts.flatMap(causesOf), ...causesOf(error.cause)];
}

function sentenceOn(error: Error): string | undefined {
  const { code = '', syscall = '', message } = error as NodeJS.ErrnoException;
  if (error instanceof pg.DatabaseError && /^28/.test(code)) {
    return (
      `The database lets nobody in like this (${message}): DATABASE_URL names another user or password than it has, ` +
      'ROOT_KEY or SERVER_SECRET is not the one of this database, or `npm run migrate` was not run on it.'
    );
  }
  if (error instanceof pg.DatabaseError && code === '3D000')
    return `The database of DATABASE_URL is not there: ${message}.`;
  if (/client password must be a string/.test(message))
    return 'The database asks for a password; set DATABASE_PASSWORD.';
  if (error instanceof KeyRefusal) return `${message} Are ROOT_KEY and KEY_DIR those of this database?`;
  if (code === 'EADDRINUSE' || !/^(connect|getaddrinfo)$/.test(syscall)) return undefined;
  return `The database does not answer (${message}); see DATABASE_URL.`;
}
