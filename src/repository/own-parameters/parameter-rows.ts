// The rows of a tenant's own search parameters: what is active, and at the end of which run it can be searched by.

import type { SealedColumn } from '../../crypto/sealed-column.ts';
import type { TenantCipher } from '../../crypto/tenant-cipher.ts';
import type { TenantTransaction } from '../../database/tenant-transaction.ts';
import type { SearchParameter } from '../../fhir/definitions/snapshot.ts';
import type { Session } from '../session.ts';

export interface OwnParameter {
  /** Of its SearchParameter resource. */
  readonly id: string;
  readonly parameter: SearchParameter;
}

interface SealedRow {
  readonly id: string;
  readonly definition: Buffer;
}

/** Of the transaction's tenant, whatever their state. */
export async function readOwnParameters({ trx, cipher }: Pick<Session, 'trx' | 'cipher'>): Promise<OwnParameter[]> {
  const rows = await trx.query<SealedRow>({
    name: 'own-parameters',
    text: 'SELECT id, definition FROM search_parameter ORDER BY id',
  });
  return rows.map((row) => ({ id: row.id, parameter: openDefinition(cipher, row) }));
}

export function openDefinition(cipher: TenantCipher, { id, definition }: SealedRow): SearchParameter {
  return JSON.parse(cipher.open(definition, contextOf(id)).toString()) as SearchParameter;
}

/** From now on it is indexed, and can be searched by when the run is done. */
export function keepParameter({ trx, cipher }: Session, { id, parameter }: OwnParameter, runId: string): void {
  trx.execute({
    name: 'keep-own-parameter',
    text: `INSERT INTO search_parameter (id, definition, reindex_id) VALUES ($1, $2, $3)
           ON CONFLICT (tenant_id, id) DO UPDATE
           SET definition = excluded.definition, state = 'pending', reindex_id = excluded.reindex_id, changed_at = now()`,
    values: [id, cipher.seal(Buffer.from(JSON.stringify(parameter)), contextOf(id)), runId],
  });
}

export function dropParameter(trx: TenantTransaction, id: string): void {
  trx.execute({ name: 'drop-own-parameter', text: 'DELETE FROM search_parameter WHERE id = $1', values: [id] });
}

/** Of those that the run is for, unless another run is by now. */
export function setState(trx: TenantTransaction, runId: string, state: 'indexing' | 'ready'): void {
  trx.execute({
    name: 'own-parameter-state',
    text: 'UPDATE search_parameter SET state = $2 WHERE reindex_id = $1',
    values: [runId, state],
  });
}

function contextOf(id: string): string {
  return `search parameter|${id}`;
}

export const definitionColumn: SealedColumn = {
  ...{ table: 'search_parameter', column: 'definition', key: [{ name: 'id', type: 'text' }] },
  contextOf: ([id = '']) => contextOf(id),
};
