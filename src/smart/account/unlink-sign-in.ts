// Ends what lets somebody in by an identity provider as this account (security.md 57; RFC 9700 section 4.7).

import { recordAct } from '../../people/account-acts.ts';
import { unlinkIdentity } from '../../people/identities.ts';
import { endLoginSessionsOf } from '../login-sessions.ts';
import { originOf, type SignedInHandler } from './account-context.ts';
import { showFault, showNotice } from './account-page.ts';
import { oneValue } from './account-request.ts';
import { isPresentPassword } from './change-password.ts';

/** Whoever came in by it is out: all other sessions end. */
export const unlinkSignIn: SignedInHandler = async (context, request, signedIn) => {
  const { account, session } = signedIn;
  const identity = oneValue(request.form, 'identity');
  if (!(await isPresentPassword(context, request, { signedIn, name: 'password' }))) {
    return await showFault(context, request, signedIn, { identity });
  }
  const origin = await originOf(context, request);
  await context.tenantDoor(request.tenant.id, async (trx) => {
    if (!(await unlinkIdentity(trx, account.id, identity))) return;
    recordAct(trx, 'identity-unlinked', account.id, origin);
    await endLoginSessionsOf(trx, account.id, session.sessionHash);
  });
  return showNotice(context, request, 'unlinked');
};
