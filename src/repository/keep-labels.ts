// Security labels stay with a resource whatever a client sends: only `$meta-delete` takes them away (security.md 37):
// https://hl7.org/fhir/R4/security-labels.html

import type { Coding, Resource } from '@medplum/fhirtypes';

/** The next content with the labels of the current one that it leaves out behind its own. */
export function keepLabels(current: Resource | undefined, next: Resource): Resource {
  const labels = current?.meta?.security ?? [];
  if (labels.length === 0) return next;
  const { meta } = next;
  const given = meta?.security ?? [];
  // What is no meta or no list of labels is for the validator to refuse.
  if ((meta !== undefined && !isObject(meta)) || !Array.isArray(given)) return next;
  const missing = labels.filter((label) => !given.some((one) => isSame(one, label)));
  return missing.length === 0 ? next : ({ ...next, meta: { ...meta, security: [...given, ...missing] } } as Resource);
}

function isSame(one: Coding | null, other: Coding): boolean {
  return one?.system === other.system && one?.code === other.code;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
