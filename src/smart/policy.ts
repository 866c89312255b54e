// The questions a person answers before an app is let in, as oidc-provider's interaction policy: who are you, whose record, may it.

import { accountClientId } from './account-client.ts';
import { type AuthorizationContext, authorizationOf, giveGrant, hasEncounters } from './authorization.ts';
import { interactionPolicy, type OidcContext } from './oidc-provider.ts';

/** The name of each is that of a page: interactions/steps.ts. */
export function createPolicy(context: AuthorizationContext): unknown {
  const { Check, Prompt, base } = interactionPolicy;
  const policy = base();
  policy.remove('consent');
  policy
    .get('login')
    .checks.add(
      new Check('account_gone', 'the account may not sign in any more', 'login_required', ({ oidc }) =>
        Boolean(oidc.session.accountId && !oidc.account),
      ),
    );
  const needsPatient = async (ctx: OidcContext) => (await authorizationOf(context, ctx)).needsPatient;
  policy.add(
    new Prompt(
      { name: 'launch', requestable: false },
      new Check('no_patient', 'a patient must be chosen', 'interaction_required', needsPatient),
    ),
  );
  const needsEncounter = async (ctx: OidcContext) => {
    const authorization = await authorizationOf(context, ctx);
    return authorization.needsEncounter && (await hasEncounters(context, ctx, authorization));
  };
  policy.add(
    new Prompt(
      { name: 'encounter', requestable: false },
      new Check('no_encounter', 'a visit must be chosen', 'interaction_required', needsEncounter),
    ),
  );
  policy.add(
    new Prompt(
      { name: 'consent', requestable: true },
      new Check(
        'not_consented',
        'the person must be asked',
        'consent_required',
        async (ctx) => !isAnswered(ctx) && (await authorizationOf(context, ctx)).unasked.length > 0,
      ),
    ),
  );
  // Nothing is asked any more: what lets the app in comes last, when all else is settled.
  policy.add(
    new Prompt(
      { name: 'grant', requestable: false },
      new Check('no_grant', 'the app is let in', 'access_denied', async (ctx) => {
        await giveGrant(context, ctx);
        return false;
      }),
    ),
  );
  return policy;
}

/** The account pages are the clinic's own. */
function isAnswered({ oidc }: OidcContext): boolean {
  return oidc.result?.consent !== undefined || oidc.client.clientId === accountClientId;
}
