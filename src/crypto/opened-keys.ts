// What root keys elsewhere have unwrapped, for as long as their word is good (security.md, fault 33).

import { createSecretKey, type KeyObject } from 'node:crypto';
import { allRoots, type RootKeys, unwrapKey, type WrappedKey } from './root-keys.ts';

interface Opened {
  readonly key: KeyObject;
  readonly atMs: number;
}

export interface OpenedKeysOptions {
  readonly cacheMs: number;
  /** Of a clock that only goes on. */
  readonly nowMs: () => number;
}

export class OpenedKeys {
  readonly #roots: RootKeys;
  readonly #options: OpenedKeysOptions;
  readonly #remote: ReadonlySet<string>;
  readonly #byTenant = new Map<number, Map<string, Opened>>();

  constructor(roots: RootKeys, options: OpenedKeysOptions) {
    this.#roots = roots;
    this.#options = options;
    this.#remote = new Set(allRoots(roots).flatMap(({ id, isRemote }) => (isRemote ? [id] : [])));
  }

  /** From memory while it is good. */
  async open(row: WrappedKey): Promise<KeyObject> {
    if (row.root === null || !this.#remote.has(row.root)) return createSecretKey(await unwrapKey(this.#roots, row));
    const name = `${row.purpose} ${row.version} ${row.wrapped.toString('base64')}`;
    const known = this.#byTenant.get(row.tenantId)?.get(name);
    const { nowMs, cacheMs } = this.#options;
    if (known && nowMs() - known.atMs < cacheMs) return known.key;
    const opened = { key: createSecretKey(await unwrapKey(this.#roots, row)), atMs: nowMs() };
    const ofTenant = this.#byTenant.get(row.tenantId) ?? new Map<string, Opened>();
    this.#byTenant.set(row.tenantId, ofTenant.set(name, opened));
    return opened.key;
  }

  /** All keys of a tenant are asked for again; what was known stays where one cannot be had. */
  async renew(tenantId: number, rows: readonly WrappedKey[]): Promise<void> {
    const before = this.#byTenant.get(tenantId);
    this.#byTenant.delete(tenantId);
    try {
      for (const row of rows) await this.open(row);
    } catch (error) {
      if (before) this.#byTenant.set(tenantId, before);
      throw error;
    }
  }

  /** Of the key that was unwrapped first; undefined when nobody else was asked. */
  ageMs(tenantId: number): number | undefined {
    const keys = this.#byTenant.get(tenantId);
    return keys && this.#options.nowMs() - Math.min(...[...keys.values()].map(({ atMs }) => atMs));
  }

  forget(tenantId: number): void {
    this.#byTenant.delete(tenantId);
  }
}
