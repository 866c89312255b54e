// Signing in through the clinic's own identity provider: from the sign-in page there, and back into the same interaction (security.md 57 and 58).

import { randomBytes } from 'node:crypto';
import type Koa from 'koa';
import type { OutboundFetch } from '../../gateways/outbound-fetch.ts';
import { findAccount } from '../../people/accounts.ts';
import { findAccountOfIdentity, type Identity } from '../../people/identities.ts';
import { findIdentityProvider, type IdentityProvider, listIdentityProviders } from '../../people/identity-providers.ts';
import type { VouchedIdentity } from '../oidc-provider.ts';
import { noteRefused, noteUnproven } from '../people-on-record.ts';
import type { PersonContext } from '../person.ts';
import { createRecordAdapter } from '../record-adapter.ts';
import { beginSignIn, finishSignIn, type SignInContext, SignInFailed, signInSeconds } from '../upstream/sign-in.ts';
import { type IssuerUrls, ownPaths } from '../urls.ts';
import { expired, goOn, type InteractionContext, openVisit } from './interaction.ts';
import { sendError } from './page.ts';
import { acceptIdentity, showLogin, signInWithoutPassword } from './sign-in.ts';

export interface UpstreamContext extends InteractionContext {
  readonly fetchOutbound: OutboundFetch;
  readonly onError: (error: unknown) => void;
}

const elsewhere = 'Sign-in at an identity provider';
const cookieName = 'hpms_upstream';
const vouchModel = 'UpstreamVouch';
/** Only the time of a redirect. */
const vouchSeconds = 60;

/** What the sign-in page offers beside the password. */
export async function upstreamLinks(context: PersonContext & { readonly urls: IssuerUrls }, uid: string) {
  const { tenantId, tenantDoor, keyRing, urls } = context;
  const cipher = await keyRing.cipherOf(tenantId);
  const all = await tenantDoor(tenantId, (trx) => listIdentityProviders(trx, cipher), 'read');
  return all
    .filter(({ active }) => active)
    .map(({ id, display }) => ({
      name: display,
      href: `${urls.basePath}${ownPaths.interaction}/${uid}${ownPaths.upstream}/${id}`,
    }));
}

/** To the identity provider. */
export async function beginUpstream(
  context: UpstreamContext,
  ctx: Koa.Context,
  { uid, providerId }: { readonly uid: string; readonly providerId: string },
): Promise<void> {
  const visit = await openVisit(context, ctx, uid);
  const provider = await findActive(context, providerId);
  if (visit?.interaction.prompt.name !== 'login' || !provider) return sendError(context, ctx, 400, expired);
  await orExplain(context, ctx, async () => {
    const begun = await beginSignIn(signInContext(context), provider, uid);
    ctx.append('Set-Cookie', cookieOf(context, provider.id, begun.browserSecret, signInSeconds));
    goOn({ ctx }, begun.location);
  });
}

/** From the identity provider. The interaction's cookie is not sent here, so it is gone on with at the address where it is. */
export async function answerUpstream(context: UpstreamContext, ctx: Koa.Context, rest: string): Promise<void> {
  const [providerId = '', page] = rest.split('/');
  const provider = page === 'callback' ? await findActive(context, providerId) : undefined;
  if (!provider) return sendError(context, ctx, 404, 'There is nothing at this address.');
  await orExplain(context, ctx, async () => {
    const secret = ctx.cookies.get(cookieName, { signed: false });
    const query = new URLSearchParams(ctx.querystring);
    const { identity, knownAs, interactionId } = await finishSignIn(signInContext(context), provider, query, secret);
    const vouch = randomBytes(32).toString('base64url');
    const payload = { ...identity, uid: interactionId, display: provider.display, knownAs };
    await createRecordAdapter(context, vouchModel).upsert?.(vouch, payload, vouchSeconds);
    ctx.append('Set-Cookie', cookieOf(context, provider.id, '', 0));
    goOn(
      { ctx },
      `${context.urls.basePath}${ownPaths.interaction}/${interactionId}/vouched?${new URLSearchParams({ vouch })}`,
    );
  });
}

/** Back where the sign-in was begun, with what was vouched for, once. */
export async function acceptUpstream(context: UpstreamContext, ctx: Koa.Context, uid: string): Promise<void> {
  const visit = await openVisit(context, ctx, uid);
  const identity = visit && (await takeVouch(context, uid, new URLSearchParams(ctx.querystring).get('vouch') ?? ''));
  if (!identity) return sendError(context, ctx, 400, expired);
  const owner = await findOwner(context, identity);
  const { issuer, subject } = identity;
  if (owner?.active && !owner.mustReset) return await signInWithoutPassword(visit, owner, { issuer, subject });
  noteUnproven(context, ctx, { proof: elsewhere, account: owner, clientId: visit.client.clientId });
  await acceptIdentity(visit, identity);
  const error = `Nobody here is known by your sign-in at ${identity.display} yet. Sign in with your password once to link it.`;
  await showLogin(visit, { error, status: 200 });
}

async function takeVouch(context: UpstreamContext, uid: string, vouch: string): Promise<VouchedIdentity | undefined> {
  const records = createRecordAdapter(context, vouchModel);
  const found = await records.find(vouch);
  if (found?.uid !== uid || found.consumed !== undefined) return undefined;
  try {
    await records.consume?.(vouch);
  } catch {
    return undefined;
  }
  const { issuer, subject, display, knownAs } = found as unknown as VouchedIdentity;
  return { issuer, subject, display, knownAs };
}

/** Only by issuer and subject; also of an account that may not sign in. */
async function findOwner({ tenantId, tenantDoor, keyRing }: UpstreamContext, identity: Identity) {
  const cipher = await keyRing.cipherOf(tenantId);
  return await tenantDoor(tenantId, async (trx) => {
    const accountId = await findAccountOfIdentity(trx, cipher, identity);
    return accountId === undefined ? undefined : await findAccount(trx, cipher, accountId);
  });
}

async function findActive(
  { tenantId, tenantDoor, keyRing }: UpstreamContext,
  id: string,
): Promise<IdentityProvider | undefined> {
  const cipher = await keyRing.cipherOf(tenantId);
  const provider = await tenantDoor(tenantId, (trx) => findIdentityProvider(trx, cipher, id));
  return provider?.active ? provider : undefined;
}

function signInContext({ tenantId, tenantDoor, keyRing, fetchOutbound, urls }: UpstreamContext): SignInContext {
  return {
    ...{ tenantId, tenantDoor, keyRing, fetch: fetchOutbound },
    redirectUriOf: (id) => `${urls.issuer}${ownPaths.upstream}/${id}/callback`,
  };
}

async function orExplain(context: UpstreamContext, ctx: Koa.Context, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof SignInFailed)) throw error;
    // The person is told that it failed, the operator why.
    if (error.cause !== undefined) context.onError(error);
    noteRefused(ctx, elsewhere);
    sendError(context, ctx, 400, error.message);
  }
}

function cookieOf({ urls }: UpstreamContext, providerId: string, value: string, maxAgeSeconds: number): string {
  const path = `${urls.basePath}${ownPaths.upstream}/${providerId}`;
  const secure = urls.issuer.startsWith('https:') ? '; Secure' : '';
  return `${cookieName}=${value}; Path=${path}; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax${secure}`;
}
