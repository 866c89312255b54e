// What oidc-provider keeps beside clients and access tokens (grants, sessions, codes, refresh tokens): hashed ids, encrypted payloads.

import type { KeyRing } from '../crypto/key-ring.ts';
import type { TenantDoor, TenantTransaction } from '../database/tenant-transaction.ts';
import { endGrant, findAppGrant } from './app-grants.ts';
import { hashOf } from './hash.ts';
import { errors, type OidcAdapter, type OidcPayload, Provider } from './oidc-provider.ts';
import type { Reuse } from './on-record.ts';
import { sealContext } from './record-column.ts';

export interface RecordContext {
  readonly tenantId: number;
  readonly tenantDoor: TenantDoor;
  readonly keyRing: KeyRing;
}

interface RecordRow {
  readonly id_hash: Buffer;
  readonly payload: Buffer;
  readonly consumed: number | null;
}

const columns = 'id_hash, payload, extract(epoch FROM consumed_at)::int AS consumed';

export function createRecordAdapter(context: RecordContext, model: string): OidcAdapter {
  const { tenantId, tenantDoor } = context;
  return {
    async find(id) {
      return await openRecord(context, model, await tenantDoor(tenantId, (trx) => readById(trx, model, id)));
    },
    async findByUid(uid) {
      const rows = await tenantDoor(tenantId, (trx) =>
        trx.query<RecordRow>({
          text: `SELECT ${columns} FROM oidc_record WHERE model = $1 AND uid_hash = $2 AND expires_at > now()`,
          values: [model, hashOf(uid)],
        }),
      );
      return await openRecord(context, model, rows[0]);
    },
    upsert: (id, payload, expiresInSeconds) => writeRecord(context, model, { id, payload, expiresInSeconds }),
    consume: (id) => consumeRecord(context, model, id),
    async destroy(id) {
      const text = 'DELETE FROM oidc_record WHERE model = $1 AND id_hash = $2';
      await tenantDoor(tenantId, async (trx) => trx.execute({ text, values: [model, hashOf(id)] }));
    },
    async revokeByGrantId(grantId) {
      await tenantDoor(tenantId, (trx) => endGrantOfRequest(trx, hashOf(grantId)));
    },
  };
}

/** Codes and refresh tokens: worth nothing once their grant has ended, or the session that it belongs to. */
export function createGrantedAdapter(context: RecordContext, model: string): OidcAdapter {
  const { tenantId, tenantDoor } = context;
  const records = createRecordAdapter(context, model);
  return {
    ...records,
    async find(id) {
      const payload = await records.find(id);
      if (payload?.grantId === undefined) return undefined;
      const grantHash = hashOf(payload.grantId);
      return (await tenantDoor(tenantId, (trx) => findAppGrant(trx, grantHash))) && payload;
    },
    /** The end of a refresh token is that of all that was issued with it: RFC 7009 section 2.1. */
    async destroy(id) {
      const payload = await records.find(id);
      const { grantId } = payload ?? {};
      if (grantId !== undefined) await tenantDoor(tenantId, async (trx) => endGrant(trx, hashOf(grantId)));
    },
  };
}

async function readById(trx: TenantTransaction, model: string, id: string): Promise<RecordRow | undefined> {
  const rows = await trx.query<RecordRow>({
    text: `SELECT ${columns} FROM oidc_record WHERE model = $1 AND id_hash = $2 AND expires_at > now()`,
    values: [model, hashOf(id)],
  });
  return rows[0];
}

async function openRecord(
  { tenantId, keyRing }: RecordContext,
  model: string,
  row: RecordRow | undefined,
): Promise<OidcPayload | undefined> {
  if (!row) return undefined;
  const cipher = await keyRing.cipherOf(tenantId);
  const payload = JSON.parse(cipher.open(row.payload, sealContext(model, row.id_hash)).toString()) as OidcPayload;
  return row.consumed === null ? payload : { ...payload, consumed: row.consumed };
}

/** What belongs to a grant is only written while that stands: its row stays locked meanwhile. */
async function writeRecord(
  { tenantId, tenantDoor, keyRing }: RecordContext,
  model: string,
  record: { readonly id: string; readonly payload: OidcPayload; readonly expiresInSeconds: number },
): Promise<void> {
  const cipher = await keyRing.cipherOf(tenantId);
  const idHash = hashOf(record.id);
  const { grantId, uid } = record.payload;
  const values = [
    model,
    idHash,
    grantId === undefined ? null : hashOf(grantId),
    uid === undefined ? null : hashOf(uid),
    cipher.seal(Buffer.from(JSON.stringify(record.payload)), sealContext(model, idHash)),
    record.expiresInSeconds,
  ];
  const row = 'SELECT $1, $2, $3::bytea, $4::bytea, $5::bytea, now() + make_interval(secs => $6)';
  await tenantDoor(tenantId, async (trx) =>
    trx.execute({
      text: `INSERT INTO oidc_record (model, id_hash, grant_hash, uid_hash, payload, expires_at)
             ${grantId === undefined ? row : `${row} FROM app_grant AS app WHERE app.grant_hash = $3 FOR KEY SHARE`}
             ON CONFLICT (tenant_id, model, id_hash)
             DO UPDATE SET payload = excluded.payload, expires_at = excluded.expires_at`,
      values,
    }),
  );
}

/** One UPDATE decides who was first. Whoever comes second has a copy, so the whole grant ends: RFC 9700 section 4.5.3. */
async function consumeRecord({ tenantId, tenantDoor }: RecordContext, model: string, id: string): Promise<void> {
  const values = [model, hashOf(id)];
  const first = await tenantDoor(tenantId, (trx) =>
    trx.query({
      text: `UPDATE oidc_record SET consumed_at = now()
             WHERE model = $1 AND id_hash = $2 AND consumed_at IS NULL AND expires_at > now() RETURNING id_hash`,
      values,
    }),
  );
  if (first.length > 0) return;
  // In a transaction of its own: that one has locked the record on its way, and whoever ends a grant takes the records last.
  await tenantDoor(tenantId, async (trx) => {
    const [used] = await trx.query<{ grant_hash: Buffer | null }>({
      text: 'SELECT grant_hash FROM oidc_record WHERE model = $1 AND id_hash = $2',
      values,
    });
    if (used?.grant_hash) await endGrantOfRequest(trx, used.grant_hash);
  });
  throw new errors.InvalidGrant(`${model} was already consumed`);
}

/** Where a token is asked for, only what came a second time ends a grant: the request is put on record as that (on-record.ts). */
export async function endGrantOfRequest(trx: TenantTransaction, grantHash: Buffer): Promise<void> {
  const { ctx } = Provider;
  if (ctx?.oidc.route === 'token') {
    // Several records of the grant end it, and only the first of them finds whose it is.
    const { accountId } = (await findAppGrant(trx, grantHash)) ?? (ctx.state.reuse as Reuse | undefined) ?? {};
    ctx.state.reuse = { accountId } satisfies Reuse;
  }
  endGrant(trx, grantHash);
}
