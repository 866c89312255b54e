// Groups of tokens are stored behind the answers, tenant by tenant: one whose groups cannot be stored keeps no other's waiting.

import { createSecretKey } from 'node:crypto';
import { expect, test } from '@jest/globals';
import type { AuditEvent } from '@medplum/fhirtypes';
import { startGroupStore } from '../../../src/audit/trail/store-groups.ts';
import { createTenantCipher } from '../../../src/crypto/tenant-cipher.ts';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { groupedTokens } from '../../../src/repository/audit-tokens.ts';
import type { Repository } from '../../../src/repository/session.ts';
import { wantsTokenGroups } from '../../../src/repository/token-groups.ts';
import { createExtractor } from '../../../src/search/extract.ts';
import { until } from '../../jobs/job-bed.ts';

const extract = createExtractor(loadDefinitions());
const hooks = { beforeSeal: () => undefined, onUnknownKey: () => undefined };

function cipherWithGroups(tenantId: number) {
  const key = createSecretKey(Buffer.alloc(32, tenantId));
  const keys = { epoch: 0, data: [{ version: 1, key }], index: [{ version: 1, key, use: 'asked' as const }] };
  const cipher = createTenantCipher(tenantId, keys, hooks);
  const event = { resourceType: 'AuditEvent', action: 'R', outcome: '0', agent: [] } as unknown as AuditEvent;
  for (let seen = 0; seen < 2; seen++) groupedTokens({ cipher, extract }, event);
  return cipher;
}

test('the groups of the others are stored', async () => {
  const ciphers = new Map([1, 2, 3].map((tenantId) => [tenantId, cipherWithGroups(tenantId)]));
  const broken = 1;
  const repository = {
    keyRing: { loadedTenants: () => [...ciphers.keys()], loadedCipherOf: (id: number) => ciphers.get(id) },
    policiesOf: () => ({}),
    now: () => new Date(),
    extract,
    async tenantDoor(id: number, work: (trx: object) => Promise<unknown>) {
      if (id === broken) throw new Error('It has no keys any more.');
      return await work({ execute: () => undefined });
    },
  } as unknown as Repository;
  const wanting = () => [...ciphers].flatMap(([id, cipher]) => (wantsTokenGroups(cipher) ? [id] : []));
  expect(wanting()).toEqual([1, 2, 3]);
  const end = startGroupStore(repository);
  await until(() => wanting().length === 1);
  await end();
  expect(wanting()).toEqual([broken]);
});
