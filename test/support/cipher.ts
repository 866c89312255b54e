// A tenant's cipher with keys of its own, for what needs no database.

import { createSecretKey } from 'node:crypto';
import { createTenantCipher, type TenantCipher } from '../../src/crypto/tenant-cipher.ts';

export function makeCipher(): TenantCipher {
  return createTenantCipher(
    1,
    {
      epoch: 0,
      data: [{ version: 1, key: createSecretKey(Buffer.alloc(32, 1)) }],
      index: [{ version: 1, key: createSecretKey(Buffer.alloc(32, 2)), use: 'asked' }],
    },
    { beforeSeal: () => undefined, onUnknownKey: () => undefined },
  );
}
