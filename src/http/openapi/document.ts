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
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [status, response(route, status, answer)]),
      ),
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

function headerParameters({ method, body, takesIfMatch }: DescribedRoute) {
  return [
    ...(method === 'POST' && body ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
    ...(takesIfMatch ? [{ $ref: '#/components/parameters/IfMatch' }] : []),
  ];
}

function requestBody({ body, bodyContentType }: DescribedRoute) {
  const contentType = bodyContentType ?? (body && 'application/json');
  if (contentType === undefined) return {};
  return { requestBody: { required: true, content: { [contentType]: { schema: body ?? {} } } } };
}

function response(route: DescribedRoute, status: string, answer: DescribedRoute['answers'][number]) {
  const { description, schema, contentType } = answer;
  if (contentType !== undefined) return { description, content: { [contentType]: { schema: { type: 'string' } } } };
  const headers = headersOf(route, status, schema);
  return {
    description,
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(schema && { content: { 'application/json': { schema } } }),
  };
}

function headersOf({ hasETag, query }: DescribedRoute, status: string, schema: JsonSchema | undefined) {
  const isList = schema?.type === 'array';
  return {
    ...(hasETag && schema && !isList && { ETag: { $ref: '#/components/headers/ETag' } }),
    ...(status === '201' && { Location: { $ref: '#/components/headers/Location' } }),
    ...(isList && query?.after && { Link: { $ref: '#/components/headers/Link' } }),
  };
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
    IfMatch: {
      name: 'If-Match',
      in: 'header',
      description: 'The ETag that was read, or `*`: 412 where there is another version by now.',
      schema: { type: 'string' },
    },
  },
  headers: {
    ETag: { description: 'What If-Match of a change may name.', schema: { type: 'string' } },
    Location: { description: 'Where it is.', schema: { type: 'string' } },
    Link: { description: 'The next page as `rel="next"`, where there is one.', schema: { type: 'string' } },
  },
  responses: {
    Refused: {
      description:
        'Refused: 400 what cannot be read, 401 no good token, 403 no right, 404 not there, 405, 409 a clash, 412 ' +
        'another version, 413 and 415 the body, 422 what must not be, 429 too many, 503 try again.',
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
