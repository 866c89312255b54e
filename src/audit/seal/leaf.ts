// The leaf of a stored AuditEvent: what of its row can never change, under the leaf prefix of https://www.rfc-editor.org/rfc/rfc6962#section-2.1

import { sha256 } from './merkle.ts';

export interface AuditRow {
  readonly id: string;
  readonly lastUpdated: Date;
  /** As it is stored: proofs need no key, and hold when the tenant's keys are destroyed. */
  readonly content: Buffer;
}

const leafPrefix = 0;

/**
 * Each part has a length of its own or one told before it, so no two rows have the same bytes. Search tokens are outside:
 * they follow from the content, and are made anew when the index key is.
 */
export function leafHash(tenantId: number, { id, lastUpdated, content }: AuditRow): Buffer {
  const idBytes = Buffer.byteLength(id);
  const bytes = Buffer.allocUnsafe(1 + 4 + 8 + 4 + idBytes + content.length);
  let at = bytes.writeUInt8(leafPrefix, 0);
  at = bytes.writeInt32BE(tenantId, at);
  at = bytes.writeBigInt64BE(BigInt(lastUpdated.getTime()), at);
  at = bytes.writeUInt32BE(idBytes, at);
  at += bytes.write(id, at);
  content.copy(bytes, at);
  return sha256(bytes);
}

/** The same as PostgreSQL works it out, for whoever needs nothing else of many rows; `alias` is that of the rows. */
export function leafSql(alias: string): string {
  return `sha256('\\x00'::bytea || int4send(${alias}.tenant_id)
            || int8send((extract(epoch FROM ${alias}.last_updated) * 1000)::bigint)
            || int4send(octet_length(${alias}.id)) || convert_to(${alias}.id, 'UTF8') || ${alias}.content)`;
}
