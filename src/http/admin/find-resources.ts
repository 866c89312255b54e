// The few resources that the administration API shows in words of its own, found as a search finds them.

import type { Resource } from '@medplum/fhirtypes';
import { requirePermission } from '../../access/may.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { findMatches } from '../../repository/find-matches.ts';
import { find } from '../../repository/read.ts';
import { restrict } from '../../repository/row-access.ts';
import type { Session } from '../../repository/session.ts';
import { openVersions, parseBody } from '../../repository/stored-version.ts';
import { isVisible } from '../../repository/visible.ts';
import { write } from '../../repository/write.ts';
import { parseSearch } from '../../search/parse.ts';

/** No clinic has more departments or taxes. */
const resourcesMax = 1_000;

export async function findResources<T extends Resource>(
  session: Session,
  type: T['resourceType'],
  pairs: readonly (readonly [name: string, value: string])[],
): Promise<T[]> {
  requirePermission(session.caller, 's', type);
  requirePermission(session.caller, 'r', type);
  const asked = parseSearch(session.definitions, type, pairs, { handling: 'strict', now: session.at.getTime() });
  const query = restrict(session, asked);
  const [rows = []] = await findMatches(session, [{ query, matchesMax: resourcesMax, needsBody: true }]);
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  const versions = await openVersions(reader, rows);
  return versions.map(parseBody).filter((resource) => resource !== undefined) as T[];
}

/** Throws 404 where there is none with the id, and where `isOne` says that it is something else. */
export async function findResource<T extends Resource>(
  session: Session,
  { type, id, what }: { readonly type: T['resourceType']; readonly id: string; readonly what: string },
  isOne: (resource: T) => boolean,
): Promise<T> {
  requirePermission(session.caller, 'r', type);
  const version = await find(session, type, id);
  const isThere = version !== undefined && (await isVisible(session, version));
  const resource = isThere ? (parseBody(version) as T | undefined) : undefined;
  if (resource && isOne(resource)) return resource;
  throw fhirError('not-found', `There is no such ${what}.`);
}

/** These members in the place of those that the resource has, with everything else as it is. */
export async function changeMembers<T extends Resource>(
  session: Session,
  { type, id }: { readonly type: T['resourceType']; readonly id: string },
  members: Partial<T>,
): Promise<void> {
  await write(session, [
    {
      action: 'patch',
      type,
      id,
      apply: (content) => ({ ...content, resource: { ...content.resource, ...members } as Resource }),
    },
  ]);
}
