// Setting up the second factor on the account page, making new recovery codes, and turning it off.

import type { AccountContext, SignedIn, SignedInHandler } from './account-context.ts';
import { isRequired, showFault, showNotice } from './account-page.ts';
import { type AccountRequest, answerPage, basePathOf, oneValue, type PageAnswer, redirect } from './account-request.ts';
import { isPresentPassword } from './change-password.ts';

/** Asks for the password, where there is one: whoever finds a browser left open must not lock its owner out. */
export const beginSecondFactor: SignedInHandler = async (context, request, signedIn) => {
  const hasPassword = signedIn.account.passwordHash !== undefined;
  if (hasPassword && !(await isPresentPassword(context, request, { signedIn, name: 'password' }))) {
    return await showFault(context, request, signedIn, 'wrong-setup-password');
  }
  const enrolment = await context.secondFactors.enrol(request.tenant.id, enrolAccount(request, signedIn));
  return enrolment
    ? answerPage(context, request, { kind: 'enrol', ...formParts(context, request, signedIn), ...enrolment })
    : redirect(`${basePathOf(context, request)}/account`);
};

export const confirmSecondFactor: SignedInHandler = async (context, request, signedIn) => {
  const { secondFactors } = context;
  const code = oneValue(request.form, 'code');
  const codes = await secondFactors.confirm(request.tenant.id, signedIn.account.id, code);
  if (codes) return recoveryCodes(context, request, codes);
  const enrolment = await secondFactors.pending(request.tenant.id, enrolAccount(request, signedIn));
  if (!enrolment) return redirect(`${basePathOf(context, request)}/account`);
  request.notes.refused = 'Code';
  const error = 'This code is not right. Look at the app again: it shows a new one every 30 seconds.';
  const view = { kind: 'enrol', ...formParts(context, request, signedIn), ...enrolment, error } as const;
  return answerPage(context, request, view, 422);
};

export const changeSecondFactor: SignedInHandler = async (context, request, signedIn) => {
  const { secondFactors } = context;
  const { id } = signedIn.account;
  const removes = oneValue(request.form, 'do') === 'remove';
  if (removes && (await isRequired(context, request, signedIn.account))) {
    return await showFault(context, request, signedIn, 'second-factor-required');
  }
  const isGood = await secondFactors.verify(request.tenant.id, id, oneValue(request.form, 'code'));
  if (!isGood) {
    request.notes.refused = 'Code';
    return await showFault(context, request, signedIn, 'wrong-code');
  }
  if (!removes) return recoveryCodes(context, request, await secondFactors.renewCodes(request.tenant.id, id));
  await secondFactors.remove(request.tenant.id, id);
  return showNotice(context, request, 'second-factor-off');
};

function enrolAccount({ tenant }: AccountRequest, { account: { id, email } }: SignedIn) {
  return { id, email, issuer: tenant.display };
}

function formParts(context: AccountContext, request: AccountRequest, { csrf }: SignedIn) {
  return { action: `${basePathOf(context, request)}/account/second-factor/confirm`, csrf };
}

function recoveryCodes(context: AccountContext, request: AccountRequest, codes: readonly string[]): PageAnswer {
  const nextHref = `${basePathOf(context, request)}/account?notice=second-factor-on`;
  return answerPage(context, request, { kind: 'recovery-codes', codes, nextHref });
}
