// The list of what came behind a backup cannot be changed without the root key; what older versions wrote is signed when it is gone on with.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { findWrongFiles } from '../../src/commands/backup/check-files.ts';
import { FileList } from '../../src/commands/backup/file-list.ts';
import { type FollowedOptions, openFollowed } from '../../src/commands/backup/followed-list.ts';
import {
  lists,
  type Manifest,
  readManifest,
  requireRootKey,
  rootKeyId,
  writeManifest,
} from '../../src/commands/backup/manifest.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';

const root = makeTemporaryFolder();
const rootKey = randomBytes(32);
const names = ['wal/1', 'wal/2', 'objects/aa/bb/3', 'wal/4'];
let folder: string;
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeEach(async () => {
  folder = mkdtempSync(path.join(root, 'backup-'));
  for (const below of ['wal', 'objects/aa/bb']) mkdirSync(path.join(folder, below), { recursive: true });
  for (const name of names) writeFileSync(path.join(folder, name), `what is in ${name}`);
  await makeManifest(true);
});

const listed = () => path.join(folder, lists.followed);
const lines = () => readFileSync(listed(), 'utf8').split('\n').slice(0, -1);
const write = (given: readonly string[]) => writeFileSync(listed(), given.map((line) => `${line}\n`).join(''));
const options = (): FollowedOptions => ({ folder, manifest: readManifest(folder), rootKey });
const wrong = () => findWrongFiles(options(), () => undefined);
const changed = (line: number) => [`${lists.followed} is not as it was written from line ${line} on`];

async function makeManifest(isFollowedSigned: boolean): Promise<void> {
  const whole = new FileList(folder, lists.whole);
  rmSync(path.join(folder, lists.whole), { force: true });
  const manifest = {
    ...{ format: 1, kind: 'physical', startedAt: '', finishedAt: '', database: '', migrations: [], leftOut: [] },
    ...{ postgresql: { version: '18.4', major: 18 }, rootKeyId: rootKeyId(rootKey), objects: 0 },
    list: { sha256: await whole.close(), files: 0, bytes: 0 },
    ...(isFollowedSigned && { isFollowedSigned }),
  } satisfies Manifest as Manifest;
  await writeManifest(folder, manifest, rootKey);
}

async function add(...files: readonly string[]): Promise<void> {
  const list = await openFollowed(options());
  for (const file of files) await list.add(file);
}

/** As versions of before wrote it. */
async function addUnsigned(): Promise<void> {
  await makeManifest(false);
  const list = new FileList(folder, lists.followed);
  for (const name of names) await list.add(name);
}

describe('a list under MACs', () => {
  test('is gone on with, and is whole', async () => {
    await add(...names.slice(0, 1));
    await add(...names.slice(1, 3));
    await add(...names.slice(3));
    expect(lines()).toHaveLength(8);
    expect(await wrong()).toEqual([]);
  });

  test('is one for sha256sum still', async () => {
    await add(...names);
    const said = execFileSync('sha256sum', ['--strict', '-c', lists.followed], { cwd: folder, encoding: 'utf8' });
    expect(said.trim().split('\n')).toEqual(names.map((name) => `${name}: OK`));
  });

  test.each<[string, number, (all: string[]) => string[]]>([
    ['a line taken out', 3, (all) => all.toSpliced(2, 2)],
    ['the first taken out', 1, (all) => all.slice(2)],
    [
      'two lines that changed places',
      3,
      (all) => [...all.slice(0, 2), ...all.slice(4, 6), ...all.slice(2, 4), ...all.slice(6)],
    ],
    ['a line come again', 9, (all) => [...all, ...all.slice(-2)]],
    ['a line without MAC between', 3, (all) => all.toSpliced(3, 1)],
    ['the MACs taken out', 1, (all) => all.filter((line) => !line.startsWith('#'))],
    ['another MAC', 5, (all) => all.with(5, `#${'0'.repeat(64)}`)],
    ['a file outside', 1, (all) => all.with(0, `${'0'.repeat(64)}  ../x`)],
  ])('%s is seen', async (_, line, change) => {
    await add(...names);
    write(change(lines()));
    expect(await wrong()).toEqual(expect.arrayContaining(changed(line)));
    await expect(openFollowed(options())).rejects.toThrow(`from line ${line} on`);
  });

  test('a file that was changed together with its line is seen', async () => {
    await add(...names);
    writeFileSync(path.join(folder, 'wal/2'), 'something else');
    const other = new FileList(folder, 'other');
    await other.add('wal/2');
    write(lines().with(2, readFileSync(path.join(folder, 'other'), 'utf8').trim()));
    expect(await wrong()).toEqual(expect.arrayContaining(changed(3)));
  });

  test('lines of another backup, and those of another root key, are seen', async () => {
    await add(...names);
    const manifest = readManifest(folder);
    const of = (one: Partial<FollowedOptions>) => findWrongFiles({ ...options(), ...one }, () => undefined);
    const elsewhere = { ...manifest, list: { ...manifest.list, sha256: '1'.repeat(64) } };
    expect(await of({ manifest: elsewhere })).toEqual(expect.arrayContaining(changed(1)));
    expect(await of({ rootKey: randomBytes(32) })).toEqual(expect.arrayContaining(changed(1)));
  });

  test.each([1, 30, 66, 80])('a last line that lacks %i bytes is taken away, and then gone on with', async (bytes) => {
    await add(...names.slice(0, 3));
    const whole = lines();
    truncateSync(listed(), readFileSync(listed()).length - bytes);
    await openFollowed(options());
    expect(lines()).toEqual(whole.slice(0, 4));
    await add('objects/aa/bb/3', 'wal/4');
    expect(await wrong()).toEqual([]);
  });
});

describe('a list of before there were MACs', () => {
  test('is taken as it is, and signed when it is gone on with', async () => {
    await addUnsigned();
    expect(await wrong()).toEqual([]);
    writeFileSync(path.join(folder, 'wal/5'), 'and on');
    await add('wal/5');
    expect(lines()).toHaveLength(10);
    expect(await wrong()).toEqual([]);
    const manifest = readManifest(folder);
    expect(manifest.isFollowedSigned).toBe(true);
    expect(() => requireRootKey(manifest, rootKey)).not.toThrow();
    write(lines().filter((line) => !line.startsWith('#')));
    expect(await wrong()).toEqual(expect.arrayContaining(changed(1)));
  });

  test('who was stopped before the manifest said so begins again', async () => {
    await addUnsigned();
    const before = readFileSync(path.join(folder, 'manifest.json'));
    await openFollowed(options());
    writeFileSync(path.join(folder, 'manifest.json'), before);
    expect(await wrong()).toEqual([]);
    await add();
    expect(lines()).toHaveLength(8);
    expect(await wrong()).toEqual([]);
  });

  test('is not signed where a file is another one by now', async () => {
    await addUnsigned();
    writeFileSync(path.join(folder, 'wal/2'), 'something else');
    await expect(openFollowed(options())).rejects.toThrow('wal/2 is not as it was written');
    expect(readManifest(folder).isFollowedSigned).toBeUndefined();
  });
});
