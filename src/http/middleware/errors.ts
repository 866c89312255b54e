// Turns everything that is thrown into an OperationOutcome; the log gets the reason, the client only what helps it.

import type { Context, Middleware } from 'koa';
import type { Logger } from 'pino';
import type { Definitions } from '../../fhir/definitions.ts';
import { FhirError, fhirError, toOperationOutcome } from '../../fhir/outcome.ts';
import { outOfResource } from '../../fhir/system-errors.ts';
import { errorFields } from '../../jobs/observe.ts';
import { type AnswerFormat, answerFormat, plainFormat } from '../answer-format.ts';
import type { AccessRecorder, HttpContext } from '../record-access.ts';
import { represent } from '../represent.ts';
import { lingering } from './lingering.ts';
import type { HttpState } from './request-state.ts';

/** Without `definitions` there is no API here, and every error is JSON. */
export function createErrorMiddleware(
  log: Logger,
  definitions: Definitions | undefined,
  recorder?: AccessRecorder,
): Middleware<HttpState> {
  return async function errors(ctx, next) {
    try {
      await next();
      await recorder?.answered(ctx);
    } catch (error) {
      const { requestId, tenantName } = ctx.state;
      const thrown = asFhirError(error, requestId);
      if (ctx.state.isTurnedAway) recorder?.turnedAway(ctx);
      const known = ctx.state.isTurnedAway ? thrown : await recorded(ctx, thrown, recorder);
      // What was made ready to be answered before.
      for (const name of ofAnswers) ctx.remove(name);
      if (known.status >= 500 && !ctx.state.isTurnedAway) {
        // More work than there is room for is what the server is made to refuse.
        const level = known.issues[0]?.code === 'throttled' ? 'warn' : 'error';
        log[level]({ requestId, tenant: tenantName, ...errorFields(known) }, 'request failed');
      }
      ctx.status = known.status;
      if (known.status === 401) ctx.set('WWW-Authenticate', challengeOf(ctx.req.headers.authorization));
      // Without one yet, the refused write was of a type that only the server writes: RFC 9110 section 15.5.6.
      if (known.status === 405 && !ctx.res.hasHeader('Allow')) ctx.set('Allow', 'GET, HEAD');
      if (known.retryAfterSeconds !== undefined) ctx.set('Retry-After', String(known.retryAfterSeconds));
      const { text, format } = outcomeText(known, ctx.state.format ?? formatOf(ctx), definitions);
      ctx.set('Content-Type', format.contentType);
      ctx.body = ctx.req.complete ? text : lingering(ctx.req, text);
      ctx.length = Buffer.byteLength(text);
      // The rest of a body that nobody read must not become the next request.
      if (!ctx.req.complete) ctx.set('Connection', 'close');
    }
  };
}

/** By the error a client sees that it needs another token; none where it sent no token: RFC 6750 section 3.1. */
function challengeOf(authorization = ''): string {
  return /^bearer\b/i.test(authorization) ? 'Bearer realm="fhir", error="invalid_token"' : 'Bearer realm="fhir"';
}

const ofAnswers = [
  ...['ETag', 'Last-Modified', 'Location', 'Content-Location', 'Content-Disposition', 'Content-Encoding', 'Expires'],
  ...['Preference-Applied', 'X-Progress', 'X-Security-Context'],
];

/** A refusal is answered as little as anything else before it is on record. */
async function recorded(ctx: HttpContext, error: FhirError, recorder: AccessRecorder | undefined): Promise<FhirError> {
  try {
    await recorder?.refused(ctx, error);
    return error;
  } catch (unrecorded) {
    return asFhirError(unrecorded, ctx.state.requestId);
  }
}

/** What XML cannot hold, such as a control character of the request that is named, is said in JSON. */
function outcomeText({ issues }: FhirError, format: AnswerFormat, definitions: Definitions | undefined) {
  const json = JSON.stringify(toOperationOutcome(issues));
  if (!definitions) return { text: json, format: plainFormat };
  try {
    return { text: represent(definitions, json, { format, subset: undefined }), format };
  } catch (error) {
    if (!(error instanceof FhirError)) throw error;
    return { text: json, format: plainFormat };
  }
}

/** As far as it can be told: who asks for nothing that there is gets JSON. */
function formatOf(ctx: Pick<Context, 'req' | 'querystring'>): AnswerFormat {
  try {
    return answerFormat(ctx.req.headers.accept, new URLSearchParams(ctx.querystring)) ?? plainFormat;
  } catch {
    return plainFormat;
  }
}

function asFhirError(error: unknown, requestId: string): FhirError {
  if (error instanceof FhirError) return error;
  const exhausted = outOfResource(error);
  if (exhausted) return exhausted;
  return fhirError('exception', `The server failed; its log has the detail under request ${requestId}.`, {
    cause: error,
  });
}
