// Loads what the Consents of a tenant deny, anew where one of them has changed: https://hl7.org/fhir/R4/consent.html

import type { KeyRing } from '../../crypto/key-ring.ts';
import type { TenantCipher } from '../../crypto/tenant-cipher.ts';
import type { TenantDoor, TenantTransaction } from '../../database/tenant-transaction.ts';
import type { ObjectStore } from '../../gateways/object-store.ts';
import { openVersion, parseBody, type VersionRow, versionColumns } from '../stored-version.ts';
import { readDenialIds } from './denial-ids.ts';
import type { Denials, DenyingConsent } from './denials.ts';
import { denyingConsent } from './denying-consent.ts';

export interface LoaderParts {
  readonly tenantDoor: TenantDoor;
  readonly keyRing: KeyRing;
  readonly objectStore: ObjectStore;
  /** The tenant's FHIR base, without a slash at its end. */
  readonly baseUrlOf: (tenantId: number) => Promise<string>;
}

interface Kept {
  readonly baseUrl: string;
  readonly version: string | undefined;
  readonly denials: Denials | undefined;
  /** Of versions that did not keep the ids: found by reading all Consents there are, once in the life of the process. */
  readonly earlierIds: readonly string[];
}

/** Tenants whose denials stay understood. */
const tenantsKeptMax = 2_000;

/** Undefined where no Consent denies anything. The same object as long as nothing has changed. */
export function createDenialsLoader({ tenantDoor, keyRing, objectStore, baseUrlOf }: LoaderParts) {
  const kept = new Map<number, Kept>();
  return async (tenantId: number): Promise<Denials | undefined> => {
    const cipher = keyRing.loadedCipherOf(tenantId) ?? (await keyRing.cipherOf(tenantId));
    const before = kept.get(tenantId);
    const baseUrl = before?.baseUrl ?? (await baseUrlOf(tenantId));
    const now = await tenantDoor(tenantId, (trx) => load({ trx, cipher, objectStore, baseUrl }, before), 'read');
    if (kept.size >= tenantsKeptMax) kept.clear();
    kept.set(tenantId, now);
    return now.denials;
  };
}

interface Reader {
  readonly baseUrl: string;
  readonly trx: TenantTransaction;
  readonly cipher: TenantCipher;
  readonly objectStore: ObjectStore;
}

async function load(reader: Reader, before: Kept | undefined): Promise<Kept> {
  const current = await readDenialIds(reader.trx);
  if (before && before.version === current?.version) return before;
  const earlierIds = before?.earlierIds ?? (await idsOfAll(reader));
  const ids = [...new Set([...earlierIds, ...(current?.ids ?? [])])];
  const consents = (await readConsents(reader, ids)).map(({ denying }) => denying);
  return {
    baseUrl: reader.baseUrl,
    version: current?.version,
    earlierIds,
    denials: consents.length > 0 ? { consents } : undefined,
  };
}

interface Read {
  readonly id: string;
  readonly denying: DenyingConsent;
}

async function readConsents(reader: Reader, ids: readonly string[]): Promise<Read[]> {
  if (ids.length === 0) return [];
  const rows = await reader.trx.query<VersionRow>({
    name: 'read-denying-consents',
    text: `SELECT ${versionColumns} FROM resource WHERE type = 'Consent' AND id = ANY($1::text[]) AND NOT deleted`,
    values: [ids],
  });
  return await understood(reader, rows);
}

const batchMax = 1_000;

async function idsOfAll(reader: Reader): Promise<string[]> {
  const ids: string[] = [];
  for (let after = ''; ; ) {
    const rows = await reader.trx.query<VersionRow>({
      name: 'read-all-consents',
      text: `SELECT ${versionColumns} FROM resource WHERE type = 'Consent' AND id > $1 ORDER BY id LIMIT ${batchMax}`,
      values: [after],
    });
    ids.push(...(await understood(reader, rows)).map(({ id }) => id));
    const last = rows.at(-1);
    if (!last || rows.length < batchMax) return ids;
    after = last.id;
  }
}

async function understood({ cipher, objectStore, baseUrl }: Reader, rows: readonly VersionRow[]): Promise<Read[]> {
  const found: Read[] = [];
  for (const row of rows) {
    const denying = denyingConsent(parseBody(await openVersion({ cipher, objectStore }, row)), baseUrl);
    if (denying) found.push({ id: row.id, denying });
  }
  return found;
}
