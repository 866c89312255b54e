// Puts a table of administration routes into the router: who asks, what is asked, the answer, and the record of it.

import { Readable } from 'node:stream';
import type Router from '@koa/router';
import type { Caller } from '../access/caller.ts';
import { FhirError } from '../fhir/outcome.ts';
import type { Repository, Session } from '../repository/session.ts';
import { createReadInput } from './admin-input.ts';
import type { AdminAnswer, AdminRequest, AdminRoute } from './admin-route.ts';
import { createTurns, type InTurn } from './admin-turns.ts';
import type { FhirContext } from './admit.ts';
import { answerOnce, requestKey } from './idempotency.ts';
import { type InteractionResponse, textOfBody } from './interaction.ts';
import type { HttpState } from './middleware/request-state.ts';
import { beginBesideFhir } from './record-access.ts';

export interface AdminCall<Context> {
  readonly context: Context;
  readonly route: AdminRoute<Context>;
  /** Without a body where that could not be read. */
  readonly request: AdminRequest;
  /** 0: done; 4: refused; 8: the server failed. */
  readonly outcome: '0' | '4' | '8';
  /** The answer of an earlier call with the same Idempotency-Key, given once more: nothing was done. */
  readonly givenAgain?: AdminAnswer | undefined;
}

export interface MountOptions<Context extends { readonly caller: Caller }> {
  /** `/admin` or `/t/{tenant}/admin`. */
  readonly base: string;
  readonly routes: readonly AdminRoute<Context>[];
  /** Keeps the answers of a POST with an Idempotency-Key in the caller's tenant (contract.md 8). */
  readonly repository: Repository;
  /** Throws 404 and 401, before anything of the request is looked at. */
  readonly admit: (ctx: FhirContext) => Promise<Context>;
  /** Throws 403 for who has a good token without the right, still before that: a call like any other, which is recorded. */
  readonly permit?: (context: Context) => void;
  /** Changes of a tenant's administration come one after the other, not only those with an Idempotency-Key. */
  readonly takesTurns?: boolean;
  /** Called once for each call of an admitted caller, before it is answered. */
  readonly record?: (call: AdminCall<Context>) => Promise<void>;
}

export function mountAdminRoutes<Context extends { readonly caller: Caller }>(
  router: Router<HttpState>,
  options: MountOptions<Context>,
): void {
  const inTurn = createTurns();
  for (const route of options.routes) {
    const pattern = routerPath(options.base + route.path);
    const readInput = createReadInput(route);
    router.register(pattern, [route.method], async (ctx: FhirContext) => {
      ctx.state.route = pattern;
      const access = beginBesideFhir(ctx, options.repository.now);
      const context = await options.admit(ctx);
      // Until here a refusal is put on record as those of all doors, from here on by `record`.
      access.isRecorded = true;
      let request: AdminRequest = { params: { ...ctx.params }, query: {}, body: undefined };
      const record = async (outcome: AdminCall<Context>['outcome'], givenAgain?: AdminAnswer) =>
        await options.record?.({ context, route, request, outcome, givenAgain });
      try {
        options.permit?.(context);
        const input = await readInput(ctx);
        request = input.request;
        const { answer, isAgain } = await run(
          { ...options, inTurn },
          { route, context, request, bytes: input.bytes },
          ctx,
        );
        await record('0', isAgain ? answer : undefined);
        respond(ctx, answer);
      } catch (error) {
        await record(error instanceof FhirError && error.status < 500 ? '4' : '8');
        throw error;
      }
    });
  }
}

/** `/clients/{clientId}` as the router writes it. */
export function routerPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

interface Call<Context> {
  readonly route: AdminRoute<Context>;
  readonly context: Context;
  readonly request: AdminRequest;
  readonly bytes: Buffer;
}

interface Ran {
  readonly answer: AdminAnswer;
  /** It was done before, and is answered as it was then. */
  readonly isAgain: boolean;
}

async function run<Context extends { readonly caller: Caller }>(
  { repository, takesTurns, inTurn }: MountOptions<Context> & { readonly inTurn: InTurn },
  { route, context, request, bytes }: Call<Context>,
  ctx: FhirContext,
): Promise<Ran> {
  const { caller } = context;
  const key = route.method === 'POST' && route.body ? requestKey(ctx, caller, bytes) : undefined;
  if (!key) {
    const unkeyed = () => route.run(context, request);
    const isChange = takesTurns && route.method !== 'GET';
    return { answer: isChange ? await inTurn(caller.tenantId, unkeyed) : await unkeyed(), isAgain: false };
  }
  let isAgain = true;
  const work = async (session: Session) => {
    isAgain = false;
    return toResponse(await route.run(context, request, session));
  };
  // Before the transaction that keeps the answer: that one would wait with its connection.
  const kept = await inTurn(caller.tenantId, () => answerOnce({ repository, caller, key }, work));
  return { answer: toAnswer(kept), isAgain };
}

/** A refusal that was kept is one again, as it is answered and as it is put on record. */
function toAnswer({ status, headers, body }: InteractionResponse): AdminAnswer {
  const text = textOfBody(body);
  if (text !== undefined && status >= 400) throw new FhirError(JSON.parse(text).issue, { status });
  return { status, headers, ...(text !== undefined && { body: text }) };
}

function toResponse({ status, headers = {}, body }: AdminAnswer): InteractionResponse {
  if (body === undefined) return { status, headers, body };
  if (body instanceof Readable) throw new Error('An answer that is kept cannot be a stream.');
  if (typeof body === 'string') return { status, headers, body };
  return { status, headers: { ...headers, 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

function respond(ctx: FhirContext, { status, headers, body }: AdminAnswer): void {
  ctx.status = status;
  // Koa says an object as JSON; without a body it would say the status in words.
  ctx.body = body ?? null;
  ctx.status = status;
  if (headers) ctx.set(headers);
}
