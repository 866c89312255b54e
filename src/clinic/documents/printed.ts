// How often each version was printed: a document that was made before says so, and of a patient's cards the last alone counts.

import type { Session } from '../../repository/session.ts';
import type { StoredVersion } from '../../repository/stored-version.ts';

/** Counts this one too. A Patient's cards are counted over all versions. */
export async function countPrint({ trx }: Session, { type, id, versionId }: StoredVersion): Promise<number> {
  const [row] = await trx.query<{ copies: number }>({
    name: 'count-print',
    text: `INSERT INTO printed_document (type, id, version_id, copies) VALUES ($1, $2, $3, 1)
           ON CONFLICT (tenant_id, type, id, version_id) DO UPDATE SET copies = printed_document.copies + 1
           RETURNING copies`,
    values: [type, id, type === 'Patient' ? 0 : versionId],
  });
  return row?.copies ?? 1;
}
