// The write an entry asks for.

import type { Resource } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import type { ExactNumbers, WriteIntent } from '../repository/change.ts';
import { requireSameId } from '../repository/update.ts';
import type { ParsedEntry } from './bundle-entry.ts';

const versionTag = /^(?:W\/)?"([0-9]{1,9})"$/;

/** `newId` is the id a transaction gave a POST beforehand, so that other entries could refer to it. */
export function intentOf(
  entry: ParsedEntry,
  newId: string | undefined,
  exactNumbers: ExactNumbers | undefined,
): WriteIntent {
  const numbers = exactNumbers ? { exactNumbers } : {};
  if (entry.method === 'DELETE') return { action: 'delete', type: entry.type, id: entry.id, ...ifMatchOf(entry) };
  const resource = entry.resource as Resource;
  if (entry.method === 'POST')
    return { action: 'create', resource, ...(newId === undefined ? {} : { id: newId }), ...numbers };
  requireSameId(entry.id, resource);
  return { action: 'update', id: entry.id, resource, ...numbers, ...ifMatchOf(entry) };
}

function ifMatchOf(entry: ParsedEntry): { ifMatchVersionId?: number } {
  if (entry.ifMatch === undefined) return {};
  const match = versionTag.exec(entry.ifMatch);
  if (!match) {
    throw fhirError('value', 'request.ifMatch holds one version, such as W/"3".', {
      status: 400,
      expression: `Bundle.entry[${entry.index}].request.ifMatch`,
    });
  }
  return { ifMatchVersionId: Number(match[1]) };
}
