// Answers a write as the client prefers it and says which preference was followed: https://hl7.org/fhir/R4/http.html#ops

import { parseJson } from '../fhir/json.ts';
import { type Issue, toOperationOutcome } from '../fhir/outcome.ts';
import type { Validate } from '../validation/validate.ts';
import type { InteractionRequest, InteractionResponse } from './interaction.ts';
import { handlingPreference, returnPreference } from './prefer.ts';
import type { InteractionCode } from './route.ts';

const writes: ReadonlySet<string> = new Set(['create', 'update', 'patch']);
const searches: ReadonlySet<string> = new Set(['search-type', 'search-system']);

/** The entries of a `bundle` are already as they are preferred. */
export function applyPreference(
  code: InteractionCode | 'bundle',
  request: InteractionRequest,
  response: InteractionResponse,
  validate: Validate,
): InteractionResponse {
  if (request.header('Prefer') === undefined || response.body === undefined) return response;
  // A refusal that is given again: https://hl7.org/fhir/R4/http.html#ops says of answers that succeed what they hold.
  if (response.status >= 400) return response;
  if (searches.has(code)) return applied(response, 'handling', handlingPreference(request));
  const wanted = returnPreference(request);
  if (code === 'bundle') return applied(response, 'return', wanted);
  if (!writes.has(code)) return response;
  return applied({ ...response, body: writtenBody(code, wanted, response, validate) }, 'return', wanted);
}

/** RFC 7240 section 3 */
function applied(response: InteractionResponse, name: string, value: string | undefined): InteractionResponse {
  if (value === undefined) return response;
  return { ...response, headers: { ...response.headers, 'Preference-Applied': `${name}=${value}` } };
}

function writtenBody(
  code: string,
  wanted: ReturnType<typeof returnPreference>,
  { status, body, issues = [] }: InteractionResponse,
  validate: Validate,
): InteractionResponse['body'] {
  if (wanted === 'minimal') return undefined;
  if (wanted !== 'OperationOutcome') return body;
  const diagnostics = whatWasDone(code, status);
  const done: Issue = { severity: 'information', code: 'informational', diagnostics };
  return JSON.stringify(toOperationOutcome([done, ...issues, ...warningsOf(body, validate)]));
}

function warningsOf(body: InteractionResponse['body'], validate: Validate): Issue[] {
  if (typeof body !== 'string' && !Buffer.isBuffer(body)) return [];
  const issues = validate(parseJson(body.toString()).value, { warnings: true });
  return issues.filter(({ severity }) => severity === 'warning');
}

function whatWasDone(code: string, status: number): string {
  if (status === 201) return 'The resource was created; Location names its version.';
  if (code === 'create') return 'There is a matching resource already, so none was created; ETag names its version.';
  return 'The resource was updated; ETag names its version.';
}
