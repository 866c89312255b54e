// Whether every file of a backup is there as it was written, before anything is made of it.

import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { hashOf, type ListedFile, readList } from './file-list.ts';
import { type FollowedOptions, readFollowed } from './followed-list.ts';
import { lists } from './manifest.ts';

/** Gives what is wrong, by file. */
export async function findWrongFiles(options: FollowedOptions, progress: (text: string) => void): Promise<string[]> {
  const { folder, manifest } = options;
  if (!existsSync(path.join(folder, lists.whole))) return [`${lists.whole} is missing`];
  const problems: string[] = [];
  if ((await hashOf(path.join(folder, lists.whole))) !== manifest.list.sha256) {
    problems.push(`${lists.whole} is not the list that the manifest names`);
  }
  const listed = new Set<string>();
  const check = async ({ file, sha256 }: ListedFile) => {
    listed.add(file);
    const problem = await problemOf(path.join(folder, file), sha256);
    if (problem !== undefined) problems.push(`${file} ${problem}`);
    progress(`${listed.size} files checked`);
  };
  for await (const file of readList(folder, lists.whole)) await check(file);
  const { files, wrongLine } = readFollowed(options);
  if (wrongLine !== undefined) problems.push(`${lists.followed} is not as it was written from line ${wrongLine} on`);
  for (const file of files) await check(file);
  for (const file of await unlistedLog(folder, listed)) problems.push(`${file} is no file of this backup`);
  return problems;
}

async function problemOf(file: string, sha256: string): Promise<string | undefined> {
  if (!existsSync(file)) return 'is missing';
  return (await hashOf(file)) === sha256 ? undefined : 'is not as it was written';
}

/** What follows the server is being written: the last file of the log, and an object before its line is in the list. */
export async function unlistedLog(folder: string, listed: ReadonlySet<string>): Promise<string[]> {
  const entries = await readdir(path.join(folder, 'wal'), { withFileTypes: true }).catch(() => []);
  return entries.map(({ name }) => `wal/${name}`).filter((file) => !file.endsWith('.partial') && !listed.has(file));
}
