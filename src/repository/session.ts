// One unit of work on a tenant's resources: the transaction, the caller and the keys it runs with.

import type { Caller } from '../access/caller.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import { type TenantCipher, UnknownKeyVersionError } from '../crypto/tenant-cipher.ts';
import type { TenantDoor, TenantTransaction, WorkKind } from '../database/tenant-transaction.ts';
import type { BuiltIns } from '../fhir/definitions/built-ins.ts';
import type { Definitions } from '../fhir/definitions.ts';
import type { Issue } from '../fhir/outcome.ts';
import type { ObjectStore } from '../gateways/object-store.ts';
import type { Extract } from '../search/extract.ts';
import type { Rules } from './rules.ts';

/** What the repository is made of; one for the life of the process. */
export interface Repository {
  readonly definitions: Definitions;
  /** Definitions that the server itself answers; absent = none. */
  readonly builtIns?: BuiltIns;
  readonly tenantDoor: TenantDoor;
  readonly keyRing: KeyRing;
  readonly objectStore: ObjectStore;
  readonly validate: (resource: unknown) => Issue[];
  readonly extract: Extract;
  readonly rules: Rules;
  /** Tells whether literal references must resolve inside the tenant (setting `references.check`). */
  readonly checksReferences: (tenantId: number) => boolean | Promise<boolean>;
  /** Signs the cursors of pages. */
  readonly cursorKey: Buffer;
  readonly now: () => Date;
}

export interface Session {
  readonly repository: Repository;
  readonly trx: TenantTransaction;
  readonly caller: Caller;
  readonly cipher: TenantCipher;
  readonly checksReferences: boolean;
  /** `lastUpdated` of everything this session writes. */
  readonly at: Date;
}

/**
 * Runs `work` in one transaction of the caller's tenant, `kind` being `write` unless it only reads. It may run again: after
 * a deadlock, and where another process has begun to use a newer key.
 */
export async function inSession<T>(
  repository: Repository,
  caller: Caller,
  work: (session: Session) => Promise<T>,
  kind: WorkKind = 'write',
): Promise<T> {
  try {
    return await runSession(repository, caller, work, kind);
  } catch (error) {
    if (!(error instanceof UnknownKeyVersionError)) throw error;
    return await runSession(repository, caller, work, kind);
  }
}

/** Whatever needs a connection of its own is loaded before: transactions that wait for connections could wait for each other. */
async function runSession<T>(
  repository: Repository,
  caller: Caller,
  work: (session: Session) => Promise<T>,
  kind: WorkKind,
): Promise<T> {
  const { tenantId } = caller;
  const cipher = repository.keyRing.loadedCipherOf(tenantId) ?? (await repository.keyRing.cipherOf(tenantId));
  const setting = repository.checksReferences(tenantId);
  const checksReferences = typeof setting === 'boolean' ? setting : await setting;
  return await repository.tenantDoor(
    tenantId,
    (trx) => work({ repository, trx, caller, cipher, checksReferences, at: repository.now() }),
    kind,
  );
}
