// The write an entry asks for: https://hl7.org/fhir/R4/http.html#transaction

import type { Resource } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import type { ExactNumbers, Preconditions, WriteIntent } from '../repository/change.ts';
import { requireSameId } from '../repository/update.ts';
import { parseVersionTest, type VersionTest } from '../repository/version-test.ts';
import type { ParsedEntry } from './bundle-entry.ts';
import { type EntryPatchContext, patchOf } from './entry-patch.ts';

export interface IntentContext extends Omit<EntryPatchContext, 'type'> {
  /** The tenant's FHIR base. */
  readonly baseUrl: string;
}

export function intentOf(
  entry: ParsedEntry,
  exactNumbers: ExactNumbers | undefined,
  context: IntentContext,
): WriteIntent {
  const { baseUrl } = context;
  const { method, type, id, query } = entry;
  const numbers = exactNumbers ? { exactNumbers } : {};
  const resource = entry.resource as Resource;
  if (method === 'POST') {
    const { ifNoneExist } = entry;
    const criteria = ifNoneExist === undefined ? {} : { ifNoneExist: { query: ifNoneExist, baseUrl } };
    return { action: 'create', resource, ...numbers, ...criteria };
  }
  const chosen = id === '' ? { criteria: { query: query.toString(), baseUrl } } : { id };
  const target = { ...chosen, ...preconditionsOf(entry) };
  if (method === 'DELETE') return { action: 'delete', type, ...target };
  if (method === 'PATCH')
    return { action: 'patch', type, apply: patchOf(entry, exactNumbers, { ...context, type }), ...target };
  if (id !== '') requireSameId(id, resource);
  return { action: 'update', resource, ...numbers, ...target };
}

function preconditionsOf(entry: ParsedEntry): Preconditions {
  const ifMatch = versionTest(entry, 'ifMatch');
  const ifNoneMatch = versionTest(entry, 'ifNoneMatch');
  return {
    ...(ifMatch === undefined ? {} : { ifMatchVersionId: ifMatch }),
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatchVersionId: ifNoneMatch }),
  };
}

function versionTest(entry: ParsedEntry, name: 'ifMatch' | 'ifNoneMatch'): VersionTest | undefined {
  const text = entry[name];
  if (text === undefined) return undefined;
  const test = parseVersionTest(text);
  if (test !== undefined) return test;
  throw fhirError('value', `request.${name} holds "*" or versions, such as W/"3".`, {
    status: 400,
    expression: `Bundle.entry[${entry.index}].request.${name}`,
  });
}
