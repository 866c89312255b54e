// Other keys for a tenant that goes on working: from the commit on nothing is written under the old ones alone, and what is
// there follows in the background (README, Keys).

import { keyNotice } from '../../crypto/key-notice.ts';
import { indexKeyUses, setIndexKeyUses } from '../../crypto/key-rows.ts';
import type { IndexKeyUse } from '../../crypto/tenant-cipher.ts';
import type { TenantTransaction } from '../../database/tenant-transaction.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { auditEventType } from '../audit-rows.ts';
import { lockIndex, raiseVersion } from '../own-parameters/lock-index.ts';
import type { Session } from '../session.ts';
import { dropTokenGroups } from './audit-chunk.ts';
import { indexedTypes } from './indexed-types.ts';
import { requestRun } from './request-run.ts';

/**
 * After the switch a process may still ask by the key before it for a second (tenant-definitions.ts), and a search lasts
 * half a minute at most: only then its tokens go.
 */
const graceMs = 60_000;

/** Whatever is written next is under it; gives its number. Earlier versions of resources keep theirs. */
export async function rotateDataKey(session: Session): Promise<number> {
  await lockIndex(session.trx);
  const version = await session.repository.keyRing.addKey(session.trx, 'data', 'asked');
  announce(session.trx);
  return version;
}

/** Seals what is under an earlier data key again, with no new version of any resource; gives the id of the run. */
export async function reencrypt(session: Session, dataKey = session.cipher.dataKeyVersion): Promise<string> {
  await lockIndex(session.trx);
  return await requestRun(session, { reason: 'data-key', types: indexedTypes(session.definitions), dataKey });
}

/** First all rows get tokens under both keys, then searches ask by the new one, then the old tokens go. Throws 409 meanwhile. */
export async function rotateIndexKey(session: Session): Promise<number> {
  await lockIndex(session.trx);
  const { written } = await indexKeyUses(session.trx);
  if (written !== undefined)
    throw fhirError('conflict', 'The index key is being rotated already; see $reindex-status.');
  const version = await session.repository.keyRing.addKey(session.trx, 'index', 'written');
  announce(session.trx);
  await requestTokens(session, version);
  return version;
}

/**
 * Of the first run all rows have both tokens: from now on searches ask by the new key. Of the second one none has those of the
 * key before. The index must be locked.
 */
export async function endTokens(session: Session, indexKey: number, startedAt: Date): Promise<void> {
  const { asked, written } = await indexKeyUses(session.trx);
  if (written === undefined) await dropTokenGroups(session, startedAt);
  if (written !== indexKey) return;
  changeUses(session.trx, [indexKey, 'asked'], [asked, 'written']);
  await requestTokens(session, indexKey, new Date(Date.now() + graceMs));
}

/** At the begin of the second run: nobody writes the old tokens any more. True where that was not so already. */
export async function retireTokens({ trx }: Session, indexKey: number): Promise<boolean> {
  await lockIndex(trx);
  const { asked, written } = await indexKeyUses(trx);
  if (asked !== indexKey || written === undefined) return false;
  changeUses(trx, [written, 'kept']);
  return true;
}

async function requestTokens(session: Session, indexKey: number, beginsAt?: Date): Promise<void> {
  const types = [...indexedTypes(session.repository.definitions), auditEventType];
  await requestRun(session, { reason: 'index-key', types, indexKey, ...(beginsAt ? { beginsAt } : {}) });
}

function changeUses(trx: TenantTransaction, ...uses: readonly (readonly [number, IndexKeyUse])[]): void {
  setIndexKeyUses(trx, new Map(uses));
  announce(trx);
}

/** Whoever writes with the keys before runs again with the new ones, and all processes learn of them. */
function announce(trx: TenantTransaction): void {
  raiseVersion(trx);
  trx.execute({ text: "SELECT pg_notify('hpms_access', $1)", values: [keyNotice(trx.tenantId)] });
}
