// The patch an entry carries: Parameters for a FHIRPath Patch, a Binary for the others: https://hl7.org/fhir/R4/http.html#patch

import type { Binary } from '@medplum/fhirtypes';
import { type ParsedJson, parseJson } from '../fhir/json.ts';
import { FhirError, fhirError, type Issue } from '../fhir/outcome.ts';
import { requireBlindPatch } from '../repository/blind-writes.ts';
import type { Content, ExactNumbers } from '../repository/change.ts';
import { type PatchContext, type PatchKind, toPatch } from '../repository/patch/to-patch.ts';
import type { Session } from '../repository/session.ts';
import type { ParsedEntry } from './bundle-entry.ts';

const binaryKinds: ReadonlyMap<string, PatchKind> = new Map([
  ['application/json-patch+json', 'json-patch'],
  ['application/merge-patch+json', 'merge-patch'],
]);

export interface EntryPatchContext extends PatchContext {
  readonly session: Session;
}

/** Throws at once for what is no patch, and 403 for what whoever may not read could learn from. */
export function patchOf(
  { resource, index }: ParsedEntry,
  exactNumbers: ExactNumbers | undefined,
  context: EntryPatchContext,
): (current: Content) => Content {
  if (resource?.resourceType === 'Binary') return patchInBinary(resource, `Bundle.entry[${index}].resource`, context);
  return allowedPatch({ value: resource, ...(exactNumbers ? { exactNumbers } : {}) }, 'fhirpath-patch', context);
}

function allowedPatch(body: ParsedJson, kind: PatchKind, context: EntryPatchContext) {
  requireBlindPatch(context.session, { type: context.type, kind, body });
  return toPatch(body, kind, context);
}

function patchInBinary(binary: Binary, place: string, context: EntryPatchContext) {
  const { contentType, data } = binary;
  const kind = binaryKinds.get(mediaTypeOf(contentType));
  if (!kind) {
    const diagnostics = `A patch in a Binary has contentType ${[...binaryKinds.keys()].join(' or ')}.`;
    throw fhirError('not-supported', diagnostics, { status: 400, expression: `${place}.contentType` });
  }
  if (typeof data !== 'string') {
    throw fhirError('required', 'The patch stands in data, as base64.', { status: 400, expression: `${place}.data` });
  }
  // Of what is no base64 a Buffer would be made of the rest, and another patch done than was meant.
  requireValid(context.validate(binary));
  return allowedPatch(parseData(data, `${place}.data`), kind, context);
}

/** Without its parameters and in lower case: RFC 9110 section 8.3.1 */
function mediaTypeOf(contentType: unknown): string {
  return typeof contentType === 'string' ? (contentType.split(';', 1)[0] as string).trim().toLowerCase() : '';
}

function requireValid(issues: readonly Issue[]): void {
  if (issues.some(({ severity }) => severity === 'error' || severity === 'fatal')) throw new FhirError(issues);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parseData(data: string, expression: string): ParsedJson {
  try {
    return parseJson(utf8.decode(Buffer.from(data, 'base64')));
  } catch (error) {
    if (error instanceof FhirError) throw error.below(expression);
    throw fhirError('structure', 'The patch in data is not UTF-8.', { expression, cause: error });
  }
}
