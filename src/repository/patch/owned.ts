// What the server owns of a resource is no patch's to change: https://hl7.org/fhir/R4/http.html#patch

import { isObject } from '../exact-tree.ts';
import { CannotApply } from './failed.ts';

/** Takes note of what the server owns, and gives a check that it is still so; the check throws CannotApply. */
export function guardOwned(resource: unknown): (patched: unknown) => void {
  const before = ownedOf(resource);
  return (patched) => {
    const after = ownedOf(patched);
    const changed = Object.keys(before).filter((name) => before[name] !== after[name]);
    if (changed.length > 0) throw new CannotApply(`the server owns ${changed.join(', ')}`, 'business-rule');
  };
}

function ownedOf(resource: unknown): Record<string, unknown> {
  const { resourceType, id, meta } = isObject(resource) ? resource : {};
  const { versionId, lastUpdated } = isObject(meta) ? meta : {};
  return { resourceType, id, 'meta.versionId': versionId, 'meta.lastUpdated': lastUpdated };
}
