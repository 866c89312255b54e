// A caller that is kept for the background comes back with all its rights and restrictions, and no more.

import { expect, test } from '@jest/globals';
import type { Caller } from '../../src/access/caller.ts';
import type { TenantCipher } from '../../src/crypto/tenant-cipher.ts';
import { type BackgroundRequest, openRequest, sealRequest } from '../../src/http/async/background-request.ts';

const cipher = { seal: (plain: Buffer) => plain, open: (box: Buffer) => box } as unknown as TenantCipher;

const caller: Caller = {
  ...{ tenantId: 7, clientId: 'app', kind: 'patient', agent: { reference: 'Patient/p', display: 'P' } },
  grants: [
    { context: 'patient', type: '*', permissions: new Set(['r', 's']), constraints: ['category=a'], isOwn: true },
    { context: 'user', type: 'Observation', permissions: new Set(['c']) },
  ],
  roles: new Set(['patient']),
  operations: new Set(['$find', 'op:break-glass']),
  ...{ patient: 'p', fhirUser: 'Patient/p', accountId: 'a', purposeOfUse: 'TREAT' },
};

const kept = (of: Caller): BackgroundRequest => {
  const request = {
    method: 'GET',
    path: 'Patient',
    baseUrl: 'http://x',
    query: [],
    headers: {},
    body: undefined,
  } as const;
  return openRequest(cipher, 'id', sealRequest(cipher, 'id', { ...request, caller: of }));
};

test('with sets that are sets', () => {
  expect(kept(caller).caller).toEqual(caller);
});

test('without operations and contexts that it never had', () => {
  const { operations: _, patient: __, fhirUser: ___, ...plain } = caller;
  expect(kept(plain).caller).toEqual(plain);
});
