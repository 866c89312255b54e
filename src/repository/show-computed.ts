// Current versions as they are answered: with what modules compute at each reading, such as the balance of an Account (README, Modules).

import type { Show, ShownVersion } from './module.ts';
import type { Session } from './session.ts';
import type { StoredVersion } from './stored-version.ts';

/** In the order of the versions; those of types that nothing is computed of are the same objects. */
export async function showComputed<Version extends StoredVersion>(
  session: Session,
  versions: readonly Version[],
): Promise<readonly Version[]> {
  const { shows } = session.repository.rules;
  const concerned = shows.filter(({ type }) => versions.some((version) => version.type === type));
  let shown = versions;
  for (const show of concerned) shown = await showWith(show, session, shown);
  return shown;
}

async function showWith<Version extends StoredVersion>(
  { type, show }: Show,
  session: Session,
  versions: readonly Version[],
): Promise<readonly Version[]> {
  const isShown = (version: Version): version is Version & ShownVersion => version.type === type && !!version.body;
  const bodies = (await show(versions.filter(isShown), session)).values();
  return versions.map((version) => {
    const body = isShown(version) ? bodies.next().value : version.body;
    return body === version.body ? version : { ...version, body, isComputed: true };
  });
}
