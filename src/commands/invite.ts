// `npm run admin -- invite EMAIL --tenant NAME`: the link of an invitation, for who gets no mail from this server (README, Start).

import { parseArgs } from 'node:util';
import { serverCaller } from '../access/caller.ts';
import { fhirError } from '../fhir/outcome.ts';
import { recordAdminAct } from '../http/admin/admin-audit.ts';
import { makeLink } from '../people/account-links.ts';
import { findAccountByEmail } from '../people/accounts.ts';
import { inSession, type Repository } from '../repository/session.ts';
import { linkUrl } from '../smart/account/link-jobs.ts';
import type { TenantRecord } from '../tenants/registry.ts';
import { operatorName } from '../tenants/tenant-audit.ts';

export const inviteUsage = 'invite EMAIL --tenant NAME';

export interface InviteRequest {
  readonly email: string;
  readonly tenant: string;
}

/** Undefined for what is no such command. */
export function readInviteArguments(args: readonly string[]): InviteRequest | undefined {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: { tenant: { type: 'string' } },
    allowPositionals: true,
    strict: false,
  });
  const [email, ...more] = positionals;
  const { tenant, ...others } = values;
  if (email === undefined || typeof tenant !== 'string' || more.length + Object.keys(others).length > 0)
    return undefined;
  return { email, tenant };
}

/** Good once, for seven days. Throws 404 where there is no such account, and 409 when it has a password already. */
export async function makeInvitation(
  repository: Repository,
  { publicUrl, tenant, email }: { readonly publicUrl: string; readonly tenant: TenantRecord; readonly email: string },
): Promise<string> {
  const operator = serverCaller(tenant.id, operatorName);
  const token = await inSession(repository, operator, async (session) => {
    const { trx, cipher } = session;
    const account = await findAccountByEmail(trx, cipher, email);
    if (!account?.active) throw fhirError('not-found', 'There is no active account with this e-mail address.');
    if (account.passwordHash !== undefined) {
      throw fhirError('conflict', 'This account has a password; its owner asks for a new one on the sign-in page.');
    }
    recordAdminAct(session, { act: 'makeInvitationLink', method: 'POST', path: `/staff/${account.id}` });
    return await makeLink(trx, account.id, 'invite');
  });
  return linkUrl(publicUrl, tenant.name, 'invite', token);
}
