// What the authorization server notes of a client's request, of which its AuditEvent is made before it is answered (security.md 122).

import type { LoginFacts } from '../access/access-facts.ts';
import type { Caller } from '../access/caller.ts';
import type { Account } from '../people/accounts.ts';
import { findClient } from '../people/clients.ts';
import type { OidcContext } from './oidc-provider.ts';
import { findPerson, identityOf, type Person, type PersonContext } from './person.ts';
import type { IssuerUrls } from './urls.ts';
import { oauthPaths } from './urls.ts';

/** Filled in where requests are put on record: http/request-access.ts. */
export interface RequestNotes {
  caller: Caller | undefined;
  /** Asked for only when the request is told by itself. */
  findCaller: (() => Promise<Caller | undefined>) | undefined;
  login: LoginFacts | undefined;
  refusal: string | undefined;
}

interface Noting {
  readonly state: { readonly access?: RequestNotes };
  readonly status: number;
  readonly body: unknown;
}

export interface ClientRequest {
  readonly path: string;
  readonly form: URLSearchParams;
  /** Before anything is proven. */
  readonly claimedId: string | undefined;
  /** Absent where oidc-provider was not asked. */
  readonly inner: OidcContext | undefined;
}

type RecordContext = PersonContext & { readonly urls: IssuerUrls };

export function noteCaller(ctx: Pick<Noting, 'state'>, caller: Caller): void {
  if (ctx.state.access) ctx.state.access.caller = caller;
}

/** As OAuth tells it: https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
export function noteRefusal({ state, body }: Noting): void {
  if (state.access) state.access.refusal ??= errorIn(body);
}

function errorIn(body: unknown): string | undefined {
  const { error } = (body ?? {}) as { readonly error?: unknown };
  return typeof error === 'string' ? error : undefined;
}

/** To be called when the answer is known. */
export function noteClientRequest(context: RecordContext, ctx: Noting, request: ClientRequest): void {
  const notes = ctx.state.access;
  if (!notes) return;
  notes.login = loginOf(ctx, request);
  notes.findCaller = async () => {
    const client = await findNamed(context, request);
    return client && (await withPerson(context, request, client));
  };
}

/** What cannot be one (RFC 6749, appendix A.10) is not kept: no text of FHIR holds control characters, and XML cannot say them. */
const grantTypeSyntax = /^[!-~]{1,100}/;

function loginOf({ status, body }: Noting, { path, form, inner }: ClientRequest): LoginFacts | undefined {
  const [grantType] = grantTypeSyntax.exec(form.get('grant_type') ?? '') ?? [];
  const at = path === oauthPaths.token && grantType ? { grantType } : {};
  if (reuseIn(inner)) return { act: 'reuse', ...at };
  // Whoever does not prove who he is has not come in, at whichever of these addresses he tries.
  if (path === oauthPaths.token || status === 429 || errorIn(body) === 'invalid_client') return { act: 'login', ...at };
  return path === oauthPaths.revocation ? { act: 'logout' } : undefined;
}

interface Named {
  readonly clientId: string;
  readonly name: string;
  readonly roles: readonly string[];
}

/** What nobody is called is not kept: it may be a password in the wrong place. */
async function findNamed(context: RecordContext, { claimedId, inner }: ClientRequest): Promise<Named | undefined> {
  const found = clientIn(inner);
  if (found || claimedId === undefined) return found;
  const { tenantId, tenantDoor, keyRing } = context;
  const cipher = await keyRing.cipherOf(tenantId);
  return await tenantDoor(tenantId, (trx) => findClient(trx, cipher, claimedId), 'read');
}

/** Whom oidc-provider has found. */
export function clientIn(inner: OidcContext | undefined): Named | undefined {
  const { Client: found } = (inner?.oidc.entities ?? {}) as { readonly Client?: OidcContext['oidc']['client'] };
  return found && { clientId: found.clientId, name: found.clientName ?? '', roles: found.registered_roles };
}

/** For a person comes the app that the person has let in; what is used twice the person has not sent, or not both times. */
async function withPerson(context: RecordContext, { path, inner }: ClientRequest, client: Named): Promise<Caller> {
  const caller = callerOf(context.tenantId, client);
  if (path !== oauthPaths.token || !inner) return caller;
  const reuse = reuseIn(inner);
  if (inner.status !== 200 && !reuse) return caller;
  const { Account: known, AccessToken: issued } = inner.oidc.entities;
  const accountId = reuse?.accountId ?? issued?.accountId;
  const person = (known as Person | undefined) ?? (accountId ? await findPerson(context, accountId) : undefined);
  if (!person) return caller;
  const { account } = person;
  const { id, practitioner } = account;
  if (reuse) return { ...caller, accountId: id, ...(practitioner !== undefined && { fhirUser: practitioner }) };
  return callerOfAccount(context.tenantId, account, client.clientId);
}

/** For its record alone. */
export function callerOfAccount(tenantId: number, account: Account, clientId: string): Caller {
  return { ...identityOf(tenantId, account, clientId), ...noRights };
}

const noRights = { grants: [] } as const;

/** For its record alone. */
export function callerOf(tenantId: number, { clientId, name, roles }: Named): Caller {
  const agent = { reference: `Device/${clientId}`, display: name };
  return { ...{ tenantId, clientId, kind: 'client', agent, roles: new Set(roles) }, ...noRights };
}

export interface Reuse {
  /** Whose access it was. */
  readonly accountId: string | undefined;
}

/** Left by the adapter (record-adapter.ts). */
function reuseIn(inner: OidcContext | undefined): Reuse | undefined {
  return inner?.state.reuse as Reuse | undefined;
}
