// A request that runs in the background, as it is kept: who asks, for what, and what it was answered.

import type { Caller, Grant, Permission } from '../../access/caller.ts';
import type { SealedColumn } from '../../crypto/sealed-column.ts';
import type { TenantCipher } from '../../crypto/tenant-cipher.ts';
import { parseJson, serializeJson } from '../../fhir/json.ts';
import type { InteractionRequest, RequestMethod } from '../interaction.ts';
import type { RequestOrigin } from '../request-access.ts';

export interface BackgroundRequest {
  readonly caller: Caller;
  readonly method: RequestMethod;
  /** Below the FHIR base, without a slash at its start. */
  readonly path: string;
  readonly baseUrl: string;
  readonly query: readonly (readonly [string, string])[];
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body: string | undefined;
  /** Where it came from, for the record. */
  readonly from?: Pick<RequestOrigin, 'requestId' | 'address'>;
}

/** What an interaction may ask for of a request's headers. */
const keptHeaders = ['Prefer', 'Content-Type', 'If-Match', 'If-None-Match', 'If-Modified-Since', 'If-None-Exist'];

export function toBackground(caller: Caller, path: string, request: InteractionRequest): BackgroundRequest {
  const headers: Record<string, string> = {};
  for (const name of keptHeaders) {
    const value = request.header(name);
    if (value !== undefined) headers[name] = value;
  }
  const { method, baseUrl, query, body, access } = request;
  return {
    ...(access && { from: { requestId: access.origin.requestId, address: access.origin.address } }),
    caller,
    method,
    path,
    baseUrl,
    query: [...query],
    headers,
    body: body && serializeJson(body.value, body.exactNumbers),
  };
}

/** The request as interactions know it; `params` are the named parts of the path. */
export function fromBackground(
  request: BackgroundRequest,
  params: Readonly<Record<string, string>>,
): InteractionRequest {
  const { method, baseUrl, query, headers, body } = request;
  const { type = '', id = '', versionId = '' } = params;
  return {
    method,
    baseUrl,
    type,
    id,
    versionId,
    params,
    query: new URLSearchParams(query as [string, string][]),
    body: body === undefined ? undefined : parseJson(body),
    header: (name) => headers[name],
  };
}

const requestContext = (id: string) => `async request|${id}`;
const answerContext = (id: string) => `async answer|${id}`;

export const requestColumns = Object.entries({ request: requestContext, answer: answerContext }).map(
  ([column, contextOf]): SealedColumn => ({
    ...{ table: 'async_request', column, key: [{ name: 'id', type: 'uuid' }] },
    contextOf: ([id = '']) => contextOf(id),
  }),
);

export function sealRequest(cipher: TenantCipher, id: string, request: BackgroundRequest): Buffer {
  const { caller, ...rest } = request;
  const grants = caller.grants.map((grant) => ({ ...grant, permissions: [...grant.permissions] }));
  const { operations } = caller;
  const sets = { grants, roles: [...caller.roles], ...(operations && { operations: [...operations] }) };
  const text = JSON.stringify({ ...rest, caller: { ...caller, ...sets } });
  return cipher.seal(Buffer.from(text), requestContext(id));
}

export function openRequest(cipher: TenantCipher, id: string, box: Buffer): BackgroundRequest {
  const { caller, ...rest } = JSON.parse(cipher.open(box, requestContext(id)).toString()) as Kept;
  const grants = caller.grants.map((grant) => ({ ...grant, permissions: new Set(grant.permissions) }));
  const { operations } = caller;
  const sets = { grants, roles: new Set(caller.roles), ...(operations && { operations: new Set(operations) }) };
  return { ...rest, body: rest.body, caller: { ...caller, ...sets } as Caller };
}

/** Sets have no JSON. */
type Kept = Omit<BackgroundRequest, 'caller'> & {
  readonly caller: Omit<Caller, 'grants' | 'roles' | 'operations'> & {
    readonly grants: readonly (Omit<Grant, 'permissions'> & { readonly permissions: readonly Permission[] })[];
    readonly roles: readonly string[];
    readonly operations?: readonly string[];
  };
};

/** The answer is the text of a Bundle's entry: its response and, where there is one, the resource. */
export function sealAnswer(cipher: TenantCipher, id: string, entry: string): Buffer {
  return cipher.seal(Buffer.from(entry), answerContext(id));
}

export function openAnswer(cipher: TenantCipher, id: string, box: Buffer): string {
  return cipher.open(box, answerContext(id)).toString();
}
