// What a sign-in rests on, so that it ends with that while nobody is signed in by it yet: it can be kept back, and be gone on with later
// (security.md 73 and 75).

import { findAccount } from '../people/accounts.ts';
import { findAccountOfIdentity, type Identity } from '../people/identities.ts';
import { hashOf } from './hash.ts';
import type { PersonContext } from './person.ts';

export interface SignInGround {
  readonly accountId: string;
  readonly atMs: number;
  /** Of the password that the account had then. */
  readonly proof: string;
  /** Of a sign-in through an identity provider. */
  readonly identity?: Identity;
}

/** With all that was asked for: `pwd`, `otp`, `fed` (RFC 8176, but for the last). */
export interface ProvenSignIn extends SignInGround {
  readonly amr: readonly string[];
}

/** How long one step of a sign-in is good for without the next. */
export const provenMaxMs = 10 * 60_000;

export function proofOf(passwordHash = ''): string {
  return hashOf(passwordHash).toString('base64url');
}

/**
 * False when it took too long, the account is shut or has another password or a second step that was not asked for, or the
 * identity signs in to it no more.
 */
export async function stillStands(
  { tenantId, tenantDoor, keyRing }: PersonContext,
  { accountId, atMs, proof, identity, amr }: ProvenSignIn,
): Promise<boolean> {
  if (Date.now() >= atMs + provenMaxMs) return false;
  const cipher = await keyRing.cipherOf(tenantId);
  return await tenantDoor(
    tenantId,
    async (trx) => {
      const [account, owner] = await Promise.all([
        findAccount(trx, cipher, accountId),
        identity ? findAccountOfIdentity(trx, cipher, identity) : accountId,
      ]);
      if (!account?.active || account.mustReset || owner !== accountId) return false;
      if (account.secondFactor && !identity && !amr.includes('otp')) return false;
      return proofOf(account.passwordHash) === proof;
    },
    'read',
  );
}
