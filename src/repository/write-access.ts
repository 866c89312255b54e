// The rows a caller may write: the stored version and the new one must both be within its rights (security.md 29).

import type { Resource } from '@medplum/fhirtypes';
import type { Permission } from '../access/caller.ts';
import { may } from '../access/may.ts';
import { type FhirError, fhirError } from '../fhir/outcome.ts';
import { type Change, typeOf } from './change.ts';
import type { Identified } from './identify.ts';
import { meetsRows, rowsOf } from './row-access.ts';
import type { Session } from './session.ts';
import { parseBody, type StoredVersion } from './stored-version.ts';
import { keyOf, type Target } from './target.ts';
import { isVisible } from './visible.ts';
import { findVersion } from './vread.ts';

/**
 * What is stored, without what the caller can neither see nor write: it is patched and deleted as what does not exist. Throws
 * 403 for what the caller may see and not write, and for an update of an id that is taken.
 */
export async function requireStoredRows(session: Session, identified: Identified): Promise<Identified> {
  const hidden = new Set<string>();
  for (const target of identified.targets) {
    const type = typeOf(target.intent);
    if (!rowsOf(session, permissionOf(target), type)) continue;
    const key = keyOf(type, target.id);
    const version = identified.stored.get(key);
    if (version && (await isOutOfReach(session, target, version))) hidden.add(key);
  }
  if (hidden.size === 0) return identified;
  return { ...identified, stored: new Map([...identified.stored].filter(([key]) => !hidden.has(key))) };
}

function permissionOf({ intent }: Target): Permission {
  return intent.action === 'delete' ? 'd' : 'u';
}

async function isOutOfReach(session: Session, target: Target, version: StoredVersion): Promise<boolean> {
  const resource = await contentOf(session, version);
  if (resource && (await meetsRows(session, permissionOf(target), resource))) return false;
  // Who may not create is refused for an id that is taken in the same words as for one that is free.
  const isTaken = target.intent.action === 'update' && may(session.caller, 'c', version.type);
  if (isTaken || (await isVisible(session, version))) throw notAllowed(target.index);
  return true;
}

/** A deleted one is still whose it was before. */
async function contentOf(session: Session, version: StoredVersion): Promise<Resource | undefined> {
  const { type, id, versionId, body } = version;
  const told = body ? version : await findVersion(session, type, id, versionId - 1);
  return told && parseBody(told);
}

/** Throws 403 for a new content that is not within the caller's rights, such as one about another patient. */
export async function requireNewRows(session: Session, changes: readonly Change[]): Promise<void> {
  for (const { index, action, type, resource, exactNumbers } of changes) {
    const permission: Permission = action === 'create' ? 'c' : 'u';
    if (!resource || !rowsOf(session, permission, type)) continue;
    if (!(await meetsRows(session, permission, resource, exactNumbers))) throw notAllowed(index);
  }
}

function notAllowed(writeIndex: number): FhirError {
  const diagnostics =
    'The access token allows to write some resources only, such as those of one patient; this is none of them.';
  return fhirError('forbidden', diagnostics, { writeIndex });
}
