// What a request may carry, and as which media types it comes: https://hl7.org/fhir/R4/http.html#mime-type

import type { Definitions } from '../fhir/definitions.ts';
import type { ParsedJson } from '../fhir/json.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { FhirContext } from './admit.ts';
import { bodyStream } from './body-stream.ts';
import { decoderOf, readCodings } from './content-coding.ts';
import type { RawBody } from './interaction.ts';
import { mediaTypes, parseMediaType, type Syntax, unspoken } from './media-type.ts';
import { parseBody, readBody } from './read-body.ts';

/**
 * `any`: a resource, or bytes of whatever type. `examined`: a resource, if any, that need be no right one. `parameters`: a resource,
 * or nothing where nothing is to be said.
 */
export type BodyKind = 'resource' | 'examined' | 'parameters' | 'form' | 'patch' | 'any';

export interface CarriedBody {
  readonly body?: ParsedJson;
  readonly raw?: RawBody;
  readonly form?: URLSearchParams;
  /** As sent, but decoded; absent where they were not read. */
  readonly bytes?: Buffer;
}

type Content = Syntax | 'form' | 'raw';

const fhirTypes: readonly (readonly [string, Syntax])[] = [
  ['application/fhir+json', 'json'],
  ['application/fhir+xml', 'xml'],
];

/** Of application/json nobody could tell which kind of patch it is. */
const contents: Readonly<Record<BodyKind, ReadonlyMap<string, Content>>> = {
  resource: mediaTypes,
  examined: mediaTypes,
  parameters: mediaTypes,
  form: new Map([['application/x-www-form-urlencoded', 'form']]),
  patch: new Map<string, Content>([
    ['application/json-patch+json', 'json'],
    ['application/merge-patch+json', 'json'],
    ...fhirTypes,
  ]),
  // https://hl7.org/fhir/R4/binary.html#rest: only FHIR's own types say that the body is a resource.
  any: new Map<string, Content>(fhirTypes),
};

export interface CarriedOptions {
  readonly definitions: Definitions;
  readonly limitBytes: number;
}

/** Throws 415 for a type, charset, version or coding this server does not read, 413 and 400 for the body itself. */
export async function readCarried(ctx: FhirContext, kind: BodyKind, options: CarriedOptions): Promise<CarriedBody> {
  if (mayBeAbsent.has(kind) && isAbsent(ctx)) return {};
  const content = contentOf(ctx, kind);
  const limits = { limitBytes: options.limitBytes, decoder: requireDecoder(ctx) };
  if (content === 'raw') {
    const mediaType = ctx.get('Content-Type').trim() || 'application/octet-stream';
    return { raw: { mediaType, stream: bodyStream(ctx.req, limits) } };
  }
  const bytes = await readBody(ctx.req, limits);
  if (content === 'form') return { bytes, form: new URLSearchParams(bytes.toString()) };
  // What is kept for the background is JSON, which has no place for the faults.
  const keepsFaults = kind === 'examined' && !/\brespond-async\b/i.test(ctx.get('Prefer'));
  return { bytes, body: await parseBody(bytes, content, options.definitions, { keepsFaults }) };
}

/** Their parameters may all stand in the URL, or there are none: https://hl7.org/fhir/R4/search.html#get-post */
const mayBeAbsent: ReadonlySet<BodyKind> = new Set(['form', 'examined', 'parameters']);

/** Who names a type means to send something. */
function isAbsent({ req: { headers } }: FhirContext): boolean {
  if (headers['content-type'] !== undefined || headers['transfer-encoding'] !== undefined) return false;
  return Number(headers['content-length'] ?? 0) === 0;
}

function contentOf(ctx: FhirContext, kind: BodyKind): Content {
  const type = parseMediaType(ctx.get('Content-Type'));
  const content = contents[kind].get(type.name) ?? (kind === 'any' ? 'raw' : undefined);
  const wrong = content === 'raw' ? undefined : unspoken(type);
  if (content !== undefined && wrong === undefined) return content;
  const names = [...contents[kind].keys()].join(', ');
  ctx.set(kind === 'patch' ? 'Accept-Patch' : 'Accept', names);
  if (wrong === 'charset') throw unsupported('Send the body in UTF-8.');
  if (wrong === 'fhirVersion') throw unsupported('This server speaks FHIR 4.0 only.');
  throw unsupported(`Send the body with a Content-Type of ${names}.`);
}

function requireDecoder(ctx: FhirContext) {
  const coding = ctx.req.headers['content-encoding'];
  if (coding === undefined) return undefined;
  ctx.set('Accept-Encoding', readCodings);
  const decoder = decoderOf(coding);
  ctx.remove('Accept-Encoding');
  return decoder;
}

function unsupported(diagnostics: string) {
  return fhirError('not-supported', diagnostics, { status: 415 });
}
