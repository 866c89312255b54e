// A transaction that began with search parameters which have changed since must run again with the new ones.

import { sqlState } from '../../database/sql-errors.ts';

/** Thrown where the code sees it; where the database does, it says so by a SQLSTATE of ours (migration 0013). */
export class StaleDefinitions extends Error {
  override readonly name = 'StaleDefinitions';
}

const staleState = 'HP001';

export function isStaleDefinitions(error: unknown): boolean {
  return error instanceof StaleDefinitions || sqlState(error) === staleState;
}
