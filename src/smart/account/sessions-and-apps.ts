// Ending sessions and taking back what apps were allowed, on the account page; both are in force at the next request.

import { fhirError } from '../../fhir/outcome.ts';
import { recordAct } from '../../people/account-acts.ts';
import { isAccountId } from '../../people/accounts.ts';
import { withdrawConsent } from '../consents.ts';
import { endLoginSession, endLoginSessionsOf, endSessionByHash } from '../login-sessions.ts';
import { originOf, type SignedInHandler } from './account-context.ts';
import { showNotice } from './account-page.ts';
import { answerPage, basePathOf, oneValue } from './account-request.ts';

/** Only the person's own: another one's is as if it did not exist. */
export const endSession: SignedInHandler = async (context, request, { account }) => {
  const id = oneValue(request.form, 'session');
  if (isAccountId(id)) {
    await context.tenantDoor(request.tenant.id, (trx) => endLoginSession(trx, id, account.id));
  }
  return showNotice(context, request, 'session-ended');
};

export const endOtherSessions: SignedInHandler = async (context, request, { account, session }) => {
  await context.tenantDoor(request.tenant.id, (trx) => endLoginSessionsOf(trx, account.id, session.sessionHash));
  return showNotice(context, request, 'sessions-ended');
};

export const withdrawApp: SignedInHandler = async (context, request, { account }) => {
  const clientId = oneValue(request.form, 'client');
  // PostgreSQL takes no text with NUL, and no app has one in its id.
  if (clientId.includes('\0')) throw fhirError('not-found', 'There is no such app.');
  await context.tenantDoor(request.tenant.id, (trx) => withdrawConsent(trx, account.id, clientId));
  return showNotice(context, request, 'app-withdrawn');
};

export const signOut: SignedInHandler = async (context, request, { account, session }) => {
  const origin = await originOf(context, request);
  await context.tenantDoor(request.tenant.id, async (trx) => {
    endSessionByHash(trx, session.sessionHash);
    recordAct(trx, 'sign-out', account.id, origin);
  });
  return answerPage(context, request, {
    ...({ kind: 'message', isError: false, title: 'You are signed out' } as const),
    text: 'Apps that work only while you are signed in have no access any more.',
    link: { href: `${basePathOf(context, request)}/account`, text: 'Sign in' },
  });
};
