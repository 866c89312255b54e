// What an update changed, as the JSON Patch from the old version to the new one that its AuditEvent keeps: contract.md 46

import type { Resource } from '@medplum/fhirtypes';
import { parseJson } from '../fhir/json.ts';
import { jsonPatchText } from '../fhir/json-diff.ts';
import type { Change, ExactNumbers } from './change.ts';

/** Longer ones are not kept: both versions are in the history. */
const lengthMax = 256_000;

/** Of a change that has both. */
export function changePatch({ type, resource, oldResource, old, exactNumbers }: Change): string | 'too-long' {
  // No number of a Binary has another text, and its body may be very long.
  const exactBefore = type === 'Binary' ? undefined : exactNumbersIn(old?.body);
  const before = { value: contentOf(type, oldResource), exactNumbers: exactBefore };
  const after = { value: contentOf(type, resource), exactNumbers };
  return jsonPatchText(before, after, lengthMax) ?? 'too-long';
}

/** The content of a Binary is not in its version, and would be most of any patch. */
function contentOf(type: string, resource: Resource | undefined): object | undefined {
  if (type !== 'Binary' || !resource) return resource;
  const { data, ...head } = resource as { readonly data?: string };
  return head;
}

/** A number that may have another text than its value has; most versions have none, and a scan for it costs little. */
const unusualNumber = /(?:":|[[,])(?:-0[,}\]]|-?\d+[.eE]|-?\d{16})/;

function exactNumbersIn(body: Buffer | undefined): ExactNumbers | undefined {
  if (!body) return undefined;
  const text = body.toString();
  return unusualNumber.test(text) ? parseJson(text).exactNumbers : undefined;
}
