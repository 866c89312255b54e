// What all pages of an account work with.

import type { KeyRing } from '../../crypto/key-ring.ts';
import type { TenantDoor } from '../../database/tenant-transaction.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { ActOrigin } from '../../people/account-acts.ts';
import type { Account } from '../../people/accounts.ts';
import type { GuessLimit } from '../../people/second-factor/guess-limit.ts';
import type { SecondFactorPolicy } from '../../people/second-factor/policy.ts';
import type { SecondFactors } from '../../people/second-factor/second-factors.ts';
import type { TenantRecord } from '../../tenants/registry.ts';
import type { Throttle } from '../throttle.ts';
import type { AccountRequest, PageAnswer } from './account-request.ts';
import type { AccountSession } from './session.ts';

export interface AccountOptions {
  readonly tenantDoor: TenantDoor;
  readonly keyRing: KeyRing;
  readonly publicUrl: string;
  readonly secondFactors: SecondFactors;
  /** The setting `second-factor.required`. */
  readonly policyOf: (tenantId: number) => SecondFactorPolicy | Promise<SecondFactorPolicy>;
  /** The setting `timezone`. */
  readonly timeZoneOf: (tenantId: number) => string | Promise<string>;
  readonly throttle: Throttle;
  /** Where somebody signs in, to come back to the account page. */
  readonly signInHref: (tenant: TenantRecord) => string;
}

export interface AccountContext extends AccountOptions {
  /** Of present passwords and of mails asked for, by account. */
  readonly guesses: GuessLimit;
}

export type PageHandler = (context: AccountContext, request: AccountRequest) => Promise<PageAnswer>;

export interface SignedIn {
  readonly account: Account;
  readonly session: AccountSession;
  /** Stands in every form of this session's pages. */
  readonly csrf: string;
}

export type SignedInHandler = (
  context: AccountContext,
  request: AccountRequest,
  signedIn: SignedIn,
) => Promise<PageAnswer>;

/** Throws 429 when this network has failed too often. */
export function requirePatience({ throttle }: AccountContext, { network }: AccountRequest): void {
  const wait = throttle.waitSeconds({ client: undefined, network });
  if (wait > 0) throw tooMany(wait);
}

/** For acts that are recorded: where they were done from. */
export async function originOf({ keyRing }: AccountContext, { tenant, address }: AccountRequest): Promise<ActOrigin> {
  return { cipher: await keyRing.cipherOf(tenant.id), address };
}

export function countFailure({ throttle }: AccountContext, { network }: AccountRequest): void {
  throttle.failed({ client: undefined, network });
}

export function tooMany(retryAfterSeconds: number): Error {
  return fhirError('throttled', 'There were too many attempts. Wait a little and try again.', { retryAfterSeconds });
}
