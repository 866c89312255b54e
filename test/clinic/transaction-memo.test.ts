// What a transaction remembers of rows under its lock: asked once, never older than what it wrote itself.

import { expect, test } from '@jest/globals';
import { TransactionMemo } from '../../src/clinic/transaction-memo.ts';
import type { Session } from '../../src/repository/session.ts';

const newSession = () => ({ trx: {} as Session['trx'] });
const rows = (entries: Readonly<Record<string, number>>) => async () => new Map(Object.entries(entries));

test('each row is loaded once in a transaction, also one that is not there', async () => {
  const memo = new TransactionMemo<number>();
  const session = newSession();
  const asked: (readonly string[])[] = [];
  const load = async (ids: readonly string[]) => {
    asked.push(ids);
    return new Map(ids.filter((id) => id !== 'none').map((id) => [id, 1]));
  };
  await memo.read(session, ['a', 'none', 'a'], load);
  expect(await memo.read(session, ['none', 'a', 'b'], load)).toEqual(
    new Map([
      ['a', 1],
      ['b', 1],
    ]),
  );
  expect(asked).toEqual([['a', 'none'], ['b']]);
  expect(await memo.read(newSession(), ['a'], rows({ a: 2 }))).toEqual(new Map([['a', 2]]));
});

test('what was kept or forgotten since is never replaced by an answer from before', async () => {
  const memo = new TransactionMemo<number>();
  const session = newSession();
  let answer: (found: Map<string, number>) => void = () => undefined;
  const slow = memo.read(
    session,
    ['a'],
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  memo.keep(session, [['a', 2]]);
  answer(new Map([['a', 1]]));
  await slow;
  expect(await memo.read(session, ['a'], rows({ a: 3 }))).toEqual(new Map([['a', 2]]));
  memo.forget(session, ['a']);
  expect(await memo.read(session, ['a'], rows({ a: 3 }))).toEqual(new Map([['a', 3]]));
});
