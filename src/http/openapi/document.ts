// The OpenAPI document of the administration APIs, made from the tables their routes are made from: https://spec.openapis.org/oas/v3.1.1

import type { AdminRoute, JsonSchema } from '../admin-route.ts';
import { software } from '../capabilities/software.ts';

/** What the document says of a route; one that takes no JSON says as what its body comes. */
export type DescribedRoute = Omit<AdminRoute<never>, 'run'> & { readonly bodyContentType?: string };

export interface DescribedApi {
  /** `/admin` or `/t/{tenant}/admin`. */
  readonly base: string;
  readonly tag: string;
  readonly description: string;
  readonly routes: readonly DescribedRoute[];
}

export function openapiDocument(publicUrl: string, apis: readonly DescribedApi[]): JsonSchema {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const api of apis) {
    for (const route of api.routes) {
      const path = api.base + route.path;
      paths[path] ??= {};
      paths[path][route.method.toLowerCase()] = operation(api, route);
    }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'HPMS administration',
      version: software.version,
      description:
        'What is no FHIR resource: tenants, people, clients, settings. The FHIR API describes itself at `metadata`.',
    },
    servers: [{ url: publicUrl }],
    tags: apis.map(({ tag, description }) => ({ name: tag, description })),
    security: [{ bearer: [] }],
    paths,
    components,
  };
}

function operation({ base, tag }: DescribedApi, route: DescribedRoute) {
  const { operationId, summary, description, answers } = route;
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    parameters: [...pathParameters(base + route.path), ...queryParameters(route), ...headerParameters(route)],
    ...requestBody(route),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, response(answer)])),
      default: { $ref: '#/components/responses/Refused' },
    },
  };
}

function pathParameters(path: string) {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters({ query = {} }: DescribedRoute) {
  return Object.entries(query).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    description,
    schema,
  }));
}

function headerParameters({ method, body }: DescribedRoute) {
  return method === 'POST' && body ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : [];
}

function requestBody({ body, bodyContentType }: DescribedRoute) {
  const contentType = bodyContentType ?? (body && 'application/json');
  if (contentType === undefined) return {};
  return { requestBody: { required: true, content: { [contentType]: { schema: body ?? {} } } } };
}

function response({ description, schema, contentType }: DescribedRoute['answers'][number]) {
  if (contentType !== undefined) return { description, content: { [contentType]: { schema: { type: 'string' } } } };
  return { description, ...(schema && { content: { 'application/json': { schema } } }) };
}

const components = {
  securitySchemes: {
    bearer: {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description: 'An access token of the tenant; for `/admin` of the tenant `system`.',
    },
  },
  parameters: {
    IdempotencyKey: {
      name: 'Idempotency-Key',
      in: 'header',
      description: 'The same key and body get the first answer again for 24 hours; another body gets 422.',
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    },
  },
  responses: {
    Refused: {
      description:
        'Refused: 400 what cannot be read, 401 no good token, 403 no right, 404 not there, 405, 409 a clash, 413 and 415 ' +
        'the body, 422 what must not be, 429 too many, 503 try again.',
      content: { 'application/fhir+json': { schema: { $ref: '#/components/schemas/OperationOutcome' } } },
    },
  },
  schemas: {
    OperationOutcome: {
      type: 'object',
      required: ['resourceType', 'issue'],
      properties: {
        resourceType: { const: 'OperationOutcome' },
        issue: {
          type: 'array',
          items: {
            type: 'object',
            required: ['severity', 'code'],
            properties: {
              severity: { type: 'string', enum: ['fatal', 'error', 'warning', 'information'] },
              code: { type: 'string' },
              diagnostics: { type: 'string', description: 'A sentence a person can act on.' },
              expression: { type: 'array', items: { type: 'string' }, description: 'The member at fault.' },
            },
          },
        },
      },
    },
  },
};
