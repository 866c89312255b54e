// Choosing a password with the link of a mail, once: a new one, or the first of an invited person (security.md 73).

import { recordAct } from '../../people/account-acts.ts';
import { findLink, type LinkPurpose, useLink } from '../../people/account-links.ts';
import { setPassword } from '../../people/account-secrets.ts';
import { type Account, findAccount } from '../../people/accounts.ts';
import { hashPassword } from '../../people/password.ts';
import { endGrantsOfAccount } from '../app-grants.ts';
import { endLoginSessionsOf } from '../login-sessions.ts';
import { type AccountContext, countFailure, originOf, type PageHandler, requirePatience } from './account-context.ts';
import { type AccountRequest, answerPage, basePathOf, oneValue, type PageAnswer } from './account-request.ts';
import { linkPaths } from './link-jobs.ts';
import { passwordFault } from './password-rules.ts';

/** Opening the link uses nothing up: mail scanners open it too. */
export function showNewPassword(purpose: LinkPurpose): PageHandler {
  return async (context, request) => {
    requirePatience(context, request);
    const token = oneValue(request.query, 'token');
    const account = await ownerOfLink(context, request, { purpose, token });
    return account ? form(context, request, { purpose, token, account }) : deadLink(context, request);
  };
}

/** Whoever knows an old password, or has a session or an app's token, has nothing any more. */
export function saveNewPassword(purpose: LinkPurpose): PageHandler {
  return async (context, request) => {
    requirePatience(context, request);
    const link = { purpose, token: oneValue(request.form, 'token') };
    const password = oneValue(request.form, 'password');
    const account = await ownerOfLink(context, request, link);
    if (!account) return deadLink(context, request);
    const error = passwordFault(password, account.email);
    if (error !== undefined) return form(context, request, { ...link, account, error });
    const [passwordHash, origin] = [await hashPassword(password), await originOf(context, request)];
    const isUsed = await context.tenantDoor(request.tenant.id, async (trx) => {
      const accountId = await useLink(trx, purpose, link.token);
      if (accountId === undefined) return false;
      setPassword(trx, accountId, passwordHash);
      recordAct(trx, 'password-changed', accountId, origin);
      endGrantsOfAccount(trx, accountId);
      await endLoginSessionsOf(trx, accountId);
      return true;
    });
    return isUsed ? saved(context, request) : deadLink(context, request);
  };
}

interface Link {
  readonly purpose: LinkPurpose;
  readonly token: string;
}

async function ownerOfLink(
  { tenantDoor, keyRing }: AccountContext,
  { tenant }: AccountRequest,
  { purpose, token }: Link,
): Promise<Account | undefined> {
  const cipher = await keyRing.cipherOf(tenant.id);
  return await tenantDoor(
    tenant.id,
    async (trx) => {
      const accountId = await findLink(trx, purpose, token);
      return accountId === undefined ? undefined : await findAccount(trx, cipher, accountId);
    },
    'read',
  );
}

interface FormContent extends Link {
  readonly account: Account;
  readonly error?: string;
}

function form(
  context: AccountContext,
  request: AccountRequest,
  { purpose, token, account, error }: FormContent,
): PageAnswer {
  const action = `${basePathOf(context, request)}/account${linkPaths[purpose]}`;
  const isInvitation = purpose === 'invite';
  return answerPage(
    context,
    request,
    {
      kind: 'new-password',
      action,
      token,
      email: account.email,
      isInvitation,
      ...(error === undefined ? {} : { error }),
    },
    error === undefined ? 200 : 422,
  );
}

function deadLink(context: AccountContext, request: AccountRequest): PageAnswer {
  countFailure(context, request);
  request.notes.refused = 'Link of a mail';
  const view = {
    ...({ kind: 'message', isError: true, title: 'This link does not work' } as const),
    text: 'It was used already, or is too old. Ask for a new password to get another link.',
    link: { href: `${basePathOf(context, request)}/account/forgot`, text: 'Ask for a new link' },
  };
  return answerPage(context, request, view, 410);
}

function saved(context: AccountContext, request: AccountRequest): PageAnswer {
  return answerPage(context, request, {
    ...({ kind: 'message', isError: false, title: 'Your password is saved' } as const),
    text: 'You can sign in with it now. Wherever you were signed in before, you are not any more.',
    link: { href: `${basePathOf(context, request)}/account`, text: 'Sign in' },
  });
}
