// Opens what stands in the object store. An object that is missing, cut short or another's names, for the log, whose it is.

import { keyVersionOfFrames, openFrames } from '../crypto/frames.ts';
import { SealedBoxError } from '../crypto/sealed-box.ts';
import { type TenantCipher, UnknownKeyVersionError } from '../crypto/tenant-cipher.ts';
import { outOfResource } from '../fhir/system-errors.ts';
import type { ObjectStore } from '../gateways/object-store.ts';

export interface ObjectReader {
  readonly cipher: Pick<TenantCipher, 'open'>;
  readonly objectStore: Pick<ObjectStore, 'get'>;
}

export interface NamedObject {
  readonly objectId: string;
  /** The version of a resource whose object it is. */
  readonly ofVersion: string;
}

export interface StoredObject extends NamedObject {
  /** What its frames are sealed as. */
  readonly context: string;
}

/** A piece per frame; throws where the object is not whole, at the latest at its end. */
export async function* openObject(
  { cipher, objectStore }: ObjectReader,
  { objectId, context, ofVersion }: StoredObject,
): AsyncGenerator<Buffer, void> {
  try {
    yield* openFrames(cipher, objectStore.get(objectId), context);
  } catch (error) {
    throw ofObject(error, { objectId, ofVersion });
  }
}

/** Of the data key that all of its frames are sealed under. */
export async function keyVersionOfObject(
  { objectStore }: Pick<ObjectReader, 'objectStore'>,
  object: NamedObject,
): Promise<number> {
  try {
    return await keyVersionOfFrames(objectStore.get(object.objectId));
  } catch (error) {
    throw ofObject(error, object);
  }
}

function ofObject(cause: unknown, { objectId, ofVersion }: NamedObject): unknown {
  if (outOfResource(cause)) return cause;
  const Kind = cause instanceof UnknownKeyVersionError ? UnknownKeyVersionError : SealedBoxError;
  return new Kind(`The object ${objectId} of ${ofVersion} does not open.`, { cause });
}
