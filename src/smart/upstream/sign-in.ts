// Signing in through a clinic's own identity provider: authorization code with PKCE, state, nonce and the check of the issuer.
// https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth, RFC 9207, RFC 9700 section 4.4

import { randomBytes, timingSafeEqual } from 'node:crypto';
import * as client from 'openid-client';
import type { OutboundFetch } from '../../gateways/outbound-fetch.ts';
import type { Identity } from '../../people/identities.ts';
import { hashOf } from '../hash.ts';
import { createRecordAdapter, type RecordContext } from '../record-adapter.ts';

/** What a clinic has registered of the provider, and as what the provider knows the clinic. */
export interface UpstreamProvider {
  readonly id: string;
  readonly issuer: string;
  readonly clientId: string;
  /** Absent: a public client. */
  readonly clientSecret?: string;
  /** Separated by spaces; `openid` is asked for whatever they are. */
  readonly scopes: string;
}

export interface SignInContext extends RecordContext {
  readonly fetch: OutboundFetch;
  /** Each provider has a redirect URI of its own, so that none can answer for another: RFC 9700 section 4.4.2.2. */
  readonly redirectUriOf: (providerId: string) => string;
}

export interface Begun {
  /** Where the browser is sent. */
  readonly location: string;
  /** To be kept in a cookie of the browser: whoever comes back without it did not begin here (login CSRF, security.md 58). */
  readonly browserSecret: string;
}

export interface SignedIn {
  readonly identity: Identity;
  /** For people: what the provider calls the person. */
  readonly knownAs: string;
  /** The interaction of the authorization server that waits for it. */
  readonly interactionId: string;
}

/** The sign-in did not come to its end; the text is for people and says nothing that the provider said. */
export class SignInFailed extends Error {
  override readonly name = 'SignInFailed';
}

/** Long enough for a second factor at the provider. */
export const signInSeconds = 600;
const recordModel = 'UpstreamSignIn';

interface Attempt {
  readonly interactionId: string;
  readonly providerId: string;
  readonly codeVerifier: string;
  readonly nonce: string;
  readonly browserHash: string;
}

/** Throws SignInFailed when the provider cannot be asked, or says nothing of itself that a browser can be sent to. */
export async function beginSignIn(
  context: SignInContext,
  provider: UpstreamProvider,
  interactionId: string,
): Promise<Begun> {
  const configuration = await discover(context, provider);
  const [state, nonce, codeVerifier] = [client.randomState(), client.randomNonce(), client.randomPKCECodeVerifier()];
  const browserSecret = randomBytes(32).toString('base64url');
  const browserHash = hashOf(browserSecret).toString('base64url');
  const attempt: Attempt = { interactionId, providerId: provider.id, codeVerifier, nonce, browserHash };
  await createRecordAdapter(context, recordModel).upsert?.(state, { ...attempt }, signInSeconds);
  const code_challenge = await client.calculatePKCECodeChallenge(codeVerifier);
  // What the provider says of its authorization endpoint is looked at only here.
  const location = await ask(async () =>
    client.buildAuthorizationUrl(configuration, {
      redirect_uri: context.redirectUriOf(provider.id),
      scope: [...new Set(['openid', ...provider.scopes.split(' ').filter(Boolean)])].join(' '),
      ...{ code_challenge, code_challenge_method: 'S256', state, nonce },
    }),
  );
  return { location: location.href, browserSecret };
}

/**
 * Whom the provider vouches for. `query` is what the browser brought back. Throws SignInFailed for all that is not right; a state
 * counts once, whatever comes of it.
 */
export async function finishSignIn(
  context: SignInContext,
  provider: UpstreamProvider,
  query: URLSearchParams,
  browserSecret: string | undefined,
): Promise<SignedIn> {
  const state = query.get('state') ?? '';
  const attempt = await takeAttempt(context, state);
  if (attempt?.providerId !== provider.id || !isSameBrowser(attempt, browserSecret)) throw expired();
  const configuration = await discover(context, provider);
  const callback = new URL(`${context.redirectUriOf(provider.id)}?${query}`);
  const tokens = await ask(() =>
    client.authorizationCodeGrant(configuration, callback, {
      pkceCodeVerifier: attempt.codeVerifier,
      expectedState: state,
      expectedNonce: attempt.nonce,
      idTokenExpected: true,
    }),
  );
  const claims = tokens.claims();
  // The library takes an empty subject for one, and then everybody who comes without one would be the same person.
  if (!claims?.sub) throw failed();
  const identity = { issuer: claims.iss, subject: claims.sub };
  return { identity, knownAs: nameOf(claims), interactionId: attempt.interactionId };
}

const nameLengthMax = 200;

/** By which a person knows the own account there, and sees that another one is somebody else's. */
function nameOf({ sub, email, email_verified, preferred_username }: client.IDToken): string {
  const address = email_verified === false ? undefined : email;
  const name = [address, preferred_username].find((one) => typeof one === 'string' && one !== '') ?? sub;
  return String(name).slice(0, nameLengthMax);
}

/** The first to take it has it. */
async function takeAttempt(context: SignInContext, state: string): Promise<Attempt | undefined> {
  const records = createRecordAdapter(context, recordModel);
  if (state === '') return undefined;
  try {
    await records.consume?.(state);
  } catch {
    return undefined;
  }
  return (await records.find(state)) as Attempt | undefined;
}

function isSameBrowser({ browserHash }: Attempt, browserSecret = ''): boolean {
  return timingSafeEqual(Buffer.from(browserHash, 'base64url'), hashOf(browserSecret));
}

/** https://openid.net/specs/openid-connect-discovery-1_0.html; the library compares the issuer and all that follows from it. */
async function discover(context: SignInContext, provider: UpstreamProvider): Promise<client.Configuration> {
  const { issuer, clientId, clientSecret } = provider;
  const authentication = clientSecret === undefined ? client.None() : client.ClientSecretBasic(clientSecret);
  return await ask(() =>
    client.discovery(new URL(issuer), clientId, undefined, authentication, {
      [client.customFetch]: context.fetch as client.CustomFetch,
      execute: [
        // The id_token's signature is verified although it came over TLS.
        client.enableNonRepudiationChecks,
        // Whether a provider may be asked without TLS is decided by `fetch`, for the operator's own hosts only.
        ...(issuer.startsWith('http:') ? [client.allowInsecureRequests] : []),
      ],
    }),
  );
}

async function ask<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw failed(cause);
  }
}

function failed(cause?: unknown): SignInFailed {
  return new SignInFailed('The identity provider did not sign you in. Try again, or ask your administrator.', {
    cause,
  });
}

function expired(): SignInFailed {
  return new SignInFailed('This sign-in was not begun in this browser, has been used, or took too long. Begin again.');
}
