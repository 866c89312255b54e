// Asking for a link to a new password: the same answer, and the same work, whether there is such an account or not (security.md 69).

import { createHash, randomUUID } from 'node:crypto';
import { FhirError } from '../../fhir/outcome.ts';
import { askForLink } from '../../people/account-secrets.ts';
import { type Account, findAccountByEmail } from '../../people/accounts.ts';
import { type AccountContext, type PageHandler, requirePatience, tooMany } from './account-context.ts';
import { type AccountRequest, answerPage, basePathOf, oneValue } from './account-request.ts';

export const showForgotPassword: PageHandler = async (context, request) => {
  const basePath = basePathOf(context, request);
  const action = `${basePath}/account/forgot`;
  return answerPage(context, request, { kind: 'reset-request', action, loginHref: `${basePath}/account` });
};

export const askForPassword: PageHandler = async (context, request) => {
  requirePatience(context, request);
  // Every request counts as a failure, for none of them proves anything.
  const wait = context.throttle.failed({ client: undefined, network: request.network });
  if (wait > 0) throw tooMany(wait);
  const email = oneValue(request.form, 'email').slice(0, 254);
  const mailbox = email.trim().normalize('NFKC').toLowerCase();
  const key = `mail ${request.tenant.id} ${createHash('sha256').update(mailbox).digest('base64url')}`;
  // Beyond that the answer stays what it is: nobody's mailbox is to be filled by others.
  if (context.guesses.take(key) === 0) await writeRequest(context, request, email);
  return answerPage(context, request, {
    kind: 'message',
    title: 'Look into your mail',
    text: 'If there is an account with this e-mail address, a link to choose a new password is on its way. It is good for 15 minutes.',
    link: { href: `${basePathOf(context, request)}/account`, text: 'Back to sign-in' },
    isError: false,
  });
};

/** Without an account the outbox gets a row all the same, of nobody, so that the commit takes as long; its job finds nothing to do. */
async function writeRequest({ keyRing, tenantDoor }: AccountContext, { tenant }: AccountRequest, email: string) {
  const cipher = await keyRing.cipherOf(tenant.id);
  await tenantDoor(tenant.id, async (trx) => {
    const account = await ifWellFormed(() => findAccountByEmail(trx, cipher, email));
    askForLink(trx, account?.id ?? randomUUID(), 'reset');
  });
}

/** What is no address at all has no account either. */
async function ifWellFormed(find: () => Promise<Account | undefined>): Promise<Account | undefined> {
  try {
    return await find();
  } catch (error) {
    if (error instanceof FhirError && error.status === 422) return undefined;
    throw error;
  }
}
