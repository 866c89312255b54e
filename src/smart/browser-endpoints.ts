// What browsers are sent to: the authorization endpoint, the pages of signing in, signing out, and a person's own account.

import type Koa from 'koa';
import { clientAddress } from '../access/client-address.ts';
import { FhirError } from '../fhir/outcome.ts';
import type { TenantRecord } from '../tenants/registry.ts';
import type { AnswerAccount } from './account/account-pages.ts';
import { signedInPath } from './account-client.ts';
import { hashOf } from './hash.ts';
import { answerInteraction } from './interactions/interaction.ts';
import { sendError } from './interactions/page.ts';
import { stepOf } from './interactions/steps.ts';
import { acceptUpstream, answerUpstream, beginUpstream, type UpstreamContext } from './interactions/upstream.ts';
import { answerLogout, type LogoutContext } from './logout.ts';
import { errors } from './oidc-provider.ts';
import { findAsset } from './pages/assets.ts';
import { noteAuthorization, notePage, type PageNotes } from './people-on-record.ts';
import { type RunContext, runProvider } from './run-provider.ts';
import { networkOf } from './throttle.ts';
import { readTokenRequest } from './token-request.ts';
import { oauthPaths, ownPaths } from './urls.ts';

export interface BrowserContext extends UpstreamContext, LogoutContext, RunContext {
  readonly tenant: TenantRecord;
  readonly answerAccount: AnswerAccount;
}

type Answer = (context: BrowserContext, ctx: Koa.Context, rest: string) => Promise<void>;

const answers: readonly (readonly [path: string, methods: readonly string[], answer: Answer])[] = [
  [oauthPaths.authorization, ['GET', 'POST'], answerAuthorization],
  [`${oauthPaths.authorization}/`, ['GET'], answerAuthorization],
  [`${ownPaths.interaction}/`, ['GET', 'HEAD', 'POST'], answerVisit],
  [`${ownPaths.upstream}/`, ['GET'], answerUpstream],
  [ownPaths.endSession, ['GET', 'POST'], (context, ctx) => answerLogout(context, ctx)],
  [`${ownPaths.assets}/`, ['GET', 'HEAD'], answerAsset],
  [ownPaths.account, ['GET', 'HEAD'], answerAccountPage],
  [`${ownPaths.account}/`, ['GET', 'HEAD', 'POST'], answerAccountPage],
];

/** False where nothing is. A path that ends with a slash has one segment or more behind it. */
export function createBrowserEndpoints(context: BrowserContext) {
  return async (ctx: Koa.Context, path: string): Promise<boolean> => {
    const found = answers.find(([own]) => (own.endsWith('/') ? path.startsWith(own) && path !== own : path === own));
    if (!found) return false;
    const [own, methods, answer] = found;
    if (methods.includes(ctx.method)) await orPage(context, ctx, () => answer(context, ctx, path.slice(own.length)));
    else {
      ctx.set('Allow', methods.join(', '));
      sendError(context, ctx, 405, 'This page cannot be asked for in this way.');
    }
    return true;
  };
}

/** People get a page, whatever it is that does not work. */
async function orPage(context: BrowserContext, ctx: Koa.Context, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    // What the app asked for was good when the page was sent: a launch that was used meanwhile at another window.
    if (error instanceof errors.InvalidRequest) {
      return sendError(context, ctx, 400, 'What the app was opened with has been used or has expired. Open it again.');
    }
    if (!(error instanceof FhirError) || error.status === 500) throw error;
    if (error.retryAfterSeconds !== undefined) ctx.set('Retry-After', String(error.retryAfterSeconds));
    sendError(context, ctx, error.status, error.message);
  }
}

/** `{uid}`, `{uid}/upstream/{provider}` or `{uid}/vouched`. */
async function answerVisit(context: BrowserContext, ctx: Koa.Context, rest: string): Promise<void> {
  const [uid = '', page, providerId = ''] = rest.split('/');
  if (page === undefined) return await answerInteraction(context, ctx, { uid, stepOf });
  if (ctx.method === 'GET' && `/${page}` === ownPaths.upstream) {
    return await beginUpstream(context, ctx, { uid, providerId });
  }
  if (ctx.method === 'GET' && page === 'vouched') return await acceptUpstream(context, ctx, uid);
  sendError(context, ctx, 404, 'There is nothing at this address.');
}

/** As long as a query can be: the request is kept until somebody has signed in, and anybody can send one. */
const authorizationLengthMax = 16 * 1_024;

/** Only in the query are answers given. By any other way oidc-provider would answer even a refusal: by a page with a script, for one. */
function isElsewhere(asked: URLSearchParams): boolean {
  return asked.getAll('response_mode').some((mode) => mode !== 'query');
}

async function answerAuthorization(context: BrowserContext, ctx: Koa.Context, uid: string): Promise<void> {
  const request = await readTokenRequest(ctx);
  if (!request) {
    ctx.set('Connection', 'close');
    return sendError(context, ctx, 413, 'The request is too large.');
  }
  ctx.set({ 'Cache-Control': 'no-store', Pragma: 'no-cache' });
  const own = uid === '' ? oauthPaths.authorization : `${oauthPaths.authorization}/${uid}`;
  // A form sent here says the same as a query. oidc-provider would take it only with a session cookie that goes along
  // wherever a request comes from (SameSite=None); like this the person may have to sign in once more.
  const path = ctx.method === 'POST' ? `${own}?${request.form}` : own + ctx.search;
  if (path.length > authorizationLengthMax) return sendError(context, ctx, 413, 'The request is too large.');
  if (isElsewhere(ctx.method === 'POST' ? request.form : new URLSearchParams(ctx.search))) {
    return sendError(
      context,
      ctx,
      400,
      'The app wants its answer by a response_mode that is not offered here: leave it out.',
    );
  }
  const { unavailable, inner } = await runProvider(context, ctx, { method: 'GET', path, body: Buffer.alloc(0) });
  noteAuthorization(context, ctx, inner);
  if (!unavailable) return;
  ctx.set('Retry-After', String(unavailable.retryAfterSeconds ?? 1));
  ctx.remove('Location');
  sendError(context, ctx, 503, 'This does not work at this moment. Try again shortly.');
}

async function answerAsset(context: BrowserContext, ctx: Koa.Context, name: string): Promise<void> {
  const asset = findAsset(name);
  if (!asset) return sendError(context, ctx, 404, 'There is nothing at this address.');
  ctx.set({ ...asset.headers });
  ctx.body = asset.body;
}

/** The pages know nothing of Koa. */
async function answerAccountPage(context: BrowserContext, ctx: Koa.Context, rest: string): Promise<void> {
  const path = rest === '' ? '' : `/${rest}`;
  if (path === signedInPath) {
    ctx.status = 303;
    ctx.set('Location', context.urls.basePath + ownPaths.account);
    return;
  }
  const request = ctx.method === 'POST' ? await readTokenRequest(ctx) : undefined;
  const notes: PageNotes = {};
  const answer = await context.answerAccount({
    ...{ tenant: context.tenant, method: ctx.method, path, query: new URLSearchParams(ctx.querystring) },
    form: request?.form ?? new URLSearchParams(),
    origin: ctx.get('Origin') || undefined,
    fetchSite: ctx.get('Sec-Fetch-Site') || undefined,
    network: networkOf(ctx.ip),
    address: clientAddress(ctx.req.socket.remoteAddress),
    notes,
    async currentSession() {
      const { uid, accountId } = await context.provider().Session.get(ctx);
      return accountId === undefined ? undefined : { accountId, sessionHash: hashOf(uid) };
    },
  });
  notePage(context, ctx, notes);
  ctx.status = answer.status;
  ctx.set({ ...answer.headers });
  ctx.body = answer.html ?? null;
  ctx.status = answer.status;
}
