// Everything under `/t/{tenant}/account`: which page answers what, for whom, and how refusals look.

import { timingSafeEqual } from 'node:crypto';
import type { TenantCipher } from '../../crypto/tenant-cipher.ts';
import { FhirError, fhirError } from '../../fhir/outcome.ts';
import { findAccount } from '../../people/accounts.ts';
import { createGuessLimit } from '../../people/second-factor/guess-limit.ts';
import type { AccountContext, AccountOptions, PageHandler, SignedIn, SignedInHandler } from './account-context.ts';
import { showAccount } from './account-page.ts';
import {
  type AccountRequest,
  answerPage,
  oneValue,
  type PageAnswer,
  redirect,
  requireOwnForm,
} from './account-request.ts';
import { changePassword } from './change-password.ts';
import { askForPassword, showForgotPassword } from './forgot-password.ts';
import { linkPaths } from './link-jobs.ts';
import { saveNewPassword, showNewPassword } from './new-password.ts';
import { beginSecondFactor, changeSecondFactor, confirmSecondFactor } from './second-factor-pages.ts';
import type { AccountSession } from './session.ts';
import { endOtherSessions, endSession, signOut, withdrawApp } from './sessions-and-apps.ts';
import { unlinkSignIn } from './unlink-sign-in.ts';

/** For anybody. */
const openPages: Readonly<Record<string, PageHandler>> = {
  'GET /forgot': showForgotPassword,
  'POST /forgot': askForPassword,
  [`GET ${linkPaths.reset}`]: showNewPassword('reset'),
  [`POST ${linkPaths.reset}`]: saveNewPassword('reset'),
  [`GET ${linkPaths.invite}`]: showNewPassword('invite'),
  [`POST ${linkPaths.invite}`]: saveNewPassword('invite'),
};

/** For whoever is signed in, about their own account only. */
const ownPages: Readonly<Record<string, SignedInHandler>> = {
  'GET ': showAccount,
  'POST /password': changePassword,
  'POST /second-factor': beginSecondFactor,
  'POST /second-factor/confirm': confirmSecondFactor,
  'POST /second-factor/codes': changeSecondFactor,
  'POST /identities/unlink': unlinkSignIn,
  'POST /sessions/end': endSession,
  'POST /sessions/end-others': endOtherSessions,
  'POST /apps/withdraw': withdrawApp,
  'POST /sign-out': signOut,
};

export type AnswerAccount = (request: AccountRequest) => Promise<PageAnswer>;

/** Of this process: wrong passwords and mails asked for are counted in here. */
export function createAccountPages(options: AccountOptions): AnswerAccount {
  const context: AccountContext = { ...options, guesses: createGuessLimit(Date.now) };
  return async (request) => {
    try {
      return await answer(context, request);
    } catch (error) {
      if (error instanceof FhirError && error.status < 500) return refusal(context, request, error);
      throw error;
    }
  };
}

async function answer(context: AccountContext, request: AccountRequest): Promise<PageAnswer> {
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const key = `${method} ${request.path}`;
  const [open, own] = [openPages[key], ownPages[key]];
  if (!open && !own) throw fhirError('not-found', 'There is no page at this address.');
  if (method === 'POST') requireOwnForm(context, request);
  if (open) return await open(context, request);
  const signedIn = await readSignedIn(context, request);
  if (!signedIn || !own) return redirect(context.signInHref(request.tenant));
  request.notes.account = signedIn.account;
  if (method === 'POST') requireToken(request, signedIn.csrf);
  return await own(context, request, signedIn);
}

async function readSignedIn(context: AccountContext, request: AccountRequest): Promise<SignedIn | undefined> {
  const session = await request.currentSession();
  if (!session) return undefined;
  const cipher = await context.keyRing.cipherOf(request.tenant.id);
  const account = await context.tenantDoor(
    request.tenant.id,
    (trx) => findAccount(trx, cipher, session.accountId),
    'read',
  );
  return account?.active ? { account, session, csrf: csrfOf(cipher, session) } : undefined;
}

/** Of the session, by a key that only the tenant's pages have. */
function csrfOf(cipher: TenantCipher, { sessionHash }: AccountSession): string {
  const token = cipher.fixedTokenOf(`account.csrf|${sessionHash.toString('base64url')}`);
  return BigInt.asUintN(64, token).toString(16).padStart(16, '0');
}

function requireToken({ form }: AccountRequest, csrf: string): void {
  const sent = Buffer.from(oneValue(form, 'csrf'));
  const isSame = sent.length === csrf.length && timingSafeEqual(sent, Buffer.from(csrf));
  if (!isSame)
    throw fhirError('forbidden', 'This page is of an earlier sign-in. Load it again and repeat what you did.');
}

const titles: Readonly<Record<number, string>> = {
  403: 'This was not done',
  404: 'There is nothing here',
  429: 'Too many attempts',
};

function refusal(context: AccountContext, request: AccountRequest, error: FhirError): PageAnswer {
  const { status, message, retryAfterSeconds } = error;
  const title = titles[status] ?? 'This was not done';
  const answer = answerPage(context, request, { kind: 'message', title, text: message, isError: true }, status);
  if (retryAfterSeconds === undefined) return answer;
  return { ...answer, headers: { ...answer.headers, 'Retry-After': String(retryAfterSeconds) } };
}
