// Changes a resource that is about to be written, with the texts of its numbers moving along.

import type { Resource } from '@medplum/fhirtypes';
import type { Change, Content } from '../../repository/change.ts';
import { findExact, isObject, markExact, unmarkExact } from '../../repository/exact-tree.ts';

/** `edit` changes the resource in place; lists that it leaves empty are taken out, for FHIR has none. */
export function editResource(change: Change, edit: (resource: Resource) => void): void {
  const { resource } = change;
  if (!resource) return;
  const { resource: edited, exactNumbers } = editContent({ ...change, resource }, edit);
  for (const key of Object.keys(resource)) delete (resource as unknown as Record<string, unknown>)[key];
  Object.assign(resource, edited);
  change.exactNumbers = exactNumbers;
}

/** The same of content that is not to be changed itself, but for what is inside its elements. */
export function editContent(
  {
    resource,
    exactNumbers,
  }: { readonly resource: Resource; readonly exactNumbers?: Content['exactNumbers'] | undefined },
  edit: (resource: Resource) => void,
): Content {
  const marked = { ...(markExact(resource, exactNumbers) as Resource) };
  edit(marked);
  for (const [key, value] of Object.entries(marked)) {
    if (Array.isArray(value) && value.length === 0) delete (marked as unknown as Record<string, unknown>)[key];
  }
  if (!exactNumbers?.size) return { resource: marked };
  const found = findExact(marked);
  const plain = unmarkExact(marked) as Resource;
  return isObject(plain) && found.size > 0 ? { resource: plain, exactNumbers: found } : { resource: plain };
}
