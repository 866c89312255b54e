// One stored version of a resource and how its encrypted body becomes JSON again.

import type { Resource } from '@medplum/fhirtypes';
import { openFrames } from '../crypto/frames.ts';
import type { TenantCipher } from '../crypto/tenant-cipher.ts';
import type { ObjectStore } from '../gateways/object-store.ts';

/** The columns every reader of versions selects. */
export const versionColumns = 'type, id, version_id, last_updated, deleted, content, object_id';

export interface VersionRow {
  readonly type: string;
  readonly id: string;
  readonly version_id: number;
  readonly last_updated: Date;
  readonly deleted: boolean;
  readonly content: Buffer | null;
  readonly object_id: string | null;
}

export interface StoredVersion {
  readonly type: string;
  readonly id: string;
  readonly versionId: number;
  readonly lastUpdated: Date;
  /** UTF-8 JSON as it was stored; undefined for a deletion. */
  readonly body: Buffer | undefined;
}

/** Additional data of the encryption: a body moved to another row, id or version does not open. */
export function bodyContext(type: string, id: string, versionId: number): string {
  return `${type}|${id}|${versionId}`;
}

export interface BodyReader {
  readonly cipher: TenantCipher;
  readonly objectStore: ObjectStore;
}

export async function openVersion(reader: BodyReader, row: VersionRow): Promise<StoredVersion> {
  return {
    type: row.type,
    id: row.id,
    versionId: row.version_id,
    lastUpdated: row.last_updated,
    body: row.deleted ? undefined : await openBody(reader, row),
  };
}

async function openBody(reader: BodyReader, row: VersionRow): Promise<Buffer> {
  const context = bodyContext(row.type, row.id, row.version_id);
  if (row.content) return reader.cipher.open(row.content, context);
  if (row.object_id === null) throw new Error(`${row.type}/${row.id} version ${row.version_id} has no body.`);
  return await openFrames(reader.cipher, reader.objectStore.get(row.object_id), context);
}

export function parseBody(version: StoredVersion): Resource | undefined {
  return version.body && (JSON.parse(version.body.toString()) as Resource);
}
