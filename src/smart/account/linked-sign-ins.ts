// The identity providers an account signs in by, as its owner sees them.

import type { TenantCipher } from '../../crypto/tenant-cipher.ts';
import type { TenantTransaction } from '../../database/tenant-transaction.ts';
import { listIdentities } from '../../people/identities.ts';
import { listIdentityProviders } from '../../people/identity-providers.ts';
import type { IdentityView } from '../pages/account.ts';

/** Undefined where there is nothing to link, and nothing linked. */
export async function readLinkedSignIns(
  trx: TenantTransaction,
  cipher: TenantCipher,
  accountId: string,
): Promise<IdentityView[] | undefined> {
  const [identities, providers] = await Promise.all([
    listIdentities(trx, cipher, accountId),
    listIdentityProviders(trx, cipher),
  ]);
  if (identities.length === 0 && !providers.some(({ active }) => active)) return undefined;
  const names = new Map(providers.map(({ issuer, display }) => [issuer, display]));
  return identities.map(({ id, issuer, knownAs, linkedAt }) => ({
    ...{ id, provider: names.get(issuer) ?? issuer, since: linkedAt },
    ...(knownAs === undefined ? {} : { knownAs }),
  }));
}
