// What every FHIR request goes through around its interaction: admission, negotiation, body, one transaction, answer.

import type { RouterMiddleware } from '@koa/router';
import { fhirError } from '../fhir/outcome.ts';
import { inSession, type Repository, type Session } from '../repository/session.ts';
import { type AdmitOptions, admit, baseUrlOf, type FhirContext, requireTenant } from './admit.ts';
import { answerOnce, requestKey } from './idempotency.ts';
import type {
  InteractionRequest,
  InteractionResponse,
  OpenInteraction,
  RequestMethod,
  SystemInteraction,
} from './interaction.ts';
import { parseBody, readBody } from './middleware/body.ts';
import { type BodyKind, fhirJson, requireAcceptable, requireBody } from './middleware/negotiation.ts';
import type { HttpState } from './middleware/request-state.ts';
import type { FhirRoute } from './route.ts';

export interface FhirHandlerOptions {
  readonly admit: AdmitOptions;
  readonly repository: Repository;
  readonly bodyBytesMax: number;
  /** Told of the failures of single batch entries. */
  readonly onFailure: (error: unknown) => void;
}

type FhirMiddleware = RouterMiddleware<HttpState>;

/** An interaction on a type or instance: one transaction. */
export function handleRoute(options: FhirHandlerOptions, route: FhirRoute): FhirMiddleware {
  const pattern = `/t/:tenant/fhir${route.path}`;
  return async function fhirRequest(ctx: FhirContext) {
    ctx.state.route = pattern;
    const { caller, baseUrl } = await admit(options.admit, ctx);
    const query = new URLSearchParams(ctx.querystring);
    requireAcceptable(ctx, query);
    const type = ctx.params.type === undefined ? '' : knownType(options.repository, ctx.params.type, ctx.state);
    const bytes = route.carries ? await readCarried(options, ctx, route.carries) : undefined;
    const request = requestOf(ctx, { baseUrl, type, query, bytes, carries: route.carries });
    const work = (session: Session) => route.run(session, request);
    const key = bytes && route.kind === 'write' && route.method === 'post' ? requestKey(ctx, caller, bytes) : undefined;
    send(
      ctx,
      key
        ? await answerOnce(options.repository, caller, key, work)
        : await inSession(options.repository, caller, work, route.kind),
    );
  };
}

/** An interaction on the whole system, which opens its own transactions. */
export function handleSystem(options: FhirHandlerOptions, route: string, run: SystemInteraction): FhirMiddleware {
  return async function fhirSystemRequest(ctx: FhirContext) {
    ctx.state.route = route;
    const { caller, baseUrl } = await admit(options.admit, ctx);
    const query = new URLSearchParams(ctx.querystring);
    requireAcceptable(ctx, query);
    const bytes = await readCarried(options, ctx, 'resource');
    const request = requestOf(ctx, { baseUrl, type: '', query, bytes, carries: 'resource' });
    send(ctx, await run(options, caller, request, requestKey(ctx, caller, bytes)));
  };
}

/** An interaction that needs no caller. */
export function handleOpen(options: FhirHandlerOptions, route: string, run: OpenInteraction): FhirMiddleware {
  return async function fhirOpenRequest(ctx: FhirContext) {
    ctx.state.route = route;
    const tenant = await requireTenant(options.admit, ctx);
    requireAcceptable(ctx, new URLSearchParams(ctx.querystring));
    send(ctx, run(options, baseUrlOf(options.admit, tenant)));
  };
}

function knownType(repository: Repository, type: string, state: HttpState): string {
  if (!repository.definitions.resourceTypes.has(type)) {
    throw fhirError('not-supported', 'This is not a resource type of FHIR R4; names are case-sensitive.', {
      status: 404,
    });
  }
  state.resourceType = type;
  return type;
}

async function readCarried(options: FhirHandlerOptions, ctx: FhirContext, kind: BodyKind): Promise<Buffer> {
  requireBody(ctx, kind);
  return await readBody(ctx.req, options.bodyBytesMax);
}

interface RequestParts {
  readonly baseUrl: string;
  /** Empty for an interaction on the whole system. */
  readonly type: string;
  readonly query: URLSearchParams;
  readonly bytes: Buffer | undefined;
  readonly carries: BodyKind | undefined;
}

function requestOf(ctx: FhirContext, { baseUrl, type, query, bytes, carries }: RequestParts): InteractionRequest {
  const { id = '', versionId = '' } = ctx.params;
  const header = (name: string) => ctx.get(name) || undefined;
  const body = bytes && carries !== 'form' ? parseBody(bytes) : undefined;
  if (carries === 'form') for (const [name, value] of new URLSearchParams(bytes?.toString())) query.append(name, value);
  const method = (ctx.method === 'HEAD' ? 'GET' : ctx.method) as RequestMethod;
  return { method, baseUrl, type, id, versionId, params: ctx.params, query, body, header };
}

function send(ctx: FhirContext, response: InteractionResponse): void {
  ctx.status = response.status;
  ctx.set(response.headers);
  if (response.body === undefined) return;
  ctx.set('Content-Type', fhirJson);
  ctx.body = response.body;
}
