// What oidc-provider stores: atomic consumption, hashed ids, encrypted payloads (security.md 1.9, Races)

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { insertAppGrant } from '../../src/smart/app-grants.ts';
import { createRecordAdapter, type RecordContext } from '../../src/smart/record-adapter.ts';
import { withClient } from '../support/database.ts';
import { type SmartServer, startSmartServer } from './smart-server.ts';

let server: SmartServer;
let a: RecordContext;
let b: RecordContext;

beforeAll(async () => {
  server = await startSmartServer();
  const { tenantDoor, keyRing } = server;
  a = { tenantId: server.a.tenantId, tenantDoor, keyRing };
  b = { tenantId: server.b.tenantId, tenantDoor, keyRing };
  const grant = { accountId: randomUUID(), clientId: 'app', sessionHash: undefined, lifetimeSeconds: 60 };
  await tenantDoor(a.tenantId, async (trx) => {
    for (const grantId of ['grant-1', 'raced-grant', 'another', 'g']) insertAppGrant(trx, { ...grant, grantId });
  });
});
afterAll(() => server.close());

const code = { jti: 'code-1', kind: 'AuthorizationCode', grantId: 'grant-1', accountId: 'eva.muster' };

describe('a stored record', () => {
  test('comes back as it was, under its model only and in its tenant only', async () => {
    const codes = createRecordAdapter(a, 'AuthorizationCode');
    await codes.upsert!('code-1', code, 60);
    expect(await codes.find('code-1')).toEqual(code);
    expect(await codes.find('code-2')).toBeUndefined();
    expect(await createRecordAdapter(a, 'RefreshToken').find('code-1')).toBeUndefined();
    expect(await createRecordAdapter(b, 'AuthorizationCode').find('code-1')).toBeUndefined();
    await codes.upsert!('code-1', { ...code, changed: true }, 60);
    expect(await codes.find('code-1')).toEqual({ ...code, changed: true });
    await codes.destroy!('code-1');
    expect(await codes.find('code-1')).toBeUndefined();
  });

  test('a session is found by its uid, too', async () => {
    const sessions = createRecordAdapter(a, 'Session');
    await sessions.upsert!('session-1', { jti: 'session-1', uid: 'uid-1' }, 60);
    expect(await sessions.findByUid!('uid-1')).toEqual({ jti: 'session-1', uid: 'uid-1' });
    expect(await sessions.findByUid!('session-1')).toBeUndefined();
  });

  test('is gone when it has expired', async () => {
    const codes = createRecordAdapter(a, 'AuthorizationCode');
    await codes.upsert!('short', { ...code, jti: 'short' }, 0);
    expect(await codes.find('short')).toBeUndefined();
    await expect(codes.consume!('short')).rejects.toThrow('invalid_grant');
  });

  test('says nothing readable at rest', async () => {
    await createRecordAdapter(a, 'AuthorizationCode').upsert!('readable-id', { ...code, jti: 'readable-id' }, 60);
    const { rows } = await withClient(server.database.url, (client) =>
      client.query('SELECT to_jsonb(r)::text AS text FROM store.oidc_record AS r'),
    );
    for (const text of ['readable-id', 'eva.muster', 'grant-1']) {
      expect(JSON.stringify(rows)).not.toContain(text);
      expect(JSON.stringify(rows)).not.toContain(Buffer.from(text).toString('hex'));
    }
  });
});

describe('consuming', () => {
  test('50 at once: one is first, and the others end the grant: security.md 47, RFC 9700 section 4.5.3', async () => {
    const codes = createRecordAdapter(a, 'AuthorizationCode');
    const refreshTokens = createRecordAdapter(a, 'RefreshToken');
    await codes.upsert!('raced', { ...code, jti: 'raced', grantId: 'raced-grant' }, 60);
    await refreshTokens.upsert!('of-the-same-grant', { jti: 'of-the-same-grant', grantId: 'raced-grant' }, 60);
    await refreshTokens.upsert!('of-another', { jti: 'of-another', grantId: 'another' }, 60);
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => codes.consume!('raced')));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await refreshTokens.find('of-the-same-grant')).toBeUndefined();
    expect(await refreshTokens.find('of-another')).toBeDefined();
  });

  test('marks the record, so that oidc-provider sees it was used', async () => {
    const codes = createRecordAdapter(a, 'AuthorizationCode');
    await codes.upsert!('marked', { ...code, jti: 'marked', grantId: 'another' }, 60);
    await codes.consume!('marked');
    expect(await codes.find('marked')).toMatchObject({ consumed: expect.any(Number) });
  });

  test('what comes for a grant that has ended is not kept', async () => {
    const tokens = createRecordAdapter(a, 'RefreshToken');
    await tokens.upsert!('late', { jti: 'late', grantId: 'never-was' }, 60);
    expect(await tokens.find('late')).toBeUndefined();
  });

  test('a revoked grant takes all its records along', async () => {
    const tokens = createRecordAdapter(a, 'RefreshToken');
    await tokens.upsert!('r1', { jti: 'r1', grantId: 'g' }, 60);
    await tokens.revokeByGrantId!('g');
    expect(await tokens.find('r1')).toBeUndefined();
  });
});
