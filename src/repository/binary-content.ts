// How a Binary is stored: what it says about itself encrypted in its row, its content as an object of frames:
// https://hl7.org/fhir/R4/binary.html

import type { Binary, Reference } from '@medplum/fhirtypes';
import { type Bytes, sealFrames } from '../crypto/frames.ts';
import { SealedBoxError } from '../crypto/sealed-box.ts';
import type { TenantCipher } from '../crypto/tenant-cipher.ts';
import type { ObjectStore } from '../gateways/object-store.ts';
import { type ObjectReader, openObject } from './stored-object.ts';

/** Bytes in the object store, and how many. */
export interface StoredContent {
  readonly objectId: string;
  readonly sizeBytes: number;
}

/** What a Binary's row holds. */
export interface BinaryHead {
  /** The resource as JSON text, without `data`. */
  readonly json: string;
  readonly contentType: string;
  readonly securityContext: Reference | undefined;
  /** Undefined when there is no data. */
  readonly content: ContentOfVersion | undefined;
}

/** For the log: whose it is. */
export interface ContentOfVersion extends StoredContent {
  readonly ofVersion: string;
}

interface HeadRow {
  readonly id: string;
  readonly versionId: number;
  readonly objectId: string | null;
}

/** Writes the bytes as they come, encrypted, and gives their number; holds two frames at a time. */
export async function putContent(
  { cipher, objectStore }: { readonly cipher: TenantCipher; readonly objectStore: ObjectStore },
  objectId: string,
  bytes: Bytes,
): Promise<StoredContent> {
  let sizeBytes = 0;
  async function* counted() {
    for await (const piece of bytes) {
      sizeBytes += piece.length;
      yield piece;
    }
  }
  await objectStore.put(objectId, sealFrames(cipher, counted(), contentContext(objectId)));
  return { objectId, sizeBytes };
}

/** The content, a piece per frame; throws when it is not whole, at the latest at its end. */
export async function* openContent(
  reader: ObjectReader,
  { objectId, sizeBytes, ofVersion }: ContentOfVersion,
): AsyncGenerator<Buffer, void> {
  let openedBytes = 0;
  for await (const piece of openObject(reader, { objectId, ofVersion, context: contentContext(objectId) })) {
    openedBytes += piece.length;
    yield piece;
  }
  if (openedBytes !== sizeBytes) throw new SealedBoxError(`The content of ${ofVersion} is not as long as it says.`);
}

/** The row's bytes: the content's size, a line break, and the resource without its data. */
export function sealHead(
  cipher: Pick<TenantCipher, 'seal'>,
  row: HeadRow,
  json: string,
  content: StoredContent | undefined,
): Buffer {
  return cipher.seal(Buffer.from(`${content?.sizeBytes ?? 0}\n${json}`), headContext(row));
}

export function openHead(cipher: Pick<TenantCipher, 'open'>, row: HeadRow & { readonly sealed: Buffer }): BinaryHead {
  const text = cipher.open(row.sealed, headContext(row)).toString();
  const lineEnd = text.indexOf('\n');
  const json = text.slice(lineEnd + 1);
  const { contentType, securityContext } = JSON.parse(json) as Binary;
  const sizeBytes = Number(text.slice(0, lineEnd));
  const ofVersion = `Binary|${row.id}|${row.versionId}`;
  const content = row.objectId === null ? undefined : { objectId: row.objectId, sizeBytes, ofVersion };
  return { json, contentType, securityContext, content };
}

/** Additional data: a head opens only in its own version's row and with its own object, an object only under its own id. */
function headContext({ id, versionId, objectId }: HeadRow): string {
  return `Binary|${id}|${versionId}|${objectId ?? 'no content'}`;
}

function contentContext(objectId: string): string {
  return `content|${objectId}`;
}
