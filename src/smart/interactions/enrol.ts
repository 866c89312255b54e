// Setting up the second step at a sign-in, where the clinic wants everybody or its administrators to have one (setting second-factor.required).

import { type Account, findAccount } from '../../people/accounts.ts';
import { rightsOfRoles } from '../../people/role-rights.ts';
import { requiresSecondFactor } from '../../people/second-factor/policy.ts';
import { type InteractionContext, sendStep, type Visit } from './interaction.ts';
import { sendError } from './page.ts';

export async function mustEnrol(context: InteractionContext, { roles, secondFactor }: Account): Promise<boolean> {
  if (secondFactor) return false;
  const { 'second-factor.required': policy } = await context.settings();
  const { operations } = await context.tenantDoor(context.tenantId, (trx) => rightsOfRoles(trx, roles));
  return requiresSecondFactor(policy, operations);
}

export interface EnrolmentPage {
  /** Shows a secret that was never shown before. */
  readonly isFirst?: boolean;
  readonly error?: string;
}

export async function showEnrolment(
  visit: Visit,
  accountId: string,
  { isFirst = false, error }: EnrolmentPage = {},
): Promise<void> {
  const { context, ctx, action, csrf } = visit;
  const { tenantId, tenantDoor, keyRing, tenantDisplay: issuer } = context;
  const cipher = await keyRing.cipherOf(tenantId);
  const account = await tenantDoor(tenantId, (trx) => findAccount(trx, cipher, accountId));
  const { secondFactors } = context;
  const person = account && { id: account.id, email: account.email, issuer };
  const enrolment =
    person && (await (isFirst ? secondFactors.enrol(tenantId, person) : secondFactors.pending(tenantId, person)));
  if (!enrolment) return sendError(context, ctx, 400, 'Go back to the app and sign in again.');
  const complaint = error === undefined ? {} : { error };
  const status = error === undefined ? 200 : 422;
  sendStep(visit, { kind: 'enrol', action, csrf, ...enrolment, ...complaint }, { status });
}
