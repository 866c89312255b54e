// A root key: it wraps the keys of tenants, wherever it is itself (security.md 1.10).

export interface KeyName {
  readonly tenantId: number;
  readonly purpose: string;
  readonly version: number;
}

/** What one wraps opens only under the same name. All may reject with 503 `transient` while the key is out of reach. */
export interface RootKey {
  /** Stored beside each key that it wraps. */
  readonly id: string;
  /** Somebody else is asked, who may say no tomorrow: what was unwrapped is good for a while only. */
  readonly isRemote: boolean;
  /** Makes the secret outside the database that only this tenant's keys are wrapped by; again: nothing. */
  prepare(tenantId: number): Promise<void>;
  wrap(key: Buffer, name: KeyName): Promise<Buffer>;
  /** Throws KeyRefusal when it was wrapped by another key or under another name, was changed, or the secret is destroyed. */
  unwrap(wrapped: Buffer, name: KeyName): Promise<Buffer>;
  /** Destroys that secret: from then on no backup of the database opens. Again: nothing. */
  destroy(tenantId: number): Promise<void>;
}

/** The secrets of tenants outside the database, for a root key that has none of its own. */
export interface TenantSecrets {
  read(tenantId: number): Promise<Buffer | undefined>;
  /** On disk before it resolves; the one that is there when there is one. */
  make(tenantId: number): Promise<Buffer>;
  destroy(tenantId: number): Promise<void>;
}

/** For the log: which key does not open, and under which root key. */
export class KeyRefusal extends Error {
  override readonly name = 'KeyRefusal';

  constructor(rootId: string, { tenantId, purpose, version }: KeyName, reason: string, cause?: unknown) {
    super(`The ${purpose} key ${version} of tenant ${tenantId} does not open under ${rootId}: ${reason}.`, { cause });
  }
}

export function contextOf({ tenantId, purpose, version }: KeyName): string {
  return `${tenantId}|${purpose} key|${version}`;
}
