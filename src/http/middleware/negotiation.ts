// Which formats come in and go out: https://hl7.org/fhir/R4/http.html#mime-type

import { fhirError } from '../../fhir/outcome.ts';

export const fhirJson = 'application/fhir+json; charset=utf-8';

const jsonTypes: ReadonlySet<string> = new Set(['application/fhir+json', 'application/json', 'text/json', 'json']);
const acceptable: ReadonlySet<string> = new Set([...jsonTypes, '*/*', 'application/*']);
const acceptLengthMax = 1_000;

interface RequestHeaders {
  get(name: string): string;
}

/** Throws 406 when the client takes no JSON; `_format` wins over Accept: https://hl7.org/fhir/R4/http.html#parameters */
export function requireAcceptable(ctx: RequestHeaders, query: URLSearchParams): void {
  const format = query.get('_format');
  if (format !== null) {
    // A literal "+" in a query string means a space.
    if (jsonTypes.has(mediaType(format.replace(' ', '+')))) return;
    throw fhirError('not-supported', '_format must be json or application/fhir+json.', { status: 406 });
  }
  const accept = ctx.get('Accept');
  if (accept === '' || acceptable.has(accept)) return;
  if (accept.length > acceptLengthMax) throw fhirError('too-long', 'The Accept header is too long.', { status: 400 });
  if (accept.split(',').some((range) => acceptable.has(mediaType(range)))) return;
  throw fhirError('not-supported', 'This server answers in application/fhir+json.', { status: 406 });
}

/** What bodies there are, and as what they are sent. */
export type BodyKind = 'resource' | 'form' | 'patch';

const bodyTypes: Readonly<Record<BodyKind, { readonly accepted: ReadonlySet<string>; readonly advice: string }>> = {
  resource: { accepted: jsonTypes, advice: 'Send the body as application/fhir+json.' },
  form: {
    accepted: new Set(['application/x-www-form-urlencoded']),
    advice: 'Send the search as application/x-www-form-urlencoded.',
  },
  patch: {
    accepted: new Set(['application/json-patch+json']),
    advice: 'Send the patch as application/json-patch+json (RFC 6902).',
  },
};

/** Throws 415 when the body is of a type or encoding this server does not read. */
export function requireBody(ctx: RequestHeaders, kind: BodyKind): void {
  const encoding = ctx.get('Content-Encoding');
  if (encoding !== '' && encoding !== 'identity') {
    throw fhirError('not-supported', 'Send the body without Content-Encoding.', { status: 415 });
  }
  const { accepted, advice } = bodyTypes[kind];
  if (!accepted.has(mediaType(ctx.get('Content-Type')))) throw fhirError('not-supported', advice, { status: 415 });
}

function mediaType(text: string): string {
  const end = text.indexOf(';');
  return (end < 0 ? text : text.slice(0, end)).trim().toLowerCase();
}
