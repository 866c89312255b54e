// What is noted of a page that does not let somebody in or on, of which its AuditEvent is made before it is answered (security.md 122).

import { type Account, findAccount } from '../people/accounts.ts';
import { accountClientId } from './account-client.ts';
import type { OidcContext } from './oidc-provider.ts';
import { callerOf, callerOfAccount, clientIn, type RequestNotes } from './on-record.ts';
import type { PersonContext } from './person.ts';

/** What was presented to show who somebody is. */
export type Proof = 'Password' | 'Code' | 'Link of a mail' | 'Sign-in at an identity provider';

interface Noting {
  readonly state: { readonly access?: RequestNotes };
}

type TenantOf = Pick<PersonContext, 'tenantId'>;

/** Of a request to the pages of an account, filled in by the page. */
export interface PageNotes {
  /** Who is signed in. */
  account?: Account;
  refused?: Proof;
}

export function notePage(context: TenantOf, ctx: Noting, { account, refused }: PageNotes): void {
  noteWho(ctx, async () => account && callerOfAccount(context.tenantId, account, accountClientId));
  if (refused) noteRefused(ctx, refused);
}

/** Who is signed in in the browser, looked up only when the request is told by itself. */
export function noteSignedIn(
  context: PersonContext,
  ctx: Noting,
  { accountId, clientId }: { readonly accountId: string; readonly clientId: string },
): void {
  noteWho(ctx, async () => {
    const account = await readAccount(context, accountId);
    return account && callerOfAccount(context.tenantId, account, clientId);
  });
}

export interface Unproven {
  readonly proof: Proof;
  /** Who somebody claims to be; as nobody is looked up here, it takes as long without (security.md 69). */
  readonly account: Account | undefined;
  /** The app to be opened. */
  readonly clientId: string;
}

export function noteUnproven(context: TenantOf, ctx: Noting, { proof, account, clientId }: Unproven): void {
  noteRefused(ctx, proof);
  noteWho(ctx, async () => account && callerOfAccount(context.tenantId, account, clientId));
}

/** Of somebody who is not signed in by it. */
export function noteRefused({ state: { access } }: Noting, proof: Proof): void {
  if (!access) return;
  access.login = { act: 'login' };
  access.refusal = `${proof} refused`;
}

/** What the authorization endpoint says against a request, to the app or on a page. To be called when the answer is known. */
export function noteAuthorization(
  context: PersonContext,
  ctx: Noting & { readonly response: { get(name: string): string } },
  inner: OidcContext,
): void {
  const { access } = ctx.state;
  const client = clientIn(inner);
  if (!access) return;
  access.refusal ??= (inner.state.refusal as string | undefined) ?? errorSentTo(ctx.response.get('Location'));
  const { accountId } = (inner.oidc as Partial<OidcContext['oidc']>).session ?? {};
  if (client && accountId !== undefined) noteSignedIn(context, ctx, { accountId, clientId: client.clientId });
  else if (client) noteWho(ctx, async () => callerOf(context.tenantId, client));
}

/** Of https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1, where the browser is sent to an app. */
function errorSentTo(location: string): string | undefined {
  const params = URL.parse(location)?.searchParams;
  return params?.has('code') ? undefined : params?.getAll('error').at(-1);
}

function noteWho({ state: { access } }: Noting, findCaller: NonNullable<RequestNotes['findCaller']>): void {
  if (access) access.findCaller = findCaller;
}

/** Also one that may not sign in. */
async function readAccount({ tenantId, tenantDoor, keyRing }: PersonContext, accountId: string) {
  const cipher = await keyRing.cipherOf(tenantId);
  return await tenantDoor(tenantId, (trx) => findAccount(trx, cipher, accountId), 'read');
}
