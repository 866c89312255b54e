// The part of a write that is about Binary: its content goes to the object store, and its securityContext decides who may write it.

import type { Binary } from '@medplum/fhirtypes';
import { newId } from '../fhir/ids.ts';
import { serializeJson } from '../fhir/json.ts';
import { fhirError, notFound } from '../fhir/outcome.ts';
import { mayReadContext } from './binary-access.ts';
import { putContent, type StoredContent, sealHead } from './binary-content.ts';
import { takeUploaded } from './binary-upload.ts';
import type { Change } from './change.ts';
import type { Session } from './session.ts';

export interface StoredBody {
  /** The sealed bytes of the row; null when all of them are in the object. */
  readonly content: Buffer | null;
  readonly objectId: string | null;
  /** The JSON text as reads give it; without `data` where that was uploaded. */
  readonly json: string;
}

/** `change` has a resource. */
export async function storeBinary(session: Session, change: Change): Promise<StoredBody> {
  const { id, versionId } = change;
  const { data, ...head } = change.resource as Binary;
  const upload = takeUploaded(session, head);
  if (upload) requireSameProtection(change);
  const json = serializeJson(head, change.exactNumbers);
  const bytes = data === undefined ? undefined : Buffer.from(data, 'base64');
  const content = upload ? upload.content : bytes && (await storeContent(session, bytes));
  const objectId = content?.objectId ?? null;
  return {
    content: sealHead(session.cipher, { id, versionId, objectId }, json, content),
    objectId,
    json: bytes ? `${json.slice(0, -1)},"data":"${bytes.toString('base64')}"}` : json,
  };
}

function storeContent(session: Session, bytes: Buffer): Promise<StoredContent> {
  const { objectStore } = session.repository;
  return putContent({ cipher: session.cipher, objectStore }, newId(session.at.getTime()), [bytes]);
}

/** A native update says its context in a header that is easily forgotten, and the content would be open to all readers. */
function requireSameProtection({ index, resource, oldResource }: Change): void {
  if (!(oldResource as Binary | undefined)?.securityContext || (resource as Binary).securityContext) return;
  throw fhirError('required', 'This Binary has a securityContext: say it again in the header X-Security-Context.', {
    expression: 'Binary.securityContext',
    writeIndex: index,
  });
}

/**
 * Throws 404 when the Binary is there for those only who may read what its securityContext names, and 403 when the new
 * context is out of the caller's reach.
 */
export async function requireContext(
  session: Session,
  { index, type, id, resource, oldResource }: Change,
): Promise<void> {
  const before = (oldResource as Binary | undefined)?.securityContext;
  const after = (resource as Binary | undefined)?.securityContext;
  if (!(await mayReadContext(session, before))) throw notFound(type, id).ofWrite(index);
  if (await mayReadContext(session, after)) return;
  throw fhirError('forbidden', 'The access token does not allow to read what the securityContext names.', {
    expression: 'Binary.securityContext',
    writeIndex: index,
  });
}
