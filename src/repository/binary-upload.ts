// Takes a Binary's content before its transaction opens, for a transaction must not wait for a client.

import type { Binary, Resource } from '@medplum/fhirtypes';
import type { Bytes } from '../crypto/frames.ts';
import { newId, timeOfId } from '../fhir/ids.ts';
import { putContent, type StoredContent } from './binary-content.ts';
import type { Session } from './session.ts';

export interface Upload {
  /** Stands for the resource on its way through the write path. */
  readonly resource: Binary;
  /** Whether a write has stored the resource with this content. */
  isTaken(): boolean;
  /** Removes the content; only for one that no commit can have stored. */
  discard(): Promise<void>;
}

interface UploadedContent {
  /** Undefined when there was not one byte. */
  readonly content: StoredContent | undefined;
  isTaken: boolean;
}

/** Copies of the resource carry it on, while validation and JSON do not see it. */
const uploaded = Symbol('uploaded content');

/** Older objects may be about to be swept; a request never takes so long. */
const uploadAgeMaxMs = 3_600_000;

/** `session` has no transaction open; `resource` has no `data`. */
export async function uploadBinary(session: Session, resource: Binary, bytes: Bytes): Promise<Upload> {
  const { objectStore } = session.repository;
  const objectId = newId(session.repository.now().getTime());
  const content = await putContent({ cipher: session.cipher, objectStore }, objectId, bytes);
  const isEmpty = content.sizeBytes === 0;
  if (isEmpty) await objectStore.remove(objectId);
  const state: UploadedContent = { content: isEmpty ? undefined : content, isTaken: false };
  return {
    resource: { ...resource, [uploaded]: state } as Binary,
    isTaken: () => state.isTaken,
    // What stays in spite of it is swept.
    discard: () => objectStore.remove(objectId).catch(() => undefined),
  };
}

/** The content that was uploaded for this resource, for the write that now stores it. */
export function takeUploaded(session: Session, resource: Resource): Pick<UploadedContent, 'content'> | undefined {
  const state = (resource as { readonly [uploaded]?: UploadedContent })[uploaded];
  if (!state) return undefined;
  const madeMs = state.content && timeOfId(state.content.objectId);
  if (madeMs !== undefined && session.repository.now().getTime() - madeMs > uploadAgeMaxMs) {
    throw new Error('An uploaded content has become too old to be stored.');
  }
  state.isTaken = true;
  return state;
}
