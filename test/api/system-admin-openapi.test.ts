// GET /openapi.json describes both administration APIs, and exactly the routes there are: https://spec.openapis.org/oas/v3.1.1 (issue 6, Tenants)

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Router from '@koa/router';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { createTenantAdmin, type TenantAdminOptions } from '../../src/http/admin/tenant-admin.ts';
import { type AdminRoutesOptions, createAdminRoutes } from '../../src/http/admin-routes.ts';
import type { HttpState } from '../../src/http/middleware/request-state.ts';
import { routerPath } from '../../src/http/mount-admin-routes.ts';
import { createSystemAdminRoutes, type SystemAdminOptions } from '../../src/http/system-admin/system-admin-routes.ts';
import { send, startTestServer, type TestServer } from '../support/server.ts';

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly $ref?: string; readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: object }> };
  readonly responses: Record<
    string,
    { readonly content?: Record<string, { readonly schema: object }>; readonly headers?: object }
  >;
}

let server: TestServer;
let document: {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: Record<string, Record<string, unknown>>;
};
beforeAll(async () => {
  server = await startTestServer();
  const answer = await send(`${server.origin}/openapi.json`, 'GET');
  expect([answer.status, answer.headers.get('Content-Type')]).toEqual([200, 'application/json; charset=utf-8']);
  document = answer.json;
});
afterAll(() => server.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, byMethod]) =>
    Object.entries(byMethod).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );

/** What https://spec.openapis.org/oas/3.1/schema asks of the members this document has. */
const description = { type: 'string', minLength: 1 };
const content = {
  type: 'object',
  minProperties: 1,
  propertyNames: { pattern: '^[a-z]+/[a-z0-9.+-]+$' },
  additionalProperties: { type: 'object', required: ['schema'], properties: { schema: { type: 'object' } } },
};
const response = {
  type: 'object',
  required: ['description'],
  properties: { description, content, headers: { type: 'object', minProperties: 1 } },
  additionalProperties: false,
};
const reference = {
  type: 'object',
  required: ['$ref'],
  properties: { $ref: { type: 'string' } },
  additionalProperties: false,
};
const parameter = {
  type: 'object',
  required: ['name', 'in', 'schema'],
  properties: {
    ...{ name: { type: 'string' }, in: { enum: ['path', 'query', 'header'] }, description },
    ...{ required: { type: 'boolean' }, schema: { type: 'object' } },
  },
  if: { properties: { in: { const: 'path' } } },
  // biome-ignore lint/suspicious/noThenProperty: it is the keyword of JSON Schema.
  then: { required: ['required'], properties: { required: { const: true } } },
  additionalProperties: false,
};
const operation = {
  type: 'object',
  required: ['operationId', 'summary', 'responses'],
  properties: {
    ...{ operationId: { type: 'string', pattern: '^[a-z][A-Za-z]+$' }, summary: description, description },
    tags: { type: 'array', items: { type: 'string' } },
    parameters: { type: 'array', items: { anyOf: [reference, parameter] } },
    requestBody: {
      type: 'object',
      required: ['content'],
      properties: { required: { type: 'boolean' }, content },
      additionalProperties: false,
    },
    responses: {
      type: 'object',
      minProperties: 1,
      propertyNames: { pattern: '^([1-5][0-9]{2}|default)$' },
      additionalProperties: { anyOf: [reference, response] },
    },
  },
  additionalProperties: false,
};
const metaSchema = {
  type: 'object',
  required: ['openapi', 'info', 'paths'],
  properties: {
    openapi: { type: 'string', pattern: '^3\\.1\\.\\d+$' },
    info: { type: 'object', required: ['title', 'version'] },
    servers: { type: 'array', items: { type: 'object', required: ['url'] } },
    tags: { type: 'array', items: { type: 'object', required: ['name'] } },
    security: { type: 'array', items: { type: 'object', additionalProperties: { type: 'array' } } },
    paths: {
      type: 'object',
      propertyNames: { pattern: '^/' },
      additionalProperties: {
        type: 'object',
        propertyNames: { enum: ['get', 'put', 'post', 'delete', 'patch'] },
        additionalProperties: operation,
      },
    },
    components: {
      type: 'object',
      properties: {
        parameters: { type: 'object', additionalProperties: parameter },
        responses: { type: 'object', additionalProperties: response },
        securitySchemes: { type: 'object', additionalProperties: { type: 'object', required: ['type'] } },
      },
    },
  },
  additionalProperties: false,
};

describe('the document', () => {
  test('has the members that OpenAPI 3.1 asks for, and no others', () => {
    const validate = new Ajv2020({ strict: false, allErrors: true }).compile(metaSchema);
    validate(document);
    expect(validate.errors ?? []).toEqual([]);
  });

  test('holds only schemas of JSON Schema 2020-12, and references that lead somewhere', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    for (const { operation: one } of operations()) {
      const bodies = [one.requestBody, ...Object.values(one.responses)].flatMap((part) =>
        Object.values(part?.content ?? {}),
      );
      for (const { schema } of bodies) expect(ajv.validateSchema(schema)).toBe(true);
    }
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
      ([, pointer = '']) => pointer,
    );
    expect(references.length).toBeGreaterThan(0);
    for (const pointer of references) {
      const found = pointer
        .split('/')
        .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
      expect(found).toBeDefined();
    }
  });

  test('names each operation once, and the parameters of its path', () => {
    const ids = operations().map(({ operation: { operationId } }) => operationId);
    expect(ids).toEqual([...new Set(ids)]);
    for (const { path, operation: one } of operations()) {
      const named = one.parameters.filter((each) => each.in === 'path').map(({ name }) => name);
      expect(named).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    }
  });

  test('tells which answers have an ETag, and which changes take it as If-Match', () => {
    const told = operations()
      .filter(({ operation: { parameters } }) => parameters.some(({ $ref }) => $ref?.endsWith('/IfMatch')))
      .map(({ operation: { operationId } }) => operationId);
    expect(told.sort()).toEqual(
      ['changeClient', 'changeDepartment', 'changeIdentityProvider', 'changeStaff', 'deleteIdentityProvider']
        .concat('disableClient', 'endTaxRule', 'putNumberSeries', 'putRole', 'putSetting')
        .sort(),
    );
    const headersOf = (path: string) => Object.keys(document.paths[path]?.get?.responses['200']?.headers ?? {});
    expect(headersOf('/t/{tenant}/admin/staff/{id}')).toEqual(['ETag']);
    expect(headersOf('/t/{tenant}/admin/staff')).toEqual(['Link']);
    expect(headersOf('/admin/tenants/{name}')).toEqual([]);
  });

  test('names every route of both APIs, and nothing that is none', () => {
    const router = new Router<HttpState>();
    const nothing = { admit: { publicUrl: '' } } as unknown;
    createAdminRoutes(router, nothing as AdminRoutesOptions);
    createTenantAdmin(router, nothing as TenantAdminOptions);
    createSystemAdminRoutes(router, nothing as SystemAdminOptions);
    const routed = router.stack.flatMap(({ path, methods }) =>
      methods.filter((method) => method !== 'HEAD').map((method) => `${method} ${String(path)}`),
    );
    const described = operations().map(({ path, method }) => `${method} ${routerPath(path)}`);
    expect(described.sort()).toEqual(routed.sort());
  });

  test('says nothing that is not so: each URL answers 401 without a token', async () => {
    for (const { path, method } of operations()) {
      const url = server.origin + path.replace('{tenant}', 'clinic-a').replace(/\{\w+\}/g, 'x');
      const answer = await send(url, method);
      expect([method, path, answer.status]).toEqual([method, path, 401]);
    }
  });
});
