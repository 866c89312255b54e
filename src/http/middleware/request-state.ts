// What the middleware learn about a request and hand on.

import { randomUUID } from 'node:crypto';
import type { Middleware } from 'koa';
import type { AnswerFormat } from '../answer-format.ts';
import type { RequestAccess } from '../request-access.ts';

export interface HttpState {
  requestId: string;
  /** The route's pattern, such as `/t/:tenant/fhir/:type/:id`. */
  route?: string;
  tenantName?: string;
  clientId?: string;
  resourceType?: string;
  /** In which also an error is answered. */
  format?: AnswerFormat | undefined;
  /** Of a request that is put on record. */
  access?: RequestAccess;
  /** Nobody has looked at it: the server has too many. */
  isTurnedAway?: boolean;
}

const acceptableId = /^[A-Za-z0-9\-._]{8,64}$/;

/** RFC 6797: a browser that was here once comes by TLS for two years. */
const strictTransport = 'max-age=63072000';

/** `isSecure`: clients reach this server by https, by its own TLS or a proxy's. */
export function createRequestState(isSecure: boolean): Middleware<HttpState> {
  return (ctx, next) => {
    if (isSecure) ctx.res.setHeader('Strict-Transport-Security', strictTransport);
    return describeRequest(ctx, next);
  };
}

/** A client's X-Request-Id is kept when it is harmless, so that its log and ours can be joined. */
const describeRequest: Middleware<HttpState> = (ctx, next) => {
  const given = ctx.get('X-Request-Id');
  ctx.state.requestId = given !== '' && acceptableId.test(given) ? given : randomUUID();
  ctx.res.setHeader('X-Request-Id', ctx.state.requestId);
  ctx.res.setHeader('X-Content-Type-Options', 'nosniff');
  // What is said about patients stays on nobody's disk: RFC 9111 section 5.2.2.5
  ctx.res.setHeader('Cache-Control', 'no-store');
  // What an answer depends on besides the URL: RFC 9110 section 12.5.5.
  ctx.res.setHeader('Vary', 'Accept, Accept-Encoding, Origin');
  return next();
};
