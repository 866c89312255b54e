// A tenant's share of an archived file, signed as heads are: that rows are not here any more is believed of no other.

import { isSignedBy } from '../seal/head.ts';

export interface Share {
  readonly tenantId: number;
  readonly table: string;
  readonly month: string;
  readonly part: number;
  readonly rows: number;
  /** Of the whole file. */
  readonly sha256: Buffer;
}

export interface SignedShare extends Share {
  /** The public key itself, as `x` of its JWK (RFC 8037); null in what an earlier version archived. */
  readonly key: string | null;
  readonly signature: Buffer | null;
}

/** Lines of which none can hold a line's end. */
export function shareBytes({ tenantId, table, month, part, rows, sha256 }: Share): Buffer {
  const lines = [tenantId, table, month, part, rows, sha256.toString('hex')];
  return Buffer.from(`hpms archive 1\n${lines.join('\n')}\n`);
}

/** Why the share is not believed; undefined where it is. Without a `key` whoever it names may have signed it. */
export function doubtOf(share: SignedShare, key: string | undefined): string | undefined {
  const { month, part } = share;
  const name = `Part ${part} of the archive of ${month}`;
  if (share.key === null || share.signature === null) {
    return `${name} is not signed; npm run archive -- --check --from FOLDER signs what an earlier version archived.`;
  }
  const isOurs = key === undefined || share.key === key;
  if (isOurs && isSignedBy(share.key, shareBytes(share), share.signature)) return undefined;
  return `${name} is not as this installation has signed it.`;
}
