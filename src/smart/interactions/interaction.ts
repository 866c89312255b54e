// The pages between an app's request and its answer: GET shows what is to be answered, POST answers it (oidc-provider's interactions).

import type Koa from 'koa';
import type { SecondFactors } from '../../people/second-factor/second-factors.ts';
import type { Settings } from '../../tenants/settings.ts';
import type { AuthorizationContext } from '../authorization.ts';
import {
  errors,
  type InteractionResult,
  type OidcClient,
  type OidcInteraction,
  type OidcProvider,
} from '../oidc-provider.ts';
import type { PageView } from '../pages/pages.ts';
import { noteSignedIn } from '../people-on-record.ts';
import type { Throttle } from '../throttle.ts';
import { readTokenRequest } from '../token-request.ts';
import { ownPaths } from '../urls.ts';
import { csrfToken, isOwnForm, type PageOptions, sendError, sendPage } from './page.ts';

export interface InteractionContext extends AuthorizationContext {
  readonly tenantDisplay: string;
  readonly cookieKey: string;
  readonly throttle: Throttle;
  readonly settings: () => Settings | Promise<Settings>;
  readonly secondFactors: SecondFactors;
  readonly provider: () => OidcProvider;
  /** Of the clinic's identity providers: where a sign-in through them begins. */
  readonly signInLinks: (interactionId: string) => Promise<readonly { readonly name: string; readonly href: string }[]>;
  /** Where a forgotten password is replaced. */
  readonly resetHref: string;
}

/** One visit of a page. */
export interface Visit {
  readonly context: InteractionContext;
  readonly ctx: Koa.Context;
  readonly interaction: OidcInteraction;
  readonly client: OidcClient;
  /** For the page's forms. */
  readonly action: string;
  readonly csrf: string;
}

export interface Step {
  show(visit: Visit): Promise<void>;
  act(visit: Visit, form: URLSearchParams): Promise<void>;
}

export const expired = 'This page has expired or belongs to another window. Go back to the app and begin again.';

export async function answerInteraction(
  context: InteractionContext,
  ctx: Koa.Context,
  { uid, stepOf }: { readonly uid: string; readonly stepOf: (prompt: string) => Step | undefined },
): Promise<void> {
  const visit = await openVisit(context, ctx, uid);
  const step = visit && stepOf(visit.interaction.prompt.name);
  if (!step) return sendError(context, ctx, 400, expired);
  if (ctx.method === 'GET' || ctx.method === 'HEAD') return await step.show(visit);
  const request = await readTokenRequest(ctx);
  if (!request) {
    ctx.set('Connection', 'close');
    return sendError(context, ctx, 413, 'What was sent is too large.');
  }
  if (!isOwnForm(ctx, request.form.get('csrf'), visit.csrf)) return sendError(context, ctx, 403, expired);
  await step.act(visit, request.form);
}

/** Undefined when the browser's cookie is not that of the interaction. */
export async function openVisit(
  context: InteractionContext,
  ctx: Koa.Context,
  uid: string,
): Promise<Visit | undefined> {
  const interaction = await openInteraction(context, ctx, uid);
  const client = interaction && (await context.provider().Client.find(interaction.params.client_id ?? ''));
  if (!interaction || !client) return undefined;
  const { accountId } = interaction.session ?? {};
  if (accountId !== undefined) noteSignedIn(context, ctx, { accountId, clientId: client.clientId });
  const action = `${context.urls.basePath}${ownPaths.interaction}/${uid}`;
  return { context, ctx, interaction, client, action, csrf: csrfToken(context.cookieKey, uid) };
}

async function openInteraction(
  { provider }: InteractionContext,
  ctx: Koa.Context,
  uid: string,
): Promise<OidcInteraction | undefined> {
  try {
    const interaction = await provider().interactionDetails(ctx.req, ctx.res);
    return interaction.uid === uid ? interaction : undefined;
  } catch (error) {
    if (error instanceof errors.SessionNotFound) return undefined;
    throw error;
  }
}

/** The app is where this ends, so the browser must be allowed to go there. */
export function sendStep({ context, ctx, interaction }: Visit, view: PageView, options: PageOptions = {}): void {
  sendPage(context, ctx, view, { redirectUri: interaction.params.redirect_uri, ...options });
}

/** With the next question, or to the app. */
export async function finish(visit: Visit, result: InteractionResult): Promise<void> {
  const { context, ctx } = visit;
  goOn(visit, await context.provider().interactionResult(ctx.req, ctx.res, result));
}

export function goOn({ ctx }: Pick<Visit, 'ctx'>, location: string): void {
  ctx.set({ Location: location, 'Cache-Control': 'no-store' });
  ctx.body = null;
  // After the body, which would make it 204.
  ctx.status = 303;
}

export async function refuse(visit: Visit): Promise<void> {
  await finish(visit, { error: 'access_denied', error_description: 'the person did not let the app in' });
}
