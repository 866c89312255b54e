// What a transaction has read of rows that nobody else changes while it holds their lock: it asks for each once.

import type { Session } from '../repository/session.ts';

interface Kept<T> {
  readonly rows: Map<string, T | undefined>;
  /** How often something was forgotten: what was asked for before is not kept after. */
  age: number;
}

export class TransactionMemo<T> {
  readonly #byTransaction = new WeakMap<Session['trx'], Kept<T>>();

  /** By id; what does not exist is not there. */
  async read(
    { trx }: Pick<Session, 'trx'>,
    ids: readonly string[],
    load: (unread: readonly string[]) => Promise<ReadonlyMap<string, T>>,
  ): Promise<Map<string, T>> {
    const kept = this.#of(trx);
    const unread = [...new Set(ids)].filter((id) => !kept.rows.has(id));
    const { age } = kept;
    const loaded = unread.length > 0 ? await load(unread) : new Map<string, T>();
    if (kept.age === age) for (const id of unread) kept.rows.set(id, loaded.get(id));
    const found = new Map<string, T>();
    for (const id of ids) {
      const row = loaded.get(id) ?? kept.rows.get(id);
      if (row !== undefined) found.set(id, row);
    }
    return found;
  }

  keep({ trx }: Pick<Session, 'trx'>, rows: Iterable<readonly [id: string, row: T]>): void {
    const kept = this.#of(trx);
    kept.age += 1;
    for (const [id, row] of rows) kept.rows.set(id, row);
  }

  forget({ trx }: Pick<Session, 'trx'>, ids: Iterable<string>): void {
    const kept = this.#of(trx);
    kept.age += 1;
    for (const id of ids) kept.rows.delete(id);
  }

  #of(trx: Session['trx']): Kept<T> {
    const kept = this.#byTransaction.get(trx) ?? { rows: new Map(), age: 0 };
    this.#byTransaction.set(trx, kept);
    return kept;
  }
}
