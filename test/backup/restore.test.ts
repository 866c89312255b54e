// A backup of a running clinic, followed until PostgreSQL is killed for good: what is restored is the clinic of one moment (fault 37).

import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readManifest, requireRootKey } from '../../src/commands/backup/manifest.ts';
import { testRootKey } from '../support/database.ts';
import { KilledServer, type Moment } from './killed-server.ts';

describe('a server that was killed under load', () => {
  let server: KilledServer;
  let moment: Moment;
  beforeAll(async () => {
    server = await KilledServer.open();
    moment = await server.momentAfter(30);
    await server.kill();
  }, 120_000);
  afterAll(() => server.close());

  test('is restored to a moment between backup and end: everything answered by then is there, whole and once', async () => {
    expect(await server.wrongFiles()).toEqual([]);
    expect(moment.intents.filter(({ answer }) => answer).length).toBeGreaterThan(20);
    expect(await server.check(moment)).toEqual([]);
  }, 60_000);

  test('is not restored to a moment before the backup was whole', async () => {
    const early = new Date(Date.parse(server.manifest.startedAt) - 1);
    await expect(server.restore(early)).rejects.toThrow('it can be restored to that moment or a later one');
  });

  test('a backup with one flipped byte is not restored; the file is named', async () => {
    const file = openSync(path.join(server.folder, 'database/base.tar.zst'), 'r+');
    const byte = Buffer.alloc(1);
    readSync(file, byte, 0, 1, 5_000);
    writeSync(file, Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, 5_000);
    closeSync(file);
    expect(await server.wrongFiles()).toEqual(['database/base.tar.zst is not as it was written']);
  });

  test('a manifest that was changed is told from its own, and another root key from the one it was made with', () => {
    const manifest = readManifest(server.folder);
    expect(() => requireRootKey(manifest, testRootKey)).not.toThrow();
    expect(() => requireRootKey({ ...manifest, database: 'other' }, testRootKey)).toThrow('changed this backup');
    expect(() => requireRootKey(manifest, Buffer.alloc(32))).toThrow('not the root key');
    expect(JSON.stringify(manifest)).not.toContain(testRootKey.toString('base64'));
  });
});
