// Puts every request below a FHIR base on record before it is answered, once, whatever becomes of it (security.md 122); and who is
// refused at the other doors, where clients and people have to prove who they are.

import type { Context } from 'koa';
import { clientAddress } from '../access/client-address.ts';
import type { AccessTrail } from '../audit/trail/access-trail.ts';
import type { FhirError, IssueCode } from '../fhir/outcome.ts';
import type { TenantRecord } from '../tenants/registry.ts';
import { systemTenantName } from '../tenants/reserved.ts';
import { purposeOf } from './issuer-doors.ts';
import type { HttpState } from './middleware/request-state.ts';
import { createRefusalBound } from './refusal-bound.ts';
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
/** Of a tenant and of the system, whose figures have a token of their own. */
const administration = /^(?:(?:\/t\/([^/]+))?\/admin(?:\/.*)?|\/metrics)$/;
/** What is beside a tenant's FHIR base and administration is its authorization server. */
const ofTenant = /^\/t\/([^/]+)(\/.*)$/;

export function createAccessRecorder({ trail, findTenant, now, turnedAway }: AccessRecorderOptions): AccessRecorder {
  const isToldByItself = createRefusalBound();

  /** Of a refusal beside FHIR: true where it is one too many or nobody has looked at it, and goes with the number of the others. */
  function isCounted({ tenantName, isBesideFhir }: Place, access: RequestAccess, status: number): boolean {
    const isAlert = access.login?.act === 'reuse';
    if (!isBesideFhir || isAlert || tenantName === undefined || access.tenantId === undefined) return false;
    if (!isUnheard(access, status) && isToldByItself(access.tenantId, access.origin.address)) return false;
    turnedAway.count(tenantName);
    return true;
  }

  async function recordNamed(access: RequestAccess, status: number): Promise<void> {
    access.caller = await access.findCaller?.();
    if (access.tenantId !== undefined) await trail.record(access.tenantId, unrecordedFacts(access, status));
  }

  return {
    answered(ctx) {
      const { access } = ctx.state;
      if (!access || access.isRecorded || access.tenantId === undefined) return undefined;
      const isRefused = ctx.status >= 400 || access.refusal !== undefined;
      if (access.isOfPerson && !isRefused) return undefined;
      access.isRecorded = true;
      if (isRefused && isCounted(placeOf(ctx), access, ctx.status)) return undefined;
      if (access.isOfPerson) access.refusal ??= usualIssues[ctx.status] ?? 'invalid';
      if (access.findCaller) return recordNamed(access, ctx.status);
      const facts = unrecordedFacts(access, ctx.status);
      return facts.length > 0 ? trail.record(access.tenantId, facts) : undefined;
    },
    async refused(ctx, error) {
      const place = placeOf(ctx);
      if (place.tenantName === undefined) return;
      const access = ctx.state.access ?? accessOf(ctx, place, now);
      if (access.isRecorded) return;
      access.isRecorded = true;
      access.tenantId ??= (await findTenant(place.tenantName))?.id;
      if (access.tenantId === undefined || isCounted(place, access, error.status)) return;
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

/** A password or a code that is not looked at any more after too many wrong ones, or cannot be at this moment. */
function isUnheard({ isOfPerson, refusal }: RequestAccess, status: number): boolean {
  return isOfPerson && refusal === undefined && (status === 429 || status === 503);
}

/** Of pages that say no more than their status. */
const usualIssues: Readonly<Record<number, IssueCode>> = {
  403: 'forbidden',
  404: 'not-found',
  405: 'not-supported',
  409: 'conflict',
  410: 'expired',
  413: 'too-long',
};

interface Place {
  /** Undefined where nothing is put on record. */
  readonly tenantName?: string;
  /** Below the FHIR base; at the other doors whole, with a slash at its start. */
  readonly path: string;
  readonly isBesideFhir?: boolean;
  /** In the query there may be a token or a password, of whoever does not know better. */
  readonly hasSecrets?: boolean;
}

function placeOf({ method, path }: Pick<HttpContext, 'method' | 'path'>): Place {
  if (method === 'OPTIONS') return { path: '' };
  const [, name, below = ''] = onRecord.exec(path) ?? [];
  if (name !== undefined) return { tenantName: decoded(name), path: below };
  const [door, tenantName = systemTenantName] = administration.exec(path) ?? [];
  if (door !== undefined) return { tenantName: decoded(tenantName), path, isBesideFhir: true };
  const [, issuer, atIssuer = ''] = ofTenant.exec(path) ?? [];
  if (issuer === undefined || purposeOf(atIssuer) === 'documents') return { path: '' };
  return { tenantName: decoded(issuer), path, isBesideFhir: true, hasSecrets: true };
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

/** From here on what admission learns of the request is noted; an answer is put on record as a call of this door. */
export function beginBesideFhir(ctx: HttpContext, now: () => Date): RequestAccess {
  const access = accessOf(ctx, placeOf(ctx), now);
  access.interaction = 'operation';
  ctx.state.access = access;
  return access;
}

function accessOf(ctx: HttpContext, { path, hasSecrets }: Place, now: () => Date): RequestAccess {
  const origin = originOf(ctx, path, now);
  return new RequestAccess(hasSecrets ? { ...origin, query: '' } : origin);
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
