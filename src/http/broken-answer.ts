// Tells the log of answers that broke off on their way: by a connection that is gone, or by stored bytes that are not whole.

import type { Context } from 'koa';
import type { Logger } from 'pino';
import { errorFields } from '../jobs/observe.ts';
import type { HttpState } from './middleware/request-state.ts';

type BrokenContext = Pick<Context, 'app'> & { readonly state: HttpState };

/** For Koa's event `error`: there is nobody left to answer. */
export function createBrokenAnswerLog(log: Logger): (error: Error, ctx?: BrokenContext) => void {
  // Koa tells of each twice, at the end of the answer and at that of its body.
  const told = new WeakSet<Error>();
  return (error, ctx) => {
    if (told.has(error)) return;
    told.add(error);
    // Node names what happens to connections and files; what has no code is the server's own.
    const level = 'code' in error ? 'warn' : 'error';
    const { requestId, tenantName } = ctx?.state ?? {};
    log[level]({ requestId, tenant: tenantName, ...errorFields(error) }, 'connection failed');
  };
}
