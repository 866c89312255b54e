// Another root key while everything goes on, and tenants that no backup brings back: issue 8, Privacy; security.md, faults 33, 37

import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createKeyRing, type KeyRing } from '../../src/crypto/key-ring.ts';
import { createLocalRoot } from '../../src/crypto/local-root.ts';
import { type RootKeys, soleRoot } from '../../src/crypto/root-keys.ts';
import { createKeyDirectory } from '../../src/gateways/key-directory.ts';
import { createAwsKms } from '../../src/gateways/kms-aws.ts';
import { createVaultTransit } from '../../src/gateways/vault-transit.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { createForgetShredded } from '../../src/tenants/forget-shredded.ts';
import { type RotatedRoot, rotateRootKey } from '../../src/tenants/rotate-root-key.ts';
import { shredTenant, suspendTenant } from '../../src/tenants/tenant-status.ts';
import { type AwsKmsServer, awsCredentials, startAwsKmsServer } from '../gateways/aws-kms-server.ts';
import { startVaultServer, type VaultServer, vaultToken } from '../gateways/vault-server.ts';
import { withClient } from '../support/database.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { openTenantDatabase, type TenantDatabase } from '../tenants/tenant-database.ts';

let database: TenantDatabase;
let kms: AwsKmsServer;
let vault: VaultServer;
const rings: KeyRing[] = [];
beforeAll(async () => {
  [database, kms, vault] = await Promise.all([openTenantDatabase(), startAwsKmsServer(), startVaultServer()]);
});
afterAll(async () => {
  for (const ring of rings) ring.close();
  await Promise.all([database.close(), kms.close(), vault.close()]);
});

const folder = makeTemporaryFolder();
const oldKey = Buffer.alloc(32, 'hpms test root key');
const plain = soleRoot(oldKey).current;
const beside = createLocalRoot(oldKey, createKeyDirectory(path.join(folder, 'keys')));
const openKms = () =>
  createAwsKms({ region: 'eu-central-1', prefix: 'hpms', endpoint: kms.url, credentials: () => awsCredentials });
const openVault = () =>
  createVaultTransit({ url: vault.url, mount: 'transit', prefix: 'hpms', token: () => vaultToken });

/** As another process that has been given these. */
function ringOf(roots: RootKeys): KeyRing {
  const ring = createKeyRing(roots, database.tenantDoor, { retryMs: 0 });
  rings.push(ring);
  return ring;
}

const makeTenant = async (name: string, roots: RootKeys) =>
  (await createTenant({ ...database, keyRing: ringOf(roots) }, { name })).tenantId;

interface Rotation {
  readonly failures?: string[];
  readonly onTenant?: (done: number) => void;
}

const rotate = (roots: RootKeys, { failures = [], onTenant = () => undefined }: Rotation = {}): Promise<RotatedRoot> =>
  rotateRootKey({
    databaseUrl: database.url,
    roots,
    onTenant: ({ done }) => onTenant(done),
    onFailure: (tenantId, error) => failures.push(`${tenantId} ${(error as Error).message}`),
  });

const rootsInUse = async () => {
  const { rows } = await withClient(database.url, (client) =>
    client.query('SELECT DISTINCT root FROM store.tenant_key JOIN store.tenant ON id = tenant_id ORDER BY root'),
  );
  return rows.map(({ root }) => root);
};

describe('a root key is rotated', () => {
  test('from a file to one with secrets beside it, to Vault, to AWS KMS: what was sealed before opens under each', async () => {
    const ids = [
      await makeTenant('a', { current: plain, earlier: [] }),
      await makeTenant('b', { current: plain, earlier: [] }),
    ];
    // As it was before keys said by which root key they are wrapped.
    await withClient(database.url, (client) => client.query('UPDATE store.tenant_key SET root = NULL'));
    const first = ringOf({ current: plain, earlier: [] });
    const boxes = await Promise.all(
      ids.map(async (id) => (await first.cipherOf(id)).seal(Buffer.from(`of ${id}`), 'c')),
    );
    let current = plain;
    for (const next of [beside, openVault(), openKms()]) {
      const roots = { current: next, earlier: [current] };
      const running = ringOf(roots);
      const before = await running.cipherOf(ids[0] as number);
      expect(await rotate(roots)).toEqual({ tenants: 2, keys: 4, failed: 0 });
      expect(await rotate(roots)).toEqual({ tenants: 0, keys: 0, failed: 0 });
      expect(await rootsInUse()).toEqual([next.id]);
      // Nothing has to be loaded again, and who starts without the one before has all.
      expect(running.loadedCipherOf(ids[0] as number)).toBe(before);
      const fresh = ringOf({ current: next, earlier: [] });
      for (const [index, id] of ids.entries()) {
        expect((await fresh.cipherOf(id)).open(boxes[index] as Buffer, 'c').toString()).toBe(`of ${id}`);
        expect((await fresh.cipherOf(id)).tokenOf('t')).toBe((await first.cipherOf(id)).tokenOf('t'));
      }
      await expect(ringOf({ current, earlier: [] }).cipherOf(ids[0] as number)).rejects.toThrow(
        /has not been given that root key/,
      );
      current = next;
    }
  });

  test('goes on where it was killed, while tenants are made and read', async () => {
    const [from, to] = [
      { current: openKms(), earlier: [] },
      { current: beside, earlier: [openKms()] },
    ];
    const late = await makeTenant('c', from);
    const killed = rotate(to, {
      onTenant(done) {
        if (done === 2) throw new Error('The process is gone.');
      },
    });
    await expect(killed).rejects.toThrow('The process is gone.');
    expect(await rootsInUse()).toEqual([from.current.id, beside.id].sort());
    const readers = Array.from({ length: 20 }, async () => {
      const cipher = await ringOf(to).cipherOf(late);
      expect(cipher.open(cipher.seal(Buffer.from('x'), 'c'), 'c').toString()).toBe('x');
    });
    const [rotated, made] = await Promise.all([rotate(to), makeTenant('d', to), ...readers]);
    expect(rotated.failed).toBe(0);
    expect((await rotate(to)).failed).toBe(0);
    expect(await rootsInUse()).toEqual([beside.id]);
    expect((await ringOf({ current: beside, earlier: [] }).cipherOf(made)).tokenOf('x')).toEqual(expect.any(BigInt));
  });

  test('leaves a tenant whose keys do not open as it is, names it, and does all others', async () => {
    const broken = await makeTenant('e', { current: beside, earlier: [] });
    await withClient(database.url, (client) =>
      client.query(
        "UPDATE store.tenant_key SET wrapped = set_byte(wrapped, 40, get_byte(wrapped, 40) # 1) WHERE tenant_id = $1 AND purpose = 'data'",
        [broken],
      ),
    );
    const failures: string[] = [];
    const roots = { current: openVault(), earlier: [beside] };
    const { failed, tenants } = await rotate(roots, { failures });
    expect({ failed, tenants }).toEqual({ failed: 1, tenants: 4 });
    expect(failures).toEqual([
      expect.stringContaining(`${broken} The data key 1 of tenant ${broken} does not open under local+secrets:`),
    ]);
    await withClient(database.url, (client) =>
      client.query('DELETE FROM store.tenant_key WHERE tenant_id = $1', [broken]),
    );
  });

  test('cannot be done by the application: its role writes no wrapped key', async () => {
    const id = await makeTenant('f', { current: plain, earlier: [] });
    for (const column of ['wrapped = wrapped', 'root = root', 'version = 2', 'purpose = purpose']) {
      const written = database.tenantDoor(id, async (trx) => trx.execute({ text: `UPDATE tenant_key SET ${column}` }));
      await expect(written).rejects.toThrow('permission denied');
    }
  });
});

describe.each(['a key directory', 'AWS KMS', 'Vault transit'])('a tenant that is shredded under %s', (keeper) => {
  const rootOf = () => ({ 'a key directory': () => beside, 'AWS KMS': openKms, 'Vault transit': openVault })[keeper]!();
  const names = ['gone', 'stays'].map((name) => `${name}-${keeper.toLowerCase().replaceAll(' ', '-')}`) as [
    string,
    string,
  ];

  const isDark = async (id: number) => {
    const text = 'SELECT is_dark FROM store.tenant WHERE id = $1';
    return (await withClient(database.url, (client) => client.query(text, [id]))).rows[0].is_dark as boolean;
  };

  test('stays dark when a backup of before is restored, and the other tenant of the backup does not', async () => {
    const roots = { current: rootOf(), earlier: [] };
    const [gone, stays] = [await makeTenant(names[0], roots), await makeTenant(names[1], roots)];
    const ring = ringOf(roots);
    const boxes = await Promise.all(
      [gone, stays].map(async (id) => (await ring.cipherOf(id)).seal(Buffer.from('record'), 'Patient|p|1')),
    );
    const read = 'SELECT * FROM store.tenant_key WHERE tenant_id = ANY($1)';
    const { rows: backup } = await withClient(database.url, (client) => client.query(read, [[gone, stays]]));
    expect(backup).toHaveLength(4);

    await suspendTenant(database.systemDoor, names[0]);
    await shredTenant(database.systemDoor, names[0]);
    const onNotice = createForgetShredded({ ...database, keyRing: ring, onError: () => undefined });
    onNotice();
    while (!(await isDark(gone))) await new Promise((resolve) => setImmediate(resolve));
    expect(ring.loadedTenants()).toEqual([stays]);

    await withClient(database.url, async (client) => {
      await client.query(
        "UPDATE store.tenant SET status = 'active', shredded_at = NULL, is_dark = false WHERE id = $1",
        [gone],
      );
      await client.query('DELETE FROM store.tenant_key WHERE tenant_id = ANY($1)', [[gone, stays]]);
      await client.query(
        'INSERT INTO store.tenant_key SELECT * FROM json_populate_recordset(NULL::store.tenant_key, $1)',
        [JSON.stringify(backup.map((row) => ({ ...row, wrapped: `\\x${row.wrapped.toString('hex')}` })))],
      );
    });
    const restored = ringOf({ current: rootOf(), earlier: [plain] });
    await expect(restored.cipherOf(gone)).rejects.toThrow(`key 1 of tenant ${gone} does not open under`);
    expect((await restored.cipherOf(stays)).open(boxes[1] as Buffer, 'Patient|p|1').toString()).toBe('record');
    expect((await rotate({ current: plain, earlier: [rootOf()] })).failed).toBeGreaterThan(0);
  });
});

test('a shredded tenant whose secret cannot be destroyed yet is tried again', async () => {
  const roots = { current: openKms(), earlier: [] };
  const id = await makeTenant('late', roots);
  const { systemDoor } = database;
  await suspendTenant(systemDoor, 'late');
  await shredTenant(systemDoor, 'late');
  const pending = () => [...kms.keys.values()].filter(({ state }) => state === 'PendingDeletion').length;
  const [before, failed] = [pending(), Promise.withResolvers<unknown>()];
  const onNotice = createForgetShredded({ systemDoor, keyRing: ringOf(roots), onError: failed.resolve });
  kms.isDown = true;
  onNotice();
  expect(await failed.promise).toMatchObject({ status: 503 });
  expect(pending()).toBe(before);
  kms.isDown = false;
  const text = 'SELECT is_dark FROM tenant WHERE id = $1';
  for (let dark = false; !dark; ) {
    onNotice();
    await new Promise((resolve) => setImmediate(resolve));
    [{ is_dark: dark }] = (await systemDoor((trx) => trx.query({ text, values: [id] }))) as [{ is_dark: boolean }];
  }
  expect(pending()).toBe(before + 1);
});
