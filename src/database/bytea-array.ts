// Lists of bytes in PostgreSQL's binary form of a bytea[], half as long as its text and read without parsing:
// https://www.postgresql.org/docs/current/protocol-overview.html#PROTOCOL-FORMAT-CODES, array_send in src/backend/utils/adt/arrayfuncs.c

const byteaOid = 17;
const headerBytes = 20;
const lengthOfNull = -1;

/** For a parameter of type bytea[]; of at least one. */
export function byteaArray(items: readonly (Buffer | null)[]): Buffer {
  const bytes = items.reduce((sum, item) => sum + 4 + (item?.length ?? 0), headerBytes);
  const array = Buffer.allocUnsafe(bytes);
  // The number of dimensions.
  let at = array.writeInt32BE(1, 0);
  at = array.writeInt32BE(items.includes(null) ? 1 : 0, at);
  at = array.writeInt32BE(byteaOid, at);
  at = array.writeInt32BE(items.length, at);
  // The number of the first.
  at = array.writeInt32BE(1, at);
  for (const item of items) {
    at = array.writeInt32BE(item?.length ?? lengthOfNull, at);
    if (item) at += item.copy(array, at);
  }
  return array;
}
