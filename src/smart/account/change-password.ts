// Changing the password on the account page: the present one is asked for, and every other session ends.

import { recordAct } from '../../people/account-acts.ts';
import { setPassword } from '../../people/account-secrets.ts';
import { hashPassword, verifyPassword } from '../../people/password.ts';
import { endLoginSessionsOf } from '../login-sessions.ts';
import { type AccountContext, originOf, type SignedIn, type SignedInHandler, tooMany } from './account-context.ts';
import { showFault, showNotice } from './account-page.ts';
import { type AccountRequest, oneValue } from './account-request.ts';
import { passwordFault } from './password-rules.ts';

export const changePassword: SignedInHandler = async (context, request, signedIn) => {
  const { account, session } = signedIn;
  const isKnown = await isPresentPassword(context, request, { signedIn, name: 'oldPassword' });
  if (!isKnown) return await showFault(context, request, signedIn, 'wrong-password');
  const password = oneValue(request.form, 'password');
  const fault = passwordFault(password, account.email);
  if (fault !== undefined) return await showFault(context, request, signedIn, { password: fault });
  const [passwordHash, origin] = [await hashPassword(password), await originOf(context, request)];
  await context.tenantDoor(request.tenant.id, async (trx) => {
    setPassword(trx, account.id, passwordHash);
    recordAct(trx, 'password-changed', account.id, origin);
    await endLoginSessionsOf(trx, account.id, session.sessionHash);
  });
  return showNotice(context, request, 'password-changed');
};

/** Counted, for whoever finds a browser left open could otherwise try as many as they like. Throws 429. */
export async function isPresentPassword(
  { guesses }: AccountContext,
  { tenant, form, notes }: AccountRequest,
  { signedIn: { account }, name }: { readonly signedIn: SignedIn; readonly name: string },
): Promise<boolean> {
  const key = `password ${tenant.id} ${account.id}`;
  const wait = guesses.take(key);
  if (wait > 0) throw tooMany(wait);
  const isGood = await verifyPassword(account.passwordHash, oneValue(form, name));
  if (isGood) guesses.clear(key);
  else notes.refused = 'Password';
  return isGood;
}
