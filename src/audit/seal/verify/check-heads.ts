// Heads follow each other and are signed by the installation's key; the chain makes the last signature vouch for all of them.

import type { Transaction } from '../../../database/transaction.ts';
import { type Head, headHash, isSigned } from '../head.ts';
import { readHeads, readLastHead, toHead } from '../head-rows.ts';
import { SealDifference } from './difference.ts';

const perStep = 1_000;

/** Throws at the first head that is not signed, when the last one is not. Undefined where nothing was sealed. */
export async function checkLastHead(
  trx: Transaction,
  tenantId: number,
  key: string | undefined,
): Promise<Head | undefined> {
  const row = await readLastHead(trx);
  if (!row) return undefined;
  const last = toHead(tenantId, row);
  if (!isOurs(last, key)) await nameUnsigned(trx, tenantId, key);
  return last;
}

/** Without a `key` whoever it names may have signed. */
export function isOurs(head: Head, key: string | undefined): boolean {
  return (key === undefined || head.key === key) && isSigned(head);
}

async function nameUnsigned(trx: Transaction, tenantId: number, key: string | undefined): Promise<never> {
  let before = 0;
  for await (const { head } of walkHeads(trx, tenantId)) {
    if (!isOurs(head, key)) {
      const events = `events ${before + 1} to ${head.size}`;
      throw new SealDifference(
        'rewritten',
        `The head of ${head.at.toISOString()} (${events}) is not signed by the key of this installation.`,
      );
    }
    before = head.size;
  }
  throw new SealDifference('rewritten', 'The last head changed meanwhile.');
}

export interface WalkedHead {
  readonly head: Head;
  readonly subtrees: Buffer;
}

/** Those behind the size, in their order. */
export async function* walkHeads(trx: Transaction, tenantId: number, behind = 0): AsyncGenerator<WalkedHead> {
  for (let last = behind; ; ) {
    const rows = await readHeads(trx, last, perStep);
    for (const row of rows) yield { head: toHead(tenantId, row), subtrees: row.subtrees };
    if (rows.length < perStep) return;
    last = Number(rows.at(-1)?.size);
  }
}

export function checkOrder(head: Head, before: Head | undefined): void {
  const prevHash = before ? headHash(before) : Buffer.alloc(0);
  if (head.prevHash.equals(prevHash)) return;
  const place = before
    ? `does not follow the one of ${before.at.toISOString()} (${before.size} events)`
    : 'is not the first one';
  throw new SealDifference(
    'gap',
    `The head of ${head.at.toISOString()} (${head.size} events) ${place}: heads between were taken away or changed.`,
  );
}
