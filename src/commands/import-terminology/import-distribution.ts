// Imports one distribution into a tenant's tables or the shared ones, in one transaction, in place of an earlier import of the same version.

import { inSharedTransaction } from '../../database/shared-transaction.ts';
import type { TenantDoor } from '../../database/tenant-transaction.ts';
import type { Transaction } from '../../database/transaction.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { Distribution } from '../../terminology/import/distribution.ts';
import { distributions } from '../../terminology/import/distributions.ts';
import { type IndexedSystem, indexSystem } from '../../terminology/index-system.ts';
import { removeImported, storeSystems } from '../../terminology/store-systems.ts';
import type { Origin } from '../../terminology/stored-concept.ts';
import type { Progress } from './progress.ts';

export interface ImportRequest {
  /** A name of `distributions`. */
  readonly system: string;
  /** A file or folder. */
  readonly place: string;
  readonly release?: string | undefined;
  readonly into: Destination;
  readonly progress: Progress;
}

/** All tenants read what is shared; a licence may be a tenant's own. */
export type Destination =
  | { readonly databaseUrl: string; readonly tenantId?: undefined }
  | { readonly tenantDoor: TenantDoor; readonly tenantId: number };

export interface ImportResult {
  readonly url: string;
  readonly version: string;
  readonly concepts: number;
  /** An earlier import of the same version was there. */
  readonly hasReplaced: boolean;
}

export async function importDistribution(request: ImportRequest): Promise<ImportResult> {
  const { system, place, release, progress } = request;
  const read = distributions[system];
  if (!read)
    throw fhirError(
      'invalid',
      `There is no distribution ${system}; there are ${Object.keys(distributions).join(', ')}.`,
    );
  const reading = (done: number, of: number) => progress.show('read', 'bytes', done, of);
  const source = await read(new Distribution(place, { release, reading }));
  if (source.concepts.length === 0) throw fhirError('invalid', `${place} has no concepts of ${source.title}.`);
  if (source.version === '') {
    throw fhirError('required', 'The distribution does not tell its version; say it with --release VERSION.');
  }
  progress.line(`index: ${source.concepts.length.toLocaleString('en')} concepts of ${source.title} ${source.version}`);
  const indexed = await indexSystem(source);
  const store = (trx: Transaction, origin: Origin) => storeIn(trx, origin, indexed, progress);
  const { into } = request;
  const hasReplaced =
    into.tenantId === undefined
      ? await inSharedTransaction(into.databaseUrl, (trx) => store(trx, 'shared'))
      : await into.tenantDoor(into.tenantId, (trx) => store(trx, 'tenant'));
  return { url: source.url, version: source.version, concepts: indexed.concepts.length, hasReplaced };
}

async function storeIn(trx: Transaction, origin: Origin, system: IndexedSystem, progress: Progress): Promise<boolean> {
  const hasReplaced = await removeImported(trx, origin, system.source);
  await storeSystems(trx, origin, [{ resourceId: null, system }], (done, of) =>
    progress.show('store', 'rows', done, of),
  );
  return hasReplaced;
}
