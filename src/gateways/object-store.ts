// Where bodies live that are too large for a row, or are Binary: an outside store that only ever holds ciphertext.

export interface ObjectStore {
  /** Stores the bytes durably before it resolves; when they end in an error, nothing of them stays. */
  put(objectId: string, bytes: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<void>;
  /** The bytes as they were put, in pieces of any size; throws when the object is missing. */
  get(objectId: string): AsyncIterable<Buffer>;
  /** Removes an object that no row names; nothing happens when there is none. */
  remove(objectId: string): Promise<void>;
  /** In no order, the ids of objects that are older than this by their id and by the store's own clock, unfinished ones included. */
  listBefore(time: Date): AsyncIterable<string>;
}
