// JSON merge patch: https://www.rfc-editor.org/rfc/rfc7396

import { fhirError } from '../../fhir/outcome.ts';
import { copyTree, isObject, type JsonObject } from '../exact-tree.ts';
import { CannotApply } from './failed.ts';
import { guardOwned } from './owned.ts';
import type { TreePatch } from './tree-patch.ts';

/** What the server owns may be repeated as it is, not changed. Throws 400 for what would replace the whole resource. */
export function parseMergePatch(document: unknown): TreePatch {
  if (!isObject(document)) throw fhirError('structure', 'A merge patch of a resource is a JSON object (RFC 7396).');
  return (resource) => {
    const requireOwned = guardOwned(resource);
    const merged = merge(resource, document);
    try {
      requireOwned(merged);
    } catch (error) {
      if (!(error instanceof CannotApply)) throw error;
      throw fhirError(error.code, `The merge patch cannot be done: ${error.message}.`);
    }
    return merged;
  };
}

/** RFC 7396 section 2; a null removes, and lists are replaced as a whole. */
function merge(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return copyTree(patch);
  const merged: JsonObject = isObject(target) ? target : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = merge(Object.hasOwn(merged, name) ? merged[name] : undefined, value);
  }
  return merged;
}
