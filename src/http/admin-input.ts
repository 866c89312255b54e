// What a request to an administration API may carry, checked by the schemas of its route: https://json-schema.org/draft/2020-12

import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { parseJson } from '../fhir/json.ts';
import { FhirError, fhirError, type Issue } from '../fhir/outcome.ts';
import type { AdminRequest, AdminRoute, JsonSchema } from './admin-route.ts';
import type { FhirContext } from './admit.ts';
import { decoderOf } from './content-coding.ts';
import { parseMediaType } from './media-type.ts';
import { decodeText, readBody } from './read-body.ts';

export interface AdminInput {
  readonly request: AdminRequest;
  /** As sent. */
  readonly bytes: Buffer;
}

export type ReadInput = (ctx: FhirContext) => Promise<AdminInput>;

const bodyBytesMax = 1_000_000;
/** Schemas are our own and the same in the draft this reads and in that of OpenAPI; its meta schemas would only take memory. */
const ajv = new Ajv({ allErrors: true, validateSchema: false, meta: false, strict: false });

/**
 * What it gives throws 404 for what no path has, 400 for the query and for a body of the wrong shape, 413, 415, and 422 with
 * what is wrong where.
 */
export function createReadInput(route: Pick<AdminRoute<never>, 'query' | 'body'>): ReadInput {
  const checkQuery = compileOnce({ type: 'object', properties: route.query ?? {}, additionalProperties: false });
  const checkBody = route.body && compileOnce(route.body);
  return async (ctx) => {
    const query = readQuery(ctx);
    const params = ctx.params as Readonly<Record<string, string>>;
    requirePlainText(params, query);
    const faults = checkQuery(query);
    if (faults.length > 0) throw new FhirError(faults, { status: 400 });
    if (!checkBody) return { request: { params, query, body: undefined }, bytes: Buffer.alloc(0) };
    const bytes = await receive(ctx);
    const body = parse(bytes);
    const wrong = checkBody(body);
    if (wrong.length > 0) throw new FhirError(wrong);
    return { request: { params, query, body }, bytes };
  };
}

function readQuery(ctx: FhirContext): Record<string, string> {
  const query: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(ctx.querystring)) {
    if (name in query) throw fhirError('invalid', 'A parameter of the query is given more than once.');
    query[name] = value;
  }
  return query;
}

/** PostgreSQL keeps no NUL, and no id, code or name has one; of a body the parser refuses it. */
function requirePlainText(params: Readonly<Record<string, string>>, query: Readonly<Record<string, string>>): void {
  if (Object.values(params).some((value) => value.includes('\0'))) {
    throw fhirError('not-found', 'There is nothing at this URL.');
  }
  if (!Object.values(query).some((value) => value.includes('\0'))) return;
  throw fhirError('value', 'No text here can hold the character NUL.');
}

async function receive(ctx: FhirContext): Promise<Buffer> {
  const { name } = parseMediaType(ctx.get('Content-Type'));
  if (name !== 'application/json' && name !== 'application/fhir+json') {
    throw fhirError('not-supported', 'Send the body as JSON, with Content-Type application/json.', { status: 415 });
  }
  return await readBody(ctx.req, {
    limitBytes: bodyBytesMax,
    decoder: decoderOf(ctx.req.headers['content-encoding']),
  });
}

function parse(bytes: Buffer): unknown {
  if (bytes.length === 0) throw fhirError('structure', 'The body is empty.');
  return parseJson(decodeText(bytes)).value;
}

type Check = (value: unknown) => Issue[];

/** At the first request: few of them are ever asked of one process. */
function compileOnce(schema: JsonSchema): Check {
  let validate: ValidateFunction | undefined;
  return (value) => {
    validate ??= ajv.compile(schema);
    if (validate(value)) return [];
    const malformedFirst = (validate.errors ?? []).toSorted(
      (one, other) => Number(isMalformed(other)) - Number(isMalformed(one)),
    );
    return malformedFirst.slice(0, issuesMax).map(toIssue);
  };
}

const issuesMax = 20;

/** Of the wrong shape, whatever the values mean: 400 (contract.md 4). It comes first, for the first issue decides the status. */
function isMalformed({ keyword }: ErrorObject): boolean {
  return keyword === 'type' || keyword === 'additionalProperties';
}

function toIssue(error: ErrorObject): Issue {
  const { instancePath, message, params } = error;
  const place = instancePath
    .slice(1)
    .replace(/\/(\d+)(?=\/|$)/g, '[$1]')
    .replaceAll('/', '.');
  const { allowedValues = [], additionalProperty, missingProperty } = params as Partial<Record<string, unknown>>;
  const named =
    additionalProperty === undefined ? (allowedValues as unknown[]) : [String(additionalProperty).slice(0, 64)];
  const detail = named.length === 0 ? '' : `: ${named.join(', ')}`;
  const member = missingProperty === undefined ? [] : [String(missingProperty)];
  const expression = [...(place === '' ? [] : [place]), ...member].join('.');
  return {
    severity: 'error',
    code: codeOf(error),
    diagnostics: `${expression === '' ? 'The request' : expression} ${message ?? 'is not allowed'}${detail}.`,
    ...(expression === '' ? {} : { expression: [expression] }),
  };
}

function codeOf(error: ErrorObject): Issue['code'] {
  if (isMalformed(error)) return 'structure';
  return error.keyword === 'required' ? 'required' : 'value';
}
