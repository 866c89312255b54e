// Opens what stands in the object store. An object that is missing, cut short or another's names, for the log, whose it is.

import { openFrames } from '../crypto/frames.ts';
import { SealedBoxError } from '../crypto/sealed-box.ts';
import { type TenantCipher, UnknownKeyVersionError } from '../crypto/tenant-cipher.ts';
import { outOfResource } from '../fhir/system-errors.ts';
import type { ObjectStore } from '../gateways/object-store.ts';

export interface ObjectReader {
  readonly cipher: Pick<TenantCipher, 'open'>;
  readonly objectStore: Pick<ObjectStore, 'get'>;
}

export interface StoredObject {
  readonly objectId: string;
  /** What its frames are sealed as. */
  readonly context: string;
  /** The version of a resource whose object it is. */
  readonly ofVersion: string;
}

/** A piece per frame; throws where the object is not whole, at the latest at its end. */
export async function* openObject(
  { cipher, objectStore }: ObjectReader,
  { objectId, context, ofVersion }: StoredObject,
): AsyncGenerator<Buffer, void> {
  try {
    yield* openFrames(cipher, objectStore.get(objectId), context);
  } catch (cause) {
    if (outOfResource(cause)) throw cause;
    const Kind = cause instanceof UnknownKeyVersionError ? UnknownKeyVersionError : SealedBoxError;
    throw new Kind(`The object ${objectId} of ${ofVersion} does not open.`, { cause });
  }
}
