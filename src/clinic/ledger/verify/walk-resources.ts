// All current resources of a type, a part at a time, in the order of their ids.

import type { Resource } from '@medplum/fhirtypes';
import type { Session } from '../../../repository/session.ts';
import { openVersions, parseBody, type VersionRow, versionColumns } from '../../../repository/stored-version.ts';
import type { Progress } from './difference.ts';

const perStep = 200;

export async function walkResources<T extends Resource>(
  session: Session,
  type: T['resourceType'],
  progress: Progress,
  check: (resources: readonly (T & { readonly id: string })[]) => Promise<void>,
): Promise<void> {
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  let last = '';
  for (let done = 0; ; ) {
    const rows: VersionRow[] = await session.trx.query<VersionRow>({
      name: 'walk-resources',
      text: `SELECT ${versionColumns} FROM resource WHERE type = $1 AND id > $2 ORDER BY id LIMIT ${perStep}`,
      values: [type, last],
    });
    const versions = await openVersions(reader, rows);
    await check(versions.flatMap((version) => (parseBody(version) as (T & { readonly id: string }) | undefined) ?? []));
    done += rows.length;
    last = rows.at(-1)?.id ?? last;
    if (rows.length < perStep) return;
    progress(`${type} resources`, done);
  }
}
