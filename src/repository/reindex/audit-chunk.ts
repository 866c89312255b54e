// Makes the tokens of AuditEvents anew under the tenant's index key. Nothing else of them ever changes, and nobody else may.

import type { AuditEvent } from '@medplum/fhirtypes';
import { timeOfId } from '../../fhir/ids.ts';
import { auditEventType } from '../audit-rows.ts';
import { auditTokens, groupedTokens } from '../audit-tokens.ts';
import type { Repository, Session } from '../session.ts';
import { bodyContext } from '../stored-version.ts';
import { hasAuditTokens, tokenGroupsIn } from '../token-groups.ts';
import { takeBackgroundTurn } from '../turn.ts';
import { unlessDamaged } from './unless-damaged.ts';

const rowsMax = 500;

interface StoredEvent {
  readonly id: string;
  readonly last_updated: Date;
  readonly content: Buffer;
  readonly tokens: string;
}

interface TokenRow extends Pick<StoredEvent, 'id' | 'last_updated' | 'tokens'> {}

/** The id of the last one, and how many; none are left where there were fewer than asked for. */
export async function tokenAuditEvents(session: Session, afterId: string) {
  const rows = await session.trx.query<StoredEvent>({
    name: 'reindex-audit-events',
    text: `SELECT id, last_updated, content, tokens::text AS tokens FROM audit_event
           WHERE (last_updated, id) > ($1, $2) ORDER BY last_updated, id LIMIT $3`,
    values: [new Date(timeOfId(afterId) ?? 0), afterId, rowsMax],
  });
  const groups = await tokenGroupsIn(
    session,
    rows.map(({ tokens }) => tokens),
  );
  const others: TokenRow[] = [];
  const turn = takeBackgroundTurn();
  for (const row of rows) {
    const event = await unlessDamaged(session, () => openEvent(session, row));
    if (event && !hasAuditTokens(row.tokens, auditTokens(session, event), groups))
      others.push({ ...row, tokens: groupedTokens(session, event) });
    if (turn.isOver()) await turn.next();
  }
  await store(session, others);
  return { lastId: rows.at(-1)?.id ?? afterId, count: rows.length, isLast: rows.length < rowsMax };
}

function openEvent({ cipher }: Session, { id, content }: StoredEvent): AuditEvent {
  return JSON.parse(cipher.open(content, bodyContext(auditEventType, id, 1)).toString()) as AuditEvent;
}

/** Of the key before nothing is left behind. `before`: since then nobody writes its tokens. */
export async function dropTokenGroups({ repository, trx }: Session, before: Date): Promise<void> {
  const values = [before];
  await openDoor(repository)(trx.tenantId, async (own) =>
    own.execute({ name: 'drop-token-groups', text: 'SELECT tenant.drop_token_groups($1)', values }),
  );
}

function openDoor({ reindexDoor }: Repository) {
  if (!reindexDoor) throw new Error('This process has no door for the tokens of AuditEvents.');
  return reindexDoor;
}

/** In a transaction of its own, as the one role that may; done twice it is the same. */
async function store({ repository, trx }: Session, rows: readonly TokenRow[]): Promise<void> {
  if (rows.length === 0) return;
  await openDoor(repository)(trx.tenantId, async (own) =>
    own.execute({
      name: 'reindex-audit-tokens',
      text: `UPDATE audit_event SET tokens = row.tokens::bigint[]
             FROM unnest($1::text[], $2::timestamptz[], $3::text[]) AS row (id, last_updated, tokens)
             WHERE audit_event.id = row.id AND audit_event.last_updated = row.last_updated`,
      values: [
        rows.map(({ id }) => id),
        rows.map(({ last_updated: at }) => at.toISOString()),
        rows.map(({ tokens }) => tokens),
      ],
    }),
  );
}
