// Puts every request below a FHIR base on record before it is answered, once, whatever becomes of it (security.md 122).

import type { Context } from 'koa';
import { clientAddress } from '../access/client-address.ts';
import type { AccessTrail } from '../audit/trail/access-trail.ts';
import type { FhirError } from '../fhir/outcome.ts';
import type { TenantRecord } from '../tenants/registry.ts';
import type { HttpState } from './middleware/request-state.ts';
import { issueOf, RequestAccess, type RequestOrigin, unrecordedFacts } from './request-access.ts';
import type { TurnedAway } from './turned-away.ts';

export type HttpContext = Pick<Context, 'method' | 'path' | 'querystring' | 'req' | 'status'> & { state: HttpState };

export interface AccessRecorder {
  /** Throws 503 where it cannot be put on record. */
  answered(ctx: HttpContext): Promise<void> | undefined;
  refused(ctx: HttpContext, error: FhirError): Promise<void>;
  /** By overload, unread. */
  turnedAway(ctx: HttpContext): void;
}

export interface AccessRecorderOptions {
  readonly trail: AccessTrail;
  readonly findTenant: (name: string) => TenantRecord | undefined | Promise<TenantRecord | undefined>;
  readonly now: () => Date;
  readonly turnedAway: Pick<TurnedAway, 'count'>;
}

/** What anybody may know of the server itself needs no record. */
const onRecord = /^\/t\/([^/]+)\/fhir(?:\/(?!metadata$|\.well-known\/)(.*))?$/;

export function createAccessRecorder({ trail, findTenant, now, turnedAway }: AccessRecorderOptions): AccessRecorder {
  return {
    answered(ctx) {
      const { access } = ctx.state;
      if (!access || access.isRecorded || access.tenantId === undefined) return undefined;
      access.isRecorded = true;
      const facts = unrecordedFacts(access, ctx.status);
      return facts.length > 0 ? trail.record(access.tenantId, facts) : undefined;
    },
    async refused(ctx, error) {
      const { tenantName, path } = placeOf(ctx);
      if (tenantName === undefined) return;
      const access = ctx.state.access ?? new RequestAccess(originOf(ctx, path, now));
      if (access.isRecorded) return;
      access.isRecorded = true;
      access.tenantId ??= (await findTenant(tenantName))?.id;
      if (access.tenantId === undefined) return;
      const { interaction } = access;
      const facts = access.facts({ interaction, status: error.status, issue: issueOf(error) });
      // What a transaction would have shown was rolled back with it.
      const entries = interaction === 'transaction' ? [] : access.entries;
      await trail.record(access.tenantId, [...entries, facts]);
    },
    turnedAway(ctx) {
      const { tenantName } = placeOf(ctx);
      if (tenantName !== undefined) turnedAway.count(tenantName);
    },
  };
}

interface Place {
  /** Undefined where nothing is put on record. */
  readonly tenantName?: string;
  /** Below the FHIR base. */
  readonly path: string;
}

function placeOf({ method, path }: Pick<HttpContext, 'method' | 'path'>): Place {
  const [, name, below = ''] = (method === 'OPTIONS' ? undefined : onRecord.exec(path)) ?? [];
  return name === undefined ? { path: below } : { tenantName: decoded(name), path: below };
}

/** What is noted of a request from its beginning on. `path` is below the FHIR base. */
export function originOf(ctx: HttpContext, path: string, now: () => Date): RequestOrigin {
  const { requestId } = ctx.state;
  return {
    method: ctx.method,
    path,
    query: ctx.querystring,
    address: clientAddress(ctx.req.socket.remoteAddress),
    requestId,
    now,
  };
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
