// Makes the links that were asked for and sends them, after the commit: the outbox and the queue hold only the account's id (security.md 73).

import type { KeyRing } from '../../crypto/key-ring.ts';
import type { SystemDoor } from '../../database/system-transaction.ts';
import type { TenantDoor, TenantTransaction } from '../../database/tenant-transaction.ts';
import type { MailGateway } from '../../gateways/mail.ts';
import type { JobHandler } from '../../jobs/outbox.ts';
import { type LinkPurpose, makeLink } from '../../people/account-links.ts';
import { linkTopics } from '../../people/account-secrets.ts';
import { findAccount } from '../../people/accounts.ts';
import { findTenantById } from '../../tenants/tenant-by-id.ts';
import { issuerUrls } from '../urls.ts';
import { linkMail } from './link-mail.ts';

export interface LinkJobsOptions {
  readonly keyRing: KeyRing;
  readonly systemDoor: SystemDoor;
  readonly tenantDoor: TenantDoor;
  readonly mail: MailGateway;
  /** Where every link begins, whatever a request's Host said. */
  readonly publicUrl: string;
}

/** Paths of the pages that links lead to, below `/t/{tenant}/account`. */
export const linkPaths: Readonly<Record<LinkPurpose, string>> = { invite: '/invitation', reset: '/new-password' };

export function linkUrl(publicUrl: string, tenantName: string, purpose: LinkPurpose, token: string): string {
  return `${issuerUrls(publicUrl, tenantName).issuer}/account${linkPaths[purpose]}?token=${encodeURIComponent(token)}`;
}

/** A mail may be sent twice, each with a link of its own, of which using one ends the other. */
export function createLinkJobs(options: LinkJobsOptions): JobHandler[] {
  return (['invite', 'reset'] as const).map((purpose) => ({
    topic: linkTopics[purpose],
    consumer: 'account-mail',
    run: (trx, { resourceId }) => sendLink(options, trx, { accountId: resourceId, purpose }),
  }));
}

interface Wanted {
  readonly accountId: string;
  readonly purpose: LinkPurpose;
}

/** Nothing for an account that is not there: whoever asked for it was told the same (security.md 69). */
async function sendLink(
  options: LinkJobsOptions,
  trx: TenantTransaction,
  { accountId, purpose }: Wanted,
): Promise<void> {
  const cipher = await options.keyRing.cipherOf(trx.tenantId);
  const account = await findAccount(trx, cipher, accountId);
  if (!account?.active) return;
  // A job that is tried again must not send one to who has used it meanwhile.
  if (purpose === 'invite' && account.passwordHash !== undefined) return;
  const tenant = await findTenantById(options.systemDoor, trx.tenantId);
  if (!tenant) throw new Error('The tenant of a link is gone.');
  // In a transaction of its own: the link must be good before anybody can have the mail.
  const token = await options.tenantDoor(trx.tenantId, (own) => makeLink(own, accountId, purpose));
  await options.mail.send(
    linkMail(purpose, {
      ...{ to: account.email, name: account.name, tenantDisplay: tenant.display },
      href: linkUrl(options.publicUrl, tenant.name, purpose, token),
    }),
  );
}
