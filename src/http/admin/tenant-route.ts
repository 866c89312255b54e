// What every route of a tenant's administration API goes through: one transaction with its AuditEvent, If-Match, ETag.

import { createHash } from 'node:crypto';
import type { Caller } from '../../access/caller.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { takeTurn } from '../../people/last-administrator.ts';
import { inSession, type Repository, type Session } from '../../repository/session.ts';
import type { AdminAnswer, AdminRequest, AdminRoute } from '../admin-route.ts';
import { recordAdminAct } from './admin-audit.ts';

export interface TenantAdmin {
  readonly caller: Caller;
  readonly repository: Repository;
  /** URL of the tenant's administration API. */
  readonly base: string;
  /** The header. */
  readonly ifMatch: string;
}

export interface TenantAdminCall extends AdminRequest {
  readonly session: Session;
  readonly base: string;
}

type Run = (call: TenantAdminCall) => Promise<AdminAnswer>;

export interface TenantRoute extends Omit<AdminRoute<TenantAdmin>, 'run' | 'hasETag' | 'takesIfMatch'> {
  readonly run: Run;
  /** Answers what If-Match is about, as GET does; absent where there is nothing to match. */
  readonly current?: Run;
}

export function tenantRoute({ run, current, ...route }: TenantRoute): AdminRoute<TenantAdmin> {
  const isRead = route.method === 'GET';
  const takesIfMatch = current !== undefined;
  const hasETag = isRead || takesIfMatch;
  return {
    ...route,
    hasETag,
    takesIfMatch,
    async run({ caller, repository, base, ifMatch }, request, open) {
      const work = async (session: Session) => {
        const call = { ...request, session, base };
        // Who reads before it writes, as most do, then writes over what it has read.
        if (!isRead) await takeTurn(session.trx);
        if (current && ifMatch !== '') await requireMatch(ifMatch, call, current);
        const done = await run(call);
        const path = pathOf(route.path, request);
        recordAdminAct(session, {
          act: route.operationId,
          method: route.method,
          path: createdPath(done, base) ?? path,
        });
        return tagged(done, hasETag);
      };
      return open ? await work(open) : await inSession(repository, caller, work);
    },
  };
}

export interface Page<Row> {
  readonly path: string;
  /** One more than the limit where there are more. */
  readonly rows: readonly Row[];
  readonly limit: number;
  readonly idOf: (row: Row) => string;
  readonly view: (row: Row) => object;
}

/** A list, and where it goes on: https://www.rfc-editor.org/rfc/rfc8288 */
export function listed<Row>(
  { base, query }: Pick<TenantAdminCall, 'base' | 'query'>,
  { path, rows, limit, idOf, view }: Page<Row>,
): AdminAnswer {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const body = shown.map(view);
  if (rows.length <= limit || last === undefined) return { status: 200, body };
  const asked = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const next = new URLSearchParams([...asked.filter(([name]) => name !== 'after'), ['after', idOf(last)]]);
  return { status: 200, body, headers: { Link: `<${base}${path}?${next}>; rel="next"` } };
}

/** 201 with the place of what was made. */
export function created({ base }: Pick<TenantAdminCall, 'base'>, path: string, body: object): AdminAnswer {
  return { status: 201, headers: { Location: base + path }, body };
}

async function requireMatch(ifMatch: string, call: TenantAdminCall, current: Run): Promise<void> {
  const etag = tagged(await current(call), true).headers?.ETag;
  const asked = ifMatch.split(',').map((one) => one.trim());
  if (asked.includes('*') || asked.includes(etag ?? '')) return;
  throw fhirError('conflict', 'If-Match names another version than the current one; read it and try again.', {
    status: 412,
  });
}

function tagged(answer: AdminAnswer, isWhole: boolean): AdminAnswer {
  const { body, headers } = answer;
  if (!isWhole || body === undefined || Array.isArray(body)) return answer;
  const hash = createHash('sha256').update(JSON.stringify(body)).digest('base64url').slice(0, 22);
  return { ...answer, headers: { ...headers, ETag: `W/"${hash}"` } };
}

/** Below the base of the API, with what was asked there, as URLs have it: no text of FHIR, as AuditEvents are, holds control characters. */
export function pathOf(path: string, { params, query }: Pick<AdminRequest, 'params' | 'query'>): string {
  const named = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const asked = Object.entries(query).map(([name, value = '']): [string, string] => [name, value]);
  return asked.length === 0 ? named : `${named}?${new URLSearchParams(asked)}`;
}

/** Of what was made; undefined where nothing was. */
export function createdPath({ status, headers }: AdminAnswer, base: string): string | undefined {
  return status === 201 ? headers?.Location?.slice(base.length) : undefined;
}
