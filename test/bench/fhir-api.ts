// The server's FHIR API for what the bench does outside the measured time, with a token that is never older than a minute.

import { readFileSync } from 'node:fs';
import { Pool, request } from 'undici';
import type { Connection } from '../../src/commands/demo/fhir-client.ts';
import { type Answer, requireStatus, send } from './driver.ts';

export interface FhirApi {
  readonly origin: string;
  /** The path of the FHIR base. */
  readonly basePath: string;
  readonly tenant: string;
  readonly clientId: string;
  authorization(): Promise<string>;
  /** Of a token that was never used. */
  freshAuthorization(): Promise<string>;
  /** `path` begins below the FHIR base. */
  call(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown): Promise<Answer>;
  /** The parsed body of an answer of this status. */
  ask<T>(method: 'GET' | 'POST' | 'PUT', path: string, status: number, body?: unknown): Promise<T>;
  /** The same read with another authorization. */
  readAs(authorization: string, path: string): Promise<void>;
  close(): Promise<void>;
}

const tokenAgeMaxMs = 60_000;
/** Callers that wait for each answer use one. */
const connectionsMax = 16;

export function openFhirApi(connectionFile: string): FhirApi {
  const connection = JSON.parse(readFileSync(connectionFile, 'utf8')) as Connection;
  const { origin, pathname: basePath } = new URL(connection.fhirBaseUrl);
  const client = new Pool(origin, { connections: connectionsMax, pipelining: 1 });
  let token = { text: '', gotAtMs: Number.NEGATIVE_INFINITY };
  const authorization = async () => {
    if (performance.now() - token.gotAtMs > tokenAgeMaxMs) {
      token = { text: await fetchToken(connection), gotAtMs: performance.now() };
    }
    return `Bearer ${token.text}`;
  };
  const call: FhirApi['call'] = async (method, path, body) =>
    send(client, await authorization(), {
      method,
      path: basePath + path,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return {
    origin,
    basePath,
    tenant: connection.tenant,
    clientId: connection.clientId,
    authorization,
    freshAuthorization: async () => `Bearer ${await fetchToken(connection)}`,
    call,
    async readAs(authorizationOf, path) {
      const call = { method: 'GET' as const, path: basePath + path };
      requireStatus({ ...call, status: 200 }, await send(client, authorizationOf, call));
    },
    async ask<T>(method: 'GET' | 'POST' | 'PUT', path: string, status: number, body?: unknown) {
      const answer = await call(method, path, body);
      requireStatus({ method, path, status }, answer);
      return JSON.parse(answer.body()) as T;
    },
    close: () => client.close(),
  };
}

/** https://www.rfc-editor.org/rfc/rfc6749#section-4.4 */
async function fetchToken({ tokenUrl, clientId, clientSecret }: Connection): Promise<string> {
  const { statusCode, body } = await request(tokenUrl, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials&scope=system%2F*.cruds',
  });
  const answer = (await body.json()) as { access_token?: string };
  if (answer.access_token === undefined) throw new Error(`The token endpoint answered ${statusCode}.`);
  return answer.access_token;
}
