// From the document of a patch to the change it makes, whichever of the three kinds it is: https://hl7.org/fhir/R4/http.html#patch

import type { Resource } from '@medplum/fhirtypes';
import type { Definitions } from '../../fhir/definitions.ts';
import type { ParsedJson } from '../../fhir/json.ts';
import { FhirError, fhirError, type Issue } from '../../fhir/outcome.ts';
import type { Content } from '../change.ts';
import { findExact, isObject, markExact, unmarkExact } from '../exact-tree.ts';
import { parseFhirpathPatch } from './fhirpath-patch.ts';
import { parseJsonPatch } from './json-patch.ts';
import { parseMergePatch } from './merge-patch.ts';
import { requireShallow, type TreePatch } from './tree-patch.ts';
import type { Part } from './value-part.ts';

export type PatchKind = 'json-patch' | 'merge-patch' | 'fhirpath-patch';

export interface PatchContext {
  /** Of the resource to be patched. */
  readonly type: string;
  readonly definitions: Definitions;
  readonly validate: (resource: unknown) => readonly Issue[];
}

/** Throws at once for a document that is no patch; what it gives throws 422 when the patch cannot be done. */
export function toPatch(body: ParsedJson, kind: PatchKind, context: PatchContext): (current: Content) => Content {
  const patch = parsePatch(body, kind, context);
  return ({ resource, exactNumbers }) => {
    const patched = patch(markExact(resource, exactNumbers));
    requireShallow(patched);
    const found = findExact(patched);
    return { resource: unmarkExact(patched) as Resource, exactNumbers: found };
  };
}

function parsePatch(body: ParsedJson, kind: PatchKind, context: PatchContext): TreePatch {
  const document = markExact(body.value, body.exactNumbers);
  if (kind === 'json-patch') return parseJsonPatch(document);
  if (kind === 'merge-patch') return parseMergePatch(document);
  requireParameters(body.value, context);
  return parseFhirpathPatch((document as { parameter?: Part[] }).parameter ?? [], context);
}

function requireParameters(value: unknown, { validate }: PatchContext): void {
  if (!isObject(value) || value.resourceType !== 'Parameters') {
    throw fhirError(
      'structure',
      'A FHIRPath Patch is a Parameters resource; a JSON Patch is sent as application/json-patch+json, a merge patch as application/merge-patch+json.',
    );
  }
  // Values may keep their invariants only together: what the patch makes of the resource is validated as a whole.
  const issues = validate(value).filter(({ code }) => code !== 'invariant');
  if (issues.some(({ severity }) => severity === 'error' || severity === 'fatal')) throw new FhirError(issues);
}
