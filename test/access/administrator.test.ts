// Who is an administrator until callers come with roles: whoever has every right on every type.

import { expect, test } from '@jest/globals';
import { requireAdministrator } from '../../src/access/administrator.ts';
import { type Grant, type Permission, serverCaller } from '../../src/access/caller.ts';

const grant = (context: Grant['context'], type: string, letters: string): Grant => ({
  ...{ context, type, permissions: new Set(letters as Iterable<Permission>) },
});
const callerWith = (...grants: Grant[]) => ({ ...serverCaller(1, 'test'), kind: 'client' as const, grants });

test.each([
  ['every right at once', [grant('system', '*', 'cruds')]],
  ['every right in parts', [grant('user', '*', 'rs'), grant('system', '*', 'cud')]],
])('%s is enough', (_, grants) => {
  expect(() => requireAdministrator(callerWith(...grants))).not.toThrow();
});

test.each([
  ['nothing', []],
  ['one right less', [grant('system', '*', 'crud')]],
  ['one type', [grant('system', 'Patient', 'cruds')]],
  ['a part of them on one type', [grant('system', '*', 'crus'), grant('system', 'Patient', 'd')]],
  ['a patient’s own', [grant('patient', '*', 'cruds')]],
  ['a part of them as a patient', [grant('patient', '*', 'cud'), grant('system', '*', 'rs')]],
])('%s is 403', (_, grants) => {
  expect(() => requireAdministrator(callerWith(...grants))).toThrow(expect.objectContaining({ status: 403 }));
});
