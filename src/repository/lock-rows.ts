// Reads and locks the current versions of what is about to be written, also ahead of the write, in a message that is sent anyway.

import type { Session } from './session.ts';
import { type VersionRow, versionColumns } from './stored-version.ts';
import { keyOf } from './target.ts';

export interface RowKey {
  readonly type: string;
  readonly id: string;
}

/** By the transaction that holds them, `Type/id`; each serves the next write of it, and no second one. */
const ahead = new WeakMap<Session['trx'], Map<string, Promise<VersionRow | undefined>>>();

/** To be asked by who knows what will follow from a write: whoever writes these next in the transaction waits for nothing. */
export function lockAhead({ trx }: Pick<Session, 'trx'>, keys: readonly RowKey[]): void {
  const held = ahead.get(trx) ?? new Map<string, Promise<VersionRow | undefined>>();
  ahead.set(trx, held);
  const wanted = keys.filter(({ type, id }) => !held.has(keyOf(type, id)));
  if (wanted.length === 0) return;
  const rows = trx.query<VersionRow>(lockStatement(wanted));
  for (const { type, id } of wanted) {
    const row = rows.then((found) => found.find((one) => one.type === type && one.id === id));
    // A failure is told to whoever takes it.
    row.catch(() => undefined);
    held.set(keyOf(type, id), row);
  }
}

/** In key order, so that writers cannot deadlock, but for those that were locked ahead. */
export async function lockRows({ trx }: Pick<Session, 'trx'>, keys: readonly RowKey[]): Promise<VersionRow[]> {
  const held = keys.map((key) => takeHeld(trx, key));
  const others = keys.filter((_, index) => held[index] === undefined);
  const rows = others.length > 0 ? trx.query<VersionRow>(lockStatement(others)) : [];
  const [taken, locked] = await Promise.all([Promise.all(held), rows]);
  return [...taken.filter((row) => row !== undefined), ...locked];
}

/** To be told of what is written: what was read ahead of it is not so any more. */
export function forgetAhead({ trx }: Pick<Session, 'trx'>, keys: readonly RowKey[]): void {
  for (const { type, id } of keys) ahead.get(trx)?.delete(keyOf(type, id));
}

function takeHeld(trx: Session['trx'], { type, id }: RowKey): Promise<VersionRow | undefined> | undefined {
  const held = ahead.get(trx);
  const row = held?.get(keyOf(type, id));
  held?.delete(keyOf(type, id));
  return row;
}

function lockStatement(keys: readonly RowKey[]) {
  const [only] = keys;
  if (only && keys.length === 1) {
    return {
      name: 'lock-one',
      text: `SELECT ${versionColumns} FROM resource WHERE type = $1 AND id = $2 FOR UPDATE`,
      values: [only.type, only.id],
    };
  }
  return {
    name: 'lock-many',
    text: `SELECT ${versionColumns} FROM resource WHERE (type, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
           ORDER BY type, id FOR UPDATE`,
    values: [keys.map((key) => key.type), keys.map((key) => key.id)],
  };
}
