// Whoever changes what a tenant is indexed by, or asks for its resources to be indexed again, does so alone.

import type { TenantTransaction } from '../../database/tenant-transaction.ts';
import type { Session } from '../session.ts';
import { StaleDefinitions } from './stale-definitions.ts';

interface IndexRow {
  readonly definitions_version: number;
  /** True when this transaction has raised the version itself. */
  readonly is_own: boolean | null;
}

export async function lockIndex(trx: TenantTransaction): Promise<IndexRow> {
  trx.execute({ name: 'add-search-index', text: 'INSERT INTO search_index DEFAULT VALUES ON CONFLICT DO NOTHING' });
  const [row] = await trx.query<IndexRow>({
    name: 'lock-search-index',
    text: `SELECT definitions_version, changed_by = pg_current_xact_id_if_assigned() AS is_own
           FROM search_index FOR UPDATE`,
  });
  return row as IndexRow;
}

/** Throws StaleDefinitions where another transaction has changed the definitions since the session began. */
export async function lockCurrentIndex({ trx, definitionsVersion }: Session): Promise<void> {
  const { definitions_version: version, is_own: isOwn } = await lockIndex(trx);
  if (version === definitionsVersion || isOwn) return;
  throw new StaleDefinitions('The search parameters of the tenant have changed.');
}

/** Every write that was begun before runs again: see require_definitions in migration 0013. */
export function raiseVersion(trx: TenantTransaction): void {
  trx.execute({
    name: 'raise-definitions',
    text: 'UPDATE search_index SET definitions_version = definitions_version + 1, changed_by = pg_current_xact_id()',
  });
}
