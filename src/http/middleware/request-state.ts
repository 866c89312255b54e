// What the middleware learn about a request and hand on.

import { randomUUID } from 'node:crypto';
import type { Middleware } from 'koa';
import type { AnswerFormat } from '../answer-format.ts';

export interface HttpState {
  requestId: string;
  /** The route's pattern, such as `/t/:tenant/fhir/:type/:id`. */
  route?: string;
  tenantName?: string;
  clientId?: string;
  resourceType?: string;
  /** In which also an error is answered. */
  format?: AnswerFormat | undefined;
}

const acceptableId = /^[A-Za-z0-9\-._]{8,64}$/;

/** A client's X-Request-Id is kept when it is harmless, so that its log and ours can be joined. */
export const requestState: Middleware<HttpState> = (ctx, next) => {
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
