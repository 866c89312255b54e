// What no route answers: OPTIONS, 405 where the path exists for another method, and 404: RFC 9110 sections 9.3.7 and 15.5.6

import type Router from '@koa/router';
import type { Middleware } from 'koa';
import { fhirError } from '../../fhir/outcome.ts';
import type { HttpState } from './request-state.ts';

export function unknownRoute(routers: readonly Router<HttpState>[]): Middleware<HttpState> {
  return (ctx) => {
    const layers = routers.flatMap((router) => router.match(ctx.path, ctx.method).path);
    const methods = [...new Set(layers.flatMap((layer) => layer.methods))];
    if (methods.length === 0) throw fhirError('not-found', 'There is nothing at this URL.');
    ctx.set('Allow', [...methods, 'OPTIONS'].join(', '));
    if (ctx.method === 'OPTIONS') {
      ctx.status = 204;
      return;
    }
    throw fhirError('not-supported', `${ctx.method} is not possible here; ${methods.join(', ')} is.`);
  };
}
