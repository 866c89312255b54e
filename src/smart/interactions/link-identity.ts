// Asks before an account is opened to whoever is signed in at the identity provider: in this browser that may be somebody else, and a
// password typed in good faith must not let a stranger in from then on (RFC 9700 section 4.7, security.md 57 and 58).

import { recordAct } from '../../people/account-acts.ts';
import { linkIdentity } from '../../people/identities.ts';
import type { VouchedIdentity } from '../oidc-provider.ts';
import { button, form } from '../pages/fields.ts';
import { html } from '../pages/html.ts';
import type { InteractionContext, Visit } from './interaction.ts';
import { sendBody } from './page.ts';

/** Sends `link`: `yes` or `no`. */
export function showLinkQuestion(
  { context, ctx, interaction, action, csrf }: Visit,
  { display, knownAs }: VouchedIdentity,
): void {
  const body = html`<p class="lead"><strong><bdi>${display}</bdi></strong> says you are <strong><bdi>${knownAs}</bdi></strong>.</p>
<p>Once linked, whoever signs in there under this name comes in here as you, without your password. Link it only if this is your own name there and you have just signed in there yourself.</p>
${form({
  action,
  csrf,
  content: html`<div class="actions">${[
    button({ label: 'Link it', name: 'link', value: 'yes' }),
    button({ label: 'Do not link it', kind: 'secondary', name: 'link', value: 'no' }),
  ]}</div>`,
})}`;
  sendBody(context, ctx, { title: 'Link your sign-in?', body }, { redirectUri: interaction.params.redirect_uri });
}

/** Throws 409 when it signs in to another account already. */
export async function linkVouched(
  { tenantId, tenantDoor, keyRing }: InteractionContext,
  accountId: string,
  { issuer, subject, knownAs }: VouchedIdentity,
): Promise<void> {
  const cipher = await keyRing.cipherOf(tenantId);
  await tenantDoor(tenantId, async (trx) => {
    await linkIdentity(trx, cipher, accountId, { issuer, subject, knownAs });
    recordAct(trx, 'identity-linked', accountId);
  });
}
