// A caller of some time ago as it may be now: work that was put off runs with what is left of its rights (security.md 62).

import type { Caller, Grant } from '../access/caller.ts';
import { breakGlass, withPurpose } from '../access/purpose-of-use.ts';
import { intersectGrants } from '../access/rights.ts';
import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { findAccount } from '../people/accounts.ts';
import { callerOfPerson } from './caller.ts';
import { callerOfClient, readTokenClient, type TokenClient, type TokenClientContext } from './token-clients.ts';

/**
 * Undefined where the client or the person may not come in any more. Throws 403 for an emergency that may not be claimed any
 * more. Whether the token itself or its sign-in has ended since is not asked: both end soon by themselves.
 */
export async function presentCaller(
  context: TokenClientContext,
  trx: TenantTransaction,
  accepted: Caller,
): Promise<Caller | undefined> {
  const client = await readTokenClient(context, trx, accepted.clientId);
  const most = client && (await mostOf(context, trx, accepted, client));
  if (!most) return undefined;
  const { fhirUser: _, ...rest } = accepted;
  const { grants, roles, operations = none, ...who } = most;
  const left: Caller = {
    ...rest,
    ...who,
    grants: withinContexts(accepted.grants, grants),
    roles: accepted.roles.intersection(roles),
    ...(accepted.operations && { operations: accepted.operations.intersection(operations) }),
  };
  return left.purposeOfUse === breakGlass ? withPurpose(left, breakGlass) : left;
}

/** With all that a token could be granted now. */
async function mostOf(
  context: TokenClientContext,
  trx: TenantTransaction,
  { accountId, patient }: Caller,
  client: TokenClient,
): Promise<Caller | undefined> {
  const scope = client.registered.map(({ text }) => text).join(' ');
  // What its roles allow is cut down to them here as with a token: grantable.ts.
  if (accountId === undefined) return callerOfClient(context, client, `${scope} user/*.cruds`.trim());
  const account = await findAccount(trx, await context.keyRing.cipherOf(context.tenantId), accountId);
  if (!account?.active || account.mustReset) return undefined;
  return await callerOfPerson(context, trx, { row: { scope, patient: patient ?? null }, client, account });
}

const contexts = ['system', 'user', 'patient'] as const;

function withinContexts(accepted: readonly Grant[], now: readonly Grant[]): Grant[] {
  return contexts.flatMap((one) => {
    const [then, held] = [accepted, now].map((grants) => grants.filter(({ context }) => context === one));
    return intersectGrants(then ?? [], held ?? []);
  });
}

const none: ReadonlySet<string> = new Set();
