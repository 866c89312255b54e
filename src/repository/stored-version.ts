// One stored version of a resource and how its encrypted body becomes JSON again.

import type { Reference, Resource } from '@medplum/fhirtypes';
import { SealedBoxError } from '../crypto/sealed-box.ts';
import type { TenantCipher } from '../crypto/tenant-cipher.ts';
import { parseJson, serializeJson } from '../fhir/json.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { ObjectStore } from '../gateways/object-store.ts';
import { type BinaryHead, openHead } from './binary-content.ts';
import { base64Bytes, binaryJson } from './binary-json.ts';
import { openObject } from './stored-object.ts';
import { takeTurn } from './turn.ts';

/** The columns every reader of versions selects. */
export const versionColumns = 'type, id, version_id, last_updated, deleted, content, object_id';

export interface VersionRow {
  readonly type: string;
  readonly id: string;
  readonly version_id: number;
  readonly last_updated: Date;
  readonly deleted: boolean;
  readonly content: Buffer | null;
  readonly object_id: string | null;
}

export interface StoredVersion {
  readonly type: string;
  readonly id: string;
  readonly versionId: number;
  readonly lastUpdated: Date;
  /** UTF-8 JSON as it was stored; undefined for a deletion. */
  readonly body: Buffer | undefined;
  /** Of a Binary: see binary-access.ts. */
  readonly securityContext?: Reference | undefined;
  /** The body has more than is stored, which is another one at another time: see show-computed.ts. */
  readonly isComputed?: boolean;
}

/** Additional data of the encryption: a body moved to another row, id or version does not open. */
export function bodyContext(type: string, id: string, versionId: number): string {
  return `${type}|${id}|${versionId}`;
}

export interface BodyReader {
  readonly cipher: TenantCipher;
  readonly objectStore: ObjectStore;
}

export async function openVersion(reader: BodyReader, row: VersionRow): Promise<StoredVersion> {
  if (row.deleted) return versionOf(row, undefined);
  if (row.type !== 'Binary') return versionOf(row, await openBody(reader, row));
  const head = openBinaryHead(reader, row);
  return { ...versionOf(row, await collect(binaryJson(reader, head))), securityContext: head.securityContext };
}

/** What a Binary says about itself, without `data`, for whoever has no use for the content. */
export function openWithoutData(reader: BodyReader, row: VersionRow): Promise<StoredVersion> {
  if (row.deleted || row.type !== 'Binary') return openVersion(reader, row);
  const { json, securityContext } = openBinaryHead(reader, row);
  return Promise.resolve({ ...versionOf(row, Buffer.from(json)), securityContext });
}

/** All `data` of one list together; a search may find a thousand Binaries of 60 MB each. */
const listedDataBytesMax = 16_000_000;

/** A page of eighty takes about one of them: whoever asked for less goes in between. */
const openingMs = 0.5;

/** All bodies of one list together. The first may have any size, so that each resource can be found on a page of its own. */
const listedBytesMax = 100_000_000;

/**
 * The versions of a list. The Binaries whose content does not fit any more come without it, tagged SUBSETTED:
 * https://hl7.org/fhir/R4/valueset-common-tags.html. Throws 400 `too-costly` where the bodies are too large together.
 */
export async function openVersions(reader: BodyReader, rows: readonly VersionRow[]): Promise<StoredVersion[]> {
  const versions: StoredVersion[] = [];
  let bytes = 0;
  let dataBytesLeft = listedDataBytesMax;
  // A page may have a thousand, most have fewer than one turn opens.
  const turn = takeTurn(openingMs);
  for (const row of rows) {
    if (turn.isOver()) await turn.next();
    const dataBytes = dataBytesOf(reader, row);
    const fits = dataBytes <= dataBytesLeft;
    if (fits) dataBytesLeft -= dataBytes;
    const known = openAtOnce(reader, row);
    const version = known ?? (fits ? await openVersion(reader, row) : await openSubsetted(reader, row));
    bytes += version.body?.length ?? 0;
    if (bytes > listedBytesMax && versions.length > 0) {
      throw fhirError(
        'too-costly',
        `A page takes at most ${listedBytesMax} bytes of resources; ask for fewer by _count.`,
      );
    }
    versions.push(version);
  }
  return versions;
}

/** Undefined for what is not in the row alone: a page of promises costs a good part of what opening it does. */
function openAtOnce({ cipher }: BodyReader, row: VersionRow): StoredVersion | undefined {
  if (row.deleted || row.type === 'Binary' || !row.content) return undefined;
  return versionOf(row, cipher.open(row.content, bodyContext(row.type, row.id, row.version_id)));
}

/** Of the base64 text of a Binary's content. */
function dataBytesOf(reader: BodyReader, row: VersionRow): number {
  if (row.type !== 'Binary' || row.deleted || row.object_id === null) return 0;
  return base64Bytes(openBinaryHead(reader, row).content?.sizeBytes ?? 0);
}

async function openSubsetted(reader: BodyReader, row: VersionRow): Promise<StoredVersion> {
  const { body, ...version } = await openWithoutData(reader, row);
  return { ...version, body: body && subsetted(body.toString()) };
}

/** Throws when the row is not a Binary's. */
export function openBinaryHead({ cipher }: Pick<BodyReader, 'cipher'>, row: VersionRow): BinaryHead {
  if (!row.content) throw new SealedBoxError(`Binary|${row.id}|${row.version_id} has no head.`);
  return openHead(cipher, { id: row.id, versionId: row.version_id, objectId: row.object_id, sealed: row.content });
}

function versionOf(row: VersionRow, body: Buffer | undefined): StoredVersion {
  return { type: row.type, id: row.id, versionId: row.version_id, lastUpdated: row.last_updated, body };
}

async function openBody(reader: BodyReader, row: VersionRow): Promise<Buffer> {
  const context = bodyContext(row.type, row.id, row.version_id);
  if (row.content) return reader.cipher.open(row.content, context);
  if (row.object_id === null) throw new SealedBoxError(`${context} has no body.`);
  return await collect(openObject(reader, { objectId: row.object_id, context, ofVersion: context }));
}

async function collect(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const collected: Buffer[] = [];
  for await (const piece of pieces) collected.push(piece);
  return Buffer.concat(collected);
}

function subsetted(json: string): Buffer {
  const { value, exactNumbers } = parseJson(json);
  const { meta } = value as { meta: { tag?: object[] } };
  const system = 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue';
  meta.tag = [...(meta.tag ?? []), { system, code: 'SUBSETTED' }];
  return Buffer.from(serializeJson(value, exactNumbers));
}

export function parseBody(version: StoredVersion): Resource | undefined {
  return version.body && (JSON.parse(version.body.toString()) as Resource);
}
