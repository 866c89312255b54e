// The list of what came behind a backup while it followed its server. Each line is under a MAC that goes on from the line before, so
// that nobody without the root key can change, add, move or take out one; the end alone can be cut off, as with an earlier copy.

import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError } from '../../config.ts';
import { rolePassword } from '../../database/role-password.ts';
import { FileList, hashOf, type ListedFile, listLine, parseListLine } from './file-list.ts';
import { lists, type Manifest, writeManifest } from './manifest.ts';

/** A comment for `sha256sum -c`. */
const macSyntax = /^#[0-9a-f]{64}$/;

export interface FollowedOptions {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly rootKey: Buffer;
}

/** Gives the comment behind each line; the first MAC goes on from the hash of the backup's own list, which the manifest's is over. */
function createChain({ manifest, rootKey }: FollowedOptions): (line: string) => string {
  const key = rolePassword(rootKey, 'backup followed');
  let mac = manifest.list.sha256;
  return (line) => {
    mac = createHmac('sha256', key).update(`${mac}\n${line}`).digest('hex');
    return `#${mac}`;
  };
}

interface FollowedFiles {
  readonly files: readonly ListedFile[];
  /** The first line that is not as it was written, from 1; undefined where all are. */
  readonly wrongLine: number | undefined;
  /** It was being written when its writer was stopped. */
  readonly isTorn: boolean;
}

/** Up to the line that is wrong. Of a backup of before there were MACs the lines are taken as they are. */
export function readFollowed(options: FollowedOptions): FollowedFiles {
  const file = path.join(options.folder, lists.followed);
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const lines = text.split('\n');
  const unfinished = lines.pop();
  return options.manifest.isFollowedSigned
    ? readSigned(lines, unfinished !== '', createChain(options))
    : readUnsigned(lines, unfinished !== '');
}

function readSigned(lines: readonly string[], hasRest: boolean, chain: (line: string) => string): FollowedFiles {
  const files: ListedFile[] = [];
  for (let at = 0; at < lines.length; at += 2) {
    const [line = '', mac] = lines.slice(at, at + 2);
    const listed = parseListLine(line);
    if (mac === undefined && at === lines.length - 1) return { files, wrongLine: undefined, isTorn: true };
    if (!listed || mac !== chain(line)) return { files, wrongLine: at + 1, isTorn: false };
    files.push(listed);
  }
  return { files, wrongLine: undefined, isTorn: hasRest };
}

function readUnsigned(lines: readonly string[], isTorn: boolean): FollowedFiles {
  const files: ListedFile[] = [];
  for (const [index, line] of lines.entries()) {
    // Left by who was stopped while it signed them.
    if (macSyntax.test(line)) continue;
    const listed = parseListLine(line);
    if (!listed) return { files, wrongLine: index + 1, isTorn: false };
    files.push(listed);
  }
  return { files, wrongLine: undefined, isTorn };
}

/** To go on with: what an older version has written is signed first, what was torn is taken away. Throws where a line is wrong. */
export async function openFollowed(options: FollowedOptions): Promise<FileList> {
  const { folder, manifest, rootKey } = options;
  const { mac: _, ...unsigned } = manifest;
  const { files, wrongLine, isTorn } = readFollowed(options);
  if (wrongLine !== undefined) {
    throw new ConfigError(`${lists.followed} is not as it was written from line ${wrongLine} on; make a new backup.`);
  }
  const chain = createChain(options);
  const signed = files.map((file) => `${listLine(file)}\n${chain(listLine(file))}\n`);
  if (!manifest.isFollowedSigned) await requireWritten(folder, files);
  if (isTorn || !manifest.isFollowedSigned) await replace(path.join(folder, lists.followed), signed.join(''));
  if (!manifest.isFollowedSigned) await writeManifest(folder, { ...unsigned, isFollowedSigned: true }, rootKey);
  return new FileList(folder, lists.followed, chain);
}

/** What is signed from now on must be what was listed. */
async function requireWritten(folder: string, files: readonly ListedFile[]): Promise<void> {
  for (const { file, sha256 } of files) {
    const place = path.join(folder, file);
    if (existsSync(place) && (await hashOf(place)) === sha256) continue;
    throw new ConfigError(`${file} is not as it was written; make a new backup.`);
  }
}

async function replace(file: string, text: string): Promise<void> {
  const handle = await open(`${file}.part`, 'w', 0o600);
  await handle.writeFile(text);
  await handle.sync();
  await handle.close();
  await rename(`${file}.part`, file);
}
