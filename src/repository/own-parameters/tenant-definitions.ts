// The definitions a tenant is searched and indexed by: R4's, and the search parameters of its own:
// https://hl7.org/fhir/R4/searchparameter.html

import type { KeyRing } from '../../crypto/key-ring.ts';
import type { TenantDoor } from '../../database/tenant-transaction.ts';
import { withSearchParameters } from '../../fhir/definitions/overlay.ts';
import type { SearchParameter } from '../../fhir/definitions/snapshot.ts';
import type { Definitions } from '../../fhir/definitions.ts';
import { createExtractor, type Extract } from '../../search/extract.ts';
import { openDefinition } from './parameter-rows.ts';

export interface TenantDefinitions {
  /** What the database must still say when something that was indexed by these is written. */
  readonly version: number;
  /** Of the keys that what is written by these is sealed and found by: whoever has an earlier one loads them again. */
  readonly keyEpoch: number;
  /** What can be searched by. */
  readonly definitions: Definitions;
  /** Also of those that cannot be searched by yet. */
  readonly extract: Extract;
}

export interface LoaderParts {
  readonly definitions: Definitions;
  readonly tenantDoor: TenantDoor;
  readonly keyRing: KeyRing;
}

export type LoadDefinitions = (tenantId: number) => Promise<TenantDefinitions>;

/** Tenants whose own parameters stay compiled. */
const tenantsKeptMax = 500;

export function createDefinitionsLoader({ definitions: base, tenantDoor, keyRing }: LoaderParts): LoadDefinitions {
  const extract = createExtractor(base);
  const kept = new Map<number, KeptTenant>();
  return async (tenantId) => {
    const rows = await tenantDoor(tenantId, (trx) => trx.query<Row>(readOwn), 'lookup');
    const { definitions_version: version = 0, key_epoch: keyEpoch = 0 } = rows[0] ?? {};
    const own = rows.filter((row): row is OwnRow => row.id !== null);
    if (own.length === 0) {
      kept.delete(tenantId);
      return { version, keyEpoch, definitions: base, extract };
    }
    const cipher = keyRing.loadedCipherOf(tenantId) ?? (await keyRing.cipherOf(tenantId));
    const before = kept.get(tenantId);
    const key = keyOf(version, keyEpoch, own);
    if (before?.key === key) return before.built;
    const parameters = new Map(
      own.map((row) => [row.id, keptParameter(before, row) ?? { ...row, parameter: openDefinition(cipher, row) }]),
    );
    const built = { keyEpoch, ...build(base, version, [...parameters.values()]) };
    if (kept.size >= tenantsKeptMax) kept.clear();
    kept.set(tenantId, { key, parameters, built });
    return built;
  };
}

interface KeptTenant {
  readonly key: string;
  readonly parameters: ReadonlyMap<string, OpenedRow>;
  readonly built: TenantDefinitions;
}

interface OwnRow {
  readonly definitions_version: number;
  readonly key_epoch: number;
  readonly id: string;
  readonly definition: Buffer;
  readonly state: 'pending' | 'indexing' | 'ready';
  readonly done: string | null;
  readonly total: string | null;
}

type Row = OwnRow | (Pick<OwnRow, 'definitions_version' | 'key_epoch'> & { readonly id: null });

type OpenedRow = OwnRow & { readonly parameter: SearchParameter };

/** One statement, so that the version and the epoch are those of the rows. */
const readOwn = {
  name: 'read-own-parameters',
  text: `SELECT i.definitions_version, (SELECT coalesce(max(k.epoch), 0) FROM tenant_key k) AS key_epoch, p.id, p.definition, p.state, r.done, r.total
         FROM search_index i LEFT JOIN search_parameter p ON true LEFT JOIN reindex r ON r.id = p.reindex_id
         ORDER BY p.changed_at, p.id`,
};

function keyOf(version: number, keyEpoch: number, rows: readonly OwnRow[]): string {
  const states = rows.map(({ id, state, done, total }) =>
    state === 'ready' ? `${id} ready` : `${id} ${done} ${total}`,
  );
  return [version, keyEpoch, ...states].join('\n');
}

/** What was compiled for a definition hangs on its object: it stays while its row is the same. */
function keptParameter(before: KeptTenant | undefined, row: OwnRow): OpenedRow | undefined {
  const known = before?.parameters.get(row.id);
  return known?.definition.equals(row.definition) ? { ...row, parameter: known.parameter } : undefined;
}

function build(base: Definitions, version: number, rows: readonly OpenedRow[]): Omit<TenantDefinitions, 'keyEpoch'> {
  const parametersOf = (some: readonly OpenedRow[]) => some.map(({ parameter }) => parameter);
  const unready = rows.filter(({ state }) => state !== 'ready');
  return {
    version,
    definitions: withSearchParameters(base, {
      parameters: parametersOf(rows.filter(({ state }) => state === 'ready')),
      unready: unready.map((row) => ({ parameter: row.parameter, why: whyUnready(row) })),
    }),
    extract: createExtractor(withSearchParameters(base, { parameters: parametersOf(rows) })),
  };
}

function whyUnready({ state, done, total }: OwnRow): string {
  if (state === 'pending') return 'waits to be indexed';
  return `is being indexed, ${done ?? 0} of ${total ?? 0} resources are done`;
}
