// In which format a request is answered: https://hl7.org/fhir/R4/http.html#parameters

import { fhirError } from '../fhir/outcome.ts';
import { preferredMediaType } from './accept.ts';
import { fhirJson, mediaTypes, parseMediaType, type Syntax, unspoken } from './media-type.ts';

export interface AnswerFormat {
  readonly contentType: string;
  readonly syntax: Syntax;
  readonly isPretty: boolean;
}

/** What a client gets that asks for nothing else: the stored bytes. */
export const plainFormat: AnswerFormat = { contentType: contentTypeOf(fhirJson), syntax: 'json', isPretty: false };

const acceptLengthMax = 1_000;
const knownMax = 200;
/** Clients send the same few headers again and again. */
const known = new Map<string, AnswerFormat | undefined>();

/** Undefined when the client takes nothing that this server can answer in; `_format` wins over Accept. */
export function answerFormat(accept: string | undefined, query: URLSearchParams): AnswerFormat | undefined {
  if (query.size === 0) return acceptedFormat(accept);
  const format = query.get('_format');
  const named = format === null ? acceptedFormat(accept) : namedFormat(format);
  return named && isPretty(query) ? { ...named, isPretty: true } : named;
}

function acceptedFormat(accept: string | undefined): AnswerFormat | undefined {
  if (accept === undefined || accept === '' || accept === '*/*' || accept === fhirJson) return plainFormat;
  if (known.has(accept)) return known.get(accept);
  if (accept.length > acceptLengthMax) throw fhirError('too-long', 'The Accept header is too long.', { status: 400 });
  const name = preferredMediaType(accept);
  const format = name === undefined ? undefined : formatOf(name);
  if (known.size >= knownMax) known.clear();
  known.set(accept, format);
  return format;
}

function namedFormat(text: string): AnswerFormat | undefined {
  // A literal "+" in a query string means a space.
  const type = parseMediaType(text.replace(/^(application\/fhir) /i, '$1+'));
  const syntax = mediaTypes.get(type.name);
  if (syntax === undefined || unspoken(type)) return undefined;
  // https://hl7.org/fhir/R4/http.html#mime-type: here all names of a format mean FHIR's own.
  return formatOf(syntax === 'json' ? fhirJson : 'application/fhir+xml');
}

function formatOf(mediaType: string): AnswerFormat {
  if (mediaType === fhirJson) return plainFormat;
  return { contentType: contentTypeOf(mediaType), syntax: mediaTypes.get(mediaType) as Syntax, isPretty: false };
}

function contentTypeOf(mediaType: string): string {
  return `${mediaType}; charset=utf-8`;
}

function isPretty(query: URLSearchParams): boolean {
  const text = query.get('_pretty');
  if (text === null || text === 'false') return false;
  if (text === 'true') return true;
  throw fhirError('value', '_pretty is true or false.', { status: 400 });
}

export function notAcceptable() {
  return fhirError(
    'not-supported',
    'This server answers in application/fhir+json and application/fhir+xml, FHIR 4.0.',
    {
      status: 406,
    },
  );
}
