// How tests call the administration API of a tenant, each answer held to the schema that its route gives.

import { afterAll, beforeAll, expect } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { adminRoutes } from '../../src/http/admin/routes.ts';
import { send, startTestServer, type TestResponse, type TestServer, type TestTenant } from '../support/server.ts';
import { expectNoFailure } from './refusals.ts';

export type AdminRequests = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<TestResponse>;

const ajv = new Ajv2020({ validateFormats: false, allowUnionTypes: true });

export interface AdminServer {
  /** From `beforeAll` on. */
  readonly server: TestServer;
  /** As the first clients of `clinic-a` and `clinic-b`. */
  readonly a: AdminRequests;
  readonly b: AdminRequests;
}

/** A server for the tests of the file, which must not fail in any of them. */
export function useAdminServer(): AdminServer {
  let server: TestServer | undefined;
  const started = () => {
    if (!server) throw new Error('The server is started before the first test.');
    return server;
  };
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(async () => {
    expectNoFailure(started().logLines);
    await started().close();
  });
  return {
    get server() {
      return started();
    },
    a: (...call) => adminOf(started(), started().a)(...call),
    b: (...call) => adminOf(started(), started().b)(...call),
  };
}

/** With the token of the tenant's first client, unless another one is given. */
export function adminOf(server: TestServer, tenant: TestTenant, token = tenant.token): AdminRequests {
  return async (method, path, body, headers = {}) => {
    const answer = await send(`${server.origin}/t/${tenant.name}/admin${path}`, method, body, {
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      Authorization: `Bearer ${token}`,
      ...headers,
    });
    if (answer.status < 300) expectDescribed(method, path, answer);
    return answer;
  };
}

function expectDescribed(method: string, path: string, { status, json, text, headers }: TestResponse): void {
  const [bare = ''] = path.split('?');
  const route = adminRoutes.find(
    (one) => one.method === method && new RegExp(`^${one.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(bare),
  );
  const described = route?.answers[status];
  expect({ method, path, status, isDescribed: described !== undefined }).toMatchObject({ isDescribed: true });
  const isTagged = route?.hasETag === true && described?.schema !== undefined && !Array.isArray(json);
  expect({ path, isTagged: headers.has('ETag') }).toEqual({ path, isTagged });
  if (!described?.schema) expect(text).toBe('');
  else {
    const validate = ajv.compile(described.schema);
    expect({ valid: validate(json), errors: validate.errors }).toEqual({ valid: true, errors: null });
  }
}
