// Who is an administrator: whoever has the right op:admin from a role, which no scope gives.

import { expect, test } from '@jest/globals';
import { requireAdministrator } from '../../src/access/administrator.ts';
import { type Caller, serverCaller } from '../../src/access/caller.ts';
import { requireOperation } from '../../src/access/may.ts';

const callerWith = (...operations: string[]): Caller => ({
  ...serverCaller(1, 'test'),
  kind: 'client',
  operations: new Set(operations),
});

test('op:admin is enough, also among others', () => {
  expect(() => requireAdministrator(callerWith('$find', 'op:admin'))).not.toThrow();
});

test.each([['$find'], ['op:administer'], ['admin'], ['op:admin '], []])('%j is 403', (...operations) => {
  expect(() => requireAdministrator(callerWith(...operations))).toThrow(expect.objectContaining({ status: 403 }));
});

test('every right on every type is 403 without the role, and so is the server itself', () => {
  const { operations: _, ...caller } = callerWith();
  expect(() => requireAdministrator(caller)).toThrow(expect.objectContaining({ status: 403 }));
});

test('what is missing is named', () => {
  expect(() => requireOperation(callerWith('op:void'), '$book')).toThrow('$book');
});
