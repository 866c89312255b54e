// A request names its server once and in one way: RFC 9112 sections 3.2 and 3.2.2 (security.md 96).

import type { Middleware } from 'koa';
import { fhirError } from '../../fhir/outcome.ts';
import { isRepeated } from '../repeated-header.ts';
import type { HttpState } from './request-state.ts';

/** A target in absolute form must be on the public URL's host; without one (no API here) there is no such target. */
export function createRequestTarget(publicUrl: string | undefined): Middleware<HttpState> {
  const ownHost = publicUrl === undefined ? undefined : new URL(publicUrl).host;
  return (ctx, next) => {
    // Node keeps the first of two; who forwarded the request may have looked at the other.
    if (isRepeated(ctx.req.rawHeaders, 'host')) throw fhirError('invalid', 'Send one Host header.');
    const target = ctx.req.url ?? '';
    if (!target.startsWith('/') && hostOf(target) !== ownHost) {
      throw fhirError('invalid', 'The request target must be a path, or a URL of this server.');
    }
    return next();
  };
}

/** Never undefined, so that what is no URL is no server's. */
function hostOf(target: string): string {
  const url = URL.parse(target);
  return url && /^https?:$/.test(url.protocol) ? url.host : 'nowhere';
}
