// A database with two tenants whose AuditEvents are made, sealed, verified and doctored by tests, without a server around it.

import path from 'node:path';
import type pg from 'pg';
import { readAnchors } from '../../../src/audit/seal/anchor-lines.ts';
import { findSealKey } from '../../../src/audit/seal/seal-key.ts';
import { createSealer, type Sealer, type SealerOptions } from '../../../src/audit/seal/sealer.ts';
import { type VerifiedTree, type VerifyTreeOptions, verifyTree } from '../../../src/audit/seal/verify/verify-tree.ts';
import { soleRoot } from '../../../src/crypto/root-keys.ts';
import { createPool } from '../../../src/database/pool.ts';
import { createSystemDoor, type SystemDoor } from '../../../src/database/system-transaction.ts';
import { createSystemTurn, type SystemTurn } from '../../../src/database/system-turn.ts';
import { createTenantDoor, type TenantDoor } from '../../../src/database/tenant-transaction.ts';
import { newId } from '../../../src/fhir/ids.ts';
import { createAnchorFile } from '../../../src/gateways/anchor-file.ts';
import type { AnchorTarget } from '../../../src/gateways/anchor-target.ts';
import { createTestDatabase, testRootKey, withClient } from '../../support/database.ts';
import { makeTemporaryFolder } from '../../support/temporary-folder.ts';

export const roots = soleRoot(testRootKey);

export interface SealWorld {
  readonly url: string;
  readonly a: number;
  readonly b: number;
  readonly systemDoor: SystemDoor;
  readonly systemTurn: SystemTurn;
  readonly tenantDoor: TenantDoor;
  readonly anchorFile: string;
  readonly anchors: AnchorTarget;
  readonly sealer: Sealer;
  /** What the sealers of this world complained of. */
  readonly complaints: unknown[];
  newSealer(options?: Partial<SealerOptions>): Sealer;
  /** In one transaction of their own; gives their ids, the first earliest. */
  record(tenantId: number, count: number, at?: Date): Promise<string[]>;
  verify(tenantId: number, options?: Partial<VerifyTreeOptions>): Promise<VerifiedTree>;
  /** As somebody who may do anything in the database. */
  doctor<T>(work: (client: pg.Client) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export async function makeSealWorld(): Promise<SealWorld> {
  const database = await createTestDatabase();
  const settings = { databaseUrl: database.url, rootKey: testRootKey, connectionsMax: 6, waitingMax: 1_000 };
  const pools = (['hpms_app', 'hpms_system'] as const).map((role) =>
    createPool({ ...settings, role, onIdleError: () => undefined }),
  );
  const [appPool, systemPool] = pools as [(typeof pools)[0], (typeof pools)[0]];
  const tenantDoor = createTenantDoor(appPool);
  const systemDoor = createSystemDoor(systemPool);
  const systemTurn = createSystemTurn(systemPool);
  const anchorFile = path.join(makeTemporaryFolder(), 'anchors.jsonl');
  const anchors = createAnchorFile(anchorFile);
  const complaints: unknown[] = [];
  const newSealer = (options: Partial<SealerOptions> = {}) =>
    createSealer({ systemTurn, tenantDoor, roots, anchors, onError: (error) => complaints.push(error), ...options });
  const [a, b] = await withClient(database.url, makeTenants);
  return {
    ...{ url: database.url, a, b, systemDoor, systemTurn, tenantDoor, anchorFile, anchors, complaints, newSealer },
    sealer: newSealer(),
    async record(tenantId, count, at = new Date()) {
      const ids = Array.from({ length: count }, () => newId(at.getTime()));
      await tenantDoor(tenantId, async (trx) => insertEvents(trx, ids, at));
      return ids.sort();
    },
    async verify(tenantId, options = {}) {
      const key = (await findSealKey(tenantDoor, roots)) ?? '';
      const { byTenant } = await readAnchors(anchors);
      const defaults = { key, anchors: byTenant.get(tenantId) ?? [], now: new Date() };
      return await tenantDoor(tenantId, (trx) => verifyTree(trx, { ...defaults, ...options }));
    },
    doctor: (work) =>
      withClient(database.url, async (client) => {
        await client.query('SET session_replication_role = replica');
        return await work(client);
      }),
    async close() {
      await Promise.all(pools.map((pool) => pool.end()));
      await database.drop();
    },
  };
}

async function makeTenants(client: pg.Client): Promise<[number, number]> {
  const { rows } = await client.query<{ id: number }>(
    "INSERT INTO store.tenant (name, display) VALUES ('a', 'A'), ('b', 'B') RETURNING id",
  );
  return rows.map(({ id }) => id) as [number, number];
}

function insertEvents(trx: Parameters<Parameters<TenantDoor>[1]>[0], ids: readonly string[], at: Date): void {
  trx.execute({
    text: `INSERT INTO audit_event (last_updated, id, content, tokens)
           SELECT $1, id, sha256(id::bytea) || sha256(reverse(id)::bytea), '{}' FROM unnest($2::text[]) AS id`,
    values: [at, ids],
  });
}
