// What a transaction has read of rows that nobody else changes while it holds their lock: it asks for each once.

import type { Session } from '../repository/session.ts';

interface Kept<T> {
  readonly rows: Map<string, T | undefined>;
  /** What was asked for and not answered yet: whoever needs it too waits for the same answer. */
  readonly asked: Map<string, Promise<unknown>>;
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
    const asked = new Set(ids.flatMap((id) => kept.asked.get(id) ?? []));
    // Who waits for nothing asks at once, before whatever it writes next.
    if (asked.size > 0) await Promise.allSettled(asked);
    const unread = [...new Set(ids)].filter((id) => !kept.rows.has(id));
    const loaded = unread.length > 0 ? await this.#load(kept, unread, load) : new Map<string, T>();
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

  /** What was read in another way; what is known already is not older. */
  note({ trx }: Pick<Session, 'trx'>, rows: Iterable<readonly [id: string, row: T]>): void {
    const kept = this.#of(trx);
    for (const [id, row] of rows) if (kept.rows.get(id) === undefined) kept.rows.set(id, row);
  }

  forget({ trx }: Pick<Session, 'trx'>, ids: Iterable<string>): void {
    const kept = this.#of(trx);
    kept.age += 1;
    for (const id of ids) kept.rows.delete(id);
  }

  #load(
    kept: Kept<T>,
    unread: readonly string[],
    load: (unread: readonly string[]) => Promise<ReadonlyMap<string, T>>,
  ): Promise<ReadonlyMap<string, T>> {
    const { age } = kept;
    const loading = load(unread).then((loaded) => {
      if (kept.age === age) for (const id of unread) kept.rows.set(id, loaded.get(id));
      return loaded;
    });
    const answered = loading.finally(() => {
      for (const id of unread) if (kept.asked.get(id) === answered) kept.asked.delete(id);
    });
    for (const id of unread) kept.asked.set(id, answered);
    return answered;
  }

  #of(trx: Session['trx']): Kept<T> {
    const kept = this.#byTransaction.get(trx) ?? { rows: new Map(), asked: new Map(), age: 0 };
    this.#byTransaction.set(trx, kept);
    return kept;
  }
}
