// Whether the session's caller may see a stored version; what it may not see is answered as if it did not exist: security.md 25.

import type { Resource } from '@medplum/fhirtypes';
import { parseJson } from '../fhir/json.ts';
import type { VisibleRows } from '../search/collect-includes.ts';
import type { SearchRow } from '../search/compile/select-page.ts';
import { mayReadContext } from './binary-access.ts';
import { isRestricted, meetsRows, rowsOf } from './row-access.ts';
import type { Session } from './session.ts';
import { openWithoutData, type StoredVersion } from './stored-version.ts';

/** Of what is included, those that the caller may see; undefined where no rule is on rows. */
export function visibleRows(session: Session): VisibleRows | undefined {
  if (!isRestricted(session)) return undefined;
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  return async (rows) => {
    const seen: SearchRow[] = [];
    for (const row of rows) {
      if (!rowsOf(session, 'r', row.type) || (await isVisible(session, await openWithoutData(reader, row))))
        seen.push(row);
    }
    return seen;
  };
}

/** True where every caller with these rights sees the version, which costs nothing to tell. */
export function isPlainlyVisible(
  session: Session,
  { type, securityContext }: StoredVersion,
  permission: 'r' | 's' = 'r',
): boolean {
  return securityContext === undefined && !rowsOf(session, permission, type);
}

/** A deletion tells whose it was no more: it is there for those only who may see every row of the type. */
export async function isVisible(
  session: Session,
  version: StoredVersion,
  permission: 'r' | 's' = 'r',
): Promise<boolean> {
  const { type, body, securityContext } = version;
  if (rowsOf(session, permission, type)) {
    if (!body) return false;
    const { value, exactNumbers } = parseJson(body.toString());
    if (!(await meetsRows(session, permission, value as Resource, exactNumbers))) return false;
  }
  return securityContext === undefined || (await mayReadContext(session, securityContext));
}
