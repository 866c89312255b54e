// Search tokens lie outside the tree, for they change with the index key: they are made again from what each event says.

import type { AuditEvent } from '@medplum/fhirtypes';
import { serverCaller } from '../../../access/caller.ts';
import { SealedBoxError } from '../../../crypto/sealed-box.ts';
import { UnknownKeyVersionError } from '../../../crypto/tenant-cipher.ts';
import { auditEventType } from '../../../repository/audit-rows.ts';
import { auditTokens } from '../../../repository/audit-tokens.ts';
import { inSession, type Repository, type Session } from '../../../repository/session.ts';
import { bodyContext } from '../../../repository/stored-version.ts';
import { hasAuditTokens, type StoredTokenGroups, tokenGroupsIn } from '../../../repository/token-groups.ts';
import { eventName, SealDifference } from './difference.ts';

const perStep = 500;

interface TokenRow {
  readonly id: string;
  readonly lastUpdated: Date;
  readonly content: Buffer;
  readonly tokens: string;
}

/** Gives how many events were checked; undefined while the index key is rotated, when some have those of before. */
export async function verifyTokens(
  repository: Repository,
  tenantId: number,
  progress: (done: number) => void,
): Promise<number | undefined> {
  let hasFreshKeys = false;
  return await inSession(repository, serverCaller(tenantId, 'audit:verify'), async (session) => {
    if (session.cipher.alsoTokenOf) return undefined;
    const knowsAllKeys = hasFreshKeys;
    hasFreshKeys = true;
    let done = 0;
    for (let last = ''; ; ) {
      const rows = await nextRows(session, last);
      const groups = await tokenGroupsIn(
        session,
        rows.map(({ tokens }) => tokens),
      );
      for (const row of rows) checkRow(session, row, { groups, knowsAllKeys });
      done += rows.length;
      if (rows.length < perStep) return done;
      last = rows.at(-1)?.id ?? last;
      progress(done);
    }
  });
}

async function nextRows({ trx }: Session, last: string): Promise<TokenRow[]> {
  return await trx.query<TokenRow>({
    name: 'audit-tokens',
    text: `SELECT id, last_updated AS "lastUpdated", content, tokens::text AS tokens FROM audit_event
           WHERE id > $1 ORDER BY id LIMIT ${perStep}`,
    values: [last],
  });
}

interface Knowledge {
  readonly groups: StoredTokenGroups;
  readonly knowsAllKeys: boolean;
}

function checkRow(session: Session, row: TokenRow, { groups, knowsAllKeys }: Knowledge): void {
  const name = eventName(row.id, row.lastUpdated);
  const event = openEvent(session, row, knowsAllKeys);
  if (!event)
    throw new SealDifference('forged', `${name} does not open under the tenant's keys: the server did not write it.`);
  if (hasAuditTokens(row.tokens, auditTokens(session, event), groups)) return;
  throw new SealDifference(
    'tokens',
    `${name} has other search tokens than its content, so searches do not find it as it is.`,
  );
}

/** A key that is not known may be a newer one: then all is done again with the keys of now, once. */
function openEvent({ cipher }: Session, { id, content }: TokenRow, knowsAllKeys: boolean): AuditEvent | undefined {
  try {
    return JSON.parse(cipher.open(content, bodyContext(auditEventType, id, 1)).toString()) as AuditEvent;
  } catch (error) {
    const isForged = error instanceof SealedBoxError || (error instanceof UnknownKeyVersionError && knowsAllKeys);
    if (isForged) return undefined;
    throw error;
  }
}
