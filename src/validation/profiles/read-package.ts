// Reads a FHIR package, a gzipped tar in npm's format, without ever holding more than it may: https://confluence.hl7.org/display/FHIR/NPM+Package+Specification

import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Resource } from '@medplum/fhirtypes';
import { type Extract, extract, type Header } from 'tar-stream';
import { parseJson } from '../../fhir/json.ts';
import { FhirError, fhirError } from '../../fhir/outcome.ts';
import { type Manifest, readManifest } from './package-manifest.ts';

/** Throws a FhirError for what is no package, is too large, or is for another version of FHIR. */
export async function readPackage(
  source: AsyncIterable<Uint8Array>,
  limits: PackageLimits = packageLimits,
): Promise<FhirPackage> {
  const archive = extract();
  const meter = { packedBytes: 0, unpackedBytes: 0 };
  const feeding = pipeline(source, countPacked(meter, limits), createGunzip(), countUnpacked(meter, limits), archive);
  const [read, fed] = await Promise.allSettled([readEntries(archive, limits), feeding]);
  // What stops the reader stops the feeder and the other way round: the one with something to say goes first.
  const failures = [read, fed].flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  if (read.status === 'rejected' || failures.length > 0) {
    throw failures.find((reason) => reason instanceof FhirError) ?? damaged(failures[0]);
  }
  return toPackage(read.value);
}

export interface FhirPackage extends Manifest {
  /** Definitions in the package's main folder; examples and other resources are left out. */
  readonly resources: readonly PackagedResource[];
}

export interface PackagedResource {
  /** Its name in the archive. */
  readonly file: string;
  readonly resource: Resource;
  readonly exactNumbers?: ReadonlyMap<string, string>;
}

/** Twice what the largest implementation guides have. */
export const packageLimits = {
  packedBytesMax: 32 * 2 ** 20,
  unpackedBytesMax: 128 * 2 ** 20,
  /** Of unpacked to packed bytes, beyond the first megabyte. */
  ratioMax: 100,
  filesMax: 20_000,
  fileBytesMax: 8 * 2 ** 20,
};

export type PackageLimits = Readonly<typeof packageLimits>;

/** A file of the archive: its content comes as the archive is read. */
interface Entry extends AsyncIterable<unknown> {
  readonly header: Header;
}

interface Meter {
  packedBytes: number;
  unpackedBytes: number;
}

const definitionTypes: ReadonlySet<string> = new Set([
  'CodeSystem',
  'ConceptMap',
  'NamingSystem',
  'OperationDefinition',
  'SearchParameter',
  'StructureDefinition',
  'ValueSet',
]);

function countPacked(meter: Meter, { packedBytesMax }: PackageLimits) {
  return async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      meter.packedBytes += chunk.length;
      if (meter.packedBytes > packedBytesMax) throw tooLarge(`it has more than ${packedBytesMax} bytes`);
      yield chunk;
    }
  };
}

function countUnpacked(meter: Meter, { unpackedBytesMax, ratioMax }: PackageLimits) {
  return async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      meter.unpackedBytes += chunk.length;
      const { unpackedBytes, packedBytes } = meter;
      if (unpackedBytes > unpackedBytesMax) throw tooLarge(`unpacked it has more than ${unpackedBytesMax} bytes`);
      if (unpackedBytes > 2 ** 20 + packedBytes * ratioMax)
        throw tooLarge(`it unpacks to over ${ratioMax} times its size`);
      yield chunk;
    }
  };
}

/** The texts of the main folder by name. */
async function readEntries(archive: Extract, limits: PackageLimits): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  let files = 0;
  for await (const entry of archive) {
    files += 1;
    if (files > limits.filesMax) throw tooLarge(`it has more than ${limits.filesMax} files`);
    const name = /^(?:\.\/)?package\/([A-Za-z0-9_][\w.~@+-]{0,250}\.json)$/.exec(entry.header.name)?.[1];
    const isFile = entry.header.type === 'file' || entry.header.type === 'contiguous-file';
    if (name === undefined || !isFile) await passOver(entry);
    else texts.set(name, await textOf(entry, name, limits));
  }
  return texts;
}

async function passOver(entry: Entry): Promise<void> {
  for await (const _ of entry);
}

async function textOf(entry: Entry, name: string, { fileBytesMax }: PackageLimits): Promise<string> {
  if (entry.header.size > fileBytesMax) throw tooLarge(`${name} has more than ${fileBytesMax} bytes`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of entry) chunks.push(chunk as Uint8Array);
  const text = Buffer.concat(chunks).toString('utf8');
  // npm's files have no byte order mark, but some editors write one.
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

function toPackage(texts: ReadonlyMap<string, string>): FhirPackage {
  const manifest = texts.get('package.json');
  if (manifest === undefined) throw fhirError('invalid', 'The package has no package/package.json.');
  const resources: PackagedResource[] = [];
  for (const [file, text] of texts) {
    if (file === 'package.json') continue;
    const { value, exactNumbers } = parseFile(file, text);
    const { resourceType } = (value ?? {}) as { resourceType?: unknown };
    if (typeof resourceType !== 'string' || !definitionTypes.has(resourceType)) continue;
    resources.push({ file, resource: value as Resource, ...(exactNumbers && { exactNumbers }) });
  }
  return { ...readManifest(parseFile('package.json', manifest).value), resources };
}

function parseFile(file: string, text: string): ReturnType<typeof parseJson> {
  try {
    return parseJson(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : 'it cannot be read';
    throw fhirError('invalid', `package/${file} is no JSON: ${why}`, { cause: error });
  }
}

function tooLarge(why: string): FhirError {
  return fhirError('too-long', `The package is too large: ${why}.`);
}

function damaged(cause: unknown): FhirError {
  return fhirError('invalid', 'The package is no gzipped tar archive, or it is damaged.', { cause });
}
