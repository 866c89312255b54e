// The ciphers in this process' memory: each is loaded once however many ask for it, and not again right after it was refused.

import type { TenantCipher } from './tenant-cipher.ts';

export interface LoadedCiphersOptions {
  readonly read: (tenantId: number) => Promise<TenantCipher>;
  readonly retryMs: number;
  readonly nowMs: () => number;
}

export class LoadedCiphers {
  readonly #options: LoadedCiphersOptions;
  readonly #loaded = new Map<number, TenantCipher>();
  readonly #loading = new Map<number, Promise<TenantCipher>>();
  readonly #refused = new Map<number, { readonly error: unknown; readonly atMs: number }>();

  constructor(options: LoadedCiphersOptions) {
    this.#options = options;
  }

  known(tenantId: number): TenantCipher | undefined {
    return this.#loaded.get(tenantId);
  }

  async get(tenantId: number): Promise<TenantCipher> {
    return this.#loaded.get(tenantId) ?? (await (this.#loading.get(tenantId) ?? this.#load(tenantId)));
  }

  tenants(): number[] {
    return [...this.#loaded.keys()];
  }

  /** What is being read now must not come in afterwards either. */
  drop(tenantId: number): void {
    this.#loaded.delete(tenantId);
    this.#loading.delete(tenantId);
  }

  /** All who ask within a moment get the same 503, and the root key's keeper is left alone. */
  #load(tenantId: number): Promise<TenantCipher> {
    const { read, retryMs, nowMs } = this.#options;
    const last = this.#refused.get(tenantId);
    if (last && nowMs() - last.atMs < retryMs) return Promise.reject(last.error);
    this.#refused.delete(tenantId);
    const promise = read(tenantId);
    this.#loading.set(tenantId, promise);
    const isWanted = () => this.#loading.get(tenantId) === promise;
    promise.then(
      (cipher) => {
        if (isWanted()) this.#loaded.set(tenantId, cipher);
        if (isWanted()) this.#loading.delete(tenantId);
      },
      (error: { readonly status?: number }) => {
        if (isWanted()) this.#loading.delete(tenantId);
        if (error.status === 503) this.#refused.set(tenantId, { error, atMs: nowMs() });
      },
    );
    return promise;
  }
}
