// Positions in the write-ahead log and the names of its files: https://www.postgresql.org/docs/current/wal-internals.html

/** Such as `2/4A1F28`, as a number. */
export function parseLsn(text: string): bigint {
  const [high = '', low = ''] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

export function formatLsn(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffff_ffffn).toString(16)}`.toUpperCase();
}

export function segmentStart(lsn: bigint, segmentBytes: number): bigint {
  return lsn - (lsn % BigInt(segmentBytes));
}

/** The file that holds this position. */
export function segmentName(timeline: number, lsn: bigint, segmentBytes: number): string {
  const number = lsn / BigInt(segmentBytes);
  const perHigh = 0x1_0000_0000n / BigInt(segmentBytes);
  return [BigInt(timeline), number / perHigh, number % perHigh].map(hex).join('');
}

/** Where a file begins, and on which timeline; undefined for names of anything else. */
export function parseSegmentName(name: string, segmentBytes: number): { timeline: number; lsn: bigint } | undefined {
  const [, timeline, high, low] = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})$/.exec(name) ?? [];
  if (timeline === undefined) return undefined;
  const number = BigInt(`0x${high}`) * (0x1_0000_0000n / BigInt(segmentBytes)) + BigInt(`0x${low}`);
  return { timeline: Number.parseInt(timeline, 16), lsn: number * BigInt(segmentBytes) };
}

function hex(number: bigint): string {
  return number.toString(16).toUpperCase().padStart(8, '0');
}
