// A root key in this process' memory, from a file or the environment. With secrets of the tenants beside it neither opens
// anything without the other: HKDF, RFC 5869.

import { createHash, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { contextOf, KeyRefusal, type RootKey, type TenantSecrets } from '../gateways/root-key.ts';
import { open, seal } from './sealed-box.ts';

/** Without `secrets` a tenant is dark only where no backup of its wrapped keys is left. */
export function createLocalRoot(key: Buffer, secrets?: TenantSecrets): RootKey {
  const id = `${secrets ? 'local+secrets' : 'local'}:${fingerprintOf(key)}`;
  const root = createSecretKey(key);

  async function keyOf(tenantId: number): Promise<KeyObject | undefined> {
    if (!secrets) return root;
    const secret = await secrets.read(tenantId);
    return secret && createSecretKey(Buffer.from(hkdfSync('sha256', key, secret, `hpms tenant ${tenantId}`, 32)));
  }

  return {
    id,
    isRemote: false,
    async prepare(tenantId) {
      await secrets?.make(tenantId);
    },
    async wrap(plain, name) {
      const wrapping = await keyOf(name.tenantId);
      if (!wrapping) throw new KeyRefusal(id, name, 'the secret of the tenant is not there');
      return seal(wrapping, 0, plain, contextOf(name));
    },
    async unwrap(wrapped, name) {
      const wrapping = await keyOf(name.tenantId);
      if (!wrapping) throw new KeyRefusal(id, name, 'the secret of the tenant is not there');
      try {
        return open(wrapping, wrapped, contextOf(name));
      } catch (error) {
        throw new KeyRefusal(id, name, 'it is another key, of another place or changed', error);
      }
    },
    async destroy(tenantId) {
      await secrets?.destroy(tenantId);
    },
  };
}

/** Tells keys apart and says nothing of them: of 256 random bits 32 of a hash are no help. */
function fingerprintOf(key: Buffer): string {
  return createHash('sha256').update('hpms root key').update(key).digest('hex').slice(0, 8);
}
