// A clinic under load whose PostgreSQL is backed up and followed, then killed for good and restored to moments that were noted meanwhile.

import { rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { App } from '../../src/app.ts';
import { findWrongFiles } from '../../src/commands/backup/check-files.ts';
import { withClient } from '../../src/commands/backup/database-facts.ts';
import { follow } from '../../src/commands/backup/follow.ts';
import { type Manifest, makeBackupFolder } from '../../src/commands/backup/manifest.ts';
import { restoreObjects, restorePhysical } from '../../src/commands/backup/restore-physical.ts';
import { writePhysical } from '../../src/commands/backup/write-physical.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrate.ts';
import { rolePassword } from '../../src/database/role-password.ts';
import { FaultBed, waitFor } from '../faults/bed.ts';
import { findProblems } from '../faults/checker.ts';
import { type Intent, Load } from '../faults/load.ts';
import { testRootKey } from '../support/database.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';

/** What was known when the moment came: everything answered by then must be in a restore to it. */
export interface Moment {
  readonly at: Date;
  readonly intents: readonly Intent[];
}

const lanes = 4;
const silent = () => undefined;

export class KilledServer {
  readonly bed: FaultBed;
  readonly folder: string;
  readonly load: Load;
  readonly #root: string;
  readonly #following: Promise<void>;
  readonly #stopping: AbortController;
  readonly manifest: Manifest;
  readonly #app: App;
  readonly #server: EmbeddedPostgres;
  killedAt = new Date(0);
  #restored = 0;

  /** Under load from before the backup begins. */
  static async open(): Promise<KilledServer> {
    const root = makeTemporaryFolder();
    const dataDir = path.join(root, 'data');
    const server = await startEmbeddedPostgres({
      dataDir,
      password: rolePassword(testRootKey, 'postgres'),
      log: silent,
    });
    await migrate({ databaseUrl: server.url, rootKey: testRootKey });
    const bed = await FaultBed.open({ url: server.url, drop: async () => undefined });
    const app = await bed.start();
    const load = await Load.open(bed);
    // The backup goes through this process, too, a piece in each turn of its loop.
    load.start(1);
    const folder = path.join(root, 'backup');
    await makeBackupFolder(folder);
    const backup = { databaseUrl: server.url, dataDir: bed.dataDir, rootKey: testRootKey, folder, progress: silent };
    const { manifest, receiver } = await writePhysical(backup);
    load.start(lanes - 1);
    const stopping = new AbortController();
    const following = follow({ ...backup, manifest, receiver, signal: stopping.signal, log: silent });
    return new KilledServer({ root, folder, bed, load, manifest, app, server, stopping, following });
  }

  private constructor(parts: {
    readonly root: string;
    readonly folder: string;
    readonly bed: FaultBed;
    readonly load: Load;
    readonly manifest: Manifest;
    readonly app: App;
    readonly server: EmbeddedPostgres;
    readonly stopping: AbortController;
    readonly following: Promise<void>;
  }) {
    this.#root = parts.root;
    this.folder = parts.folder;
    this.bed = parts.bed;
    this.load = parts.load;
    this.manifest = parts.manifest;
    this.#app = parts.app;
    this.#server = parts.server;
    this.#stopping = parts.stopping;
    this.#following = parts.following;
  }

  get answered(): number {
    return this.load.intents.filter(({ answer }) => answer).length;
  }

  /** Notes the moment after so many more answers. */
  async momentAfter(answers: number): Promise<Moment> {
    const before = this.answered;
    await waitFor('traffic', () => this.answered >= before + answers);
    const intents = this.load.intents.map((intent) => ({ ...intent, attempts: [] }));
    // PostgreSQL's times are finer than ours: what is answered is older than the next millisecond.
    return { at: new Date(Date.now() + 2), intents };
  }

  /** Under load; what was on its way is lost, and so is the data directory. */
  async kill(): Promise<void> {
    // The log that proves the last moment must have a commit behind it and be on its way.
    await this.momentAfter(lanes);
    await delay(1_000);
    this.killedAt = new Date();
    await this.#server.stopImmediately();
    await this.load.stop();
    await this.#app.close();
    this.#stopping.abort();
    await this.#following;
    rmSync(path.join(this.#root, 'data'), { recursive: true, force: true });
    rmSync(this.bed.dataDir, { recursive: true, force: true });
  }

  wrongFiles(): Promise<string[]> {
    return findWrongFiles({ folder: this.folder, manifest: this.manifest, rootKey: testRootKey }, silent);
  }

  /** Absent: as far as the log goes. */
  async restore(until?: Date): Promise<{ readonly server: EmbeddedPostgres; readonly dataDir: string }> {
    this.#restored += 1;
    const dataDir = path.join(this.#root, `restored-${this.#restored}`);
    const server = await restorePhysical({
      ...{ folder: this.folder, manifest: this.manifest, dataDir, rootKey: testRootKey, progress: silent },
      ...(until ? { until } : {}),
    });
    restoreObjects(this.folder, dataDir, 'copy');
    return { server, dataDir };
  }

  /** Clients go on with the restored server; gives what the checker finds. */
  async check({ at, intents }: Moment): Promise<string[]> {
    const { server, dataDir } = await this.restore(at);
    const bed = Object.assign(this.bed, { dataDir, database: { url: server.url, drop: async () => undefined } });
    for (const client of [bed.a, bed.b]) client.forgetToken();
    const app = await bed.start();
    try {
      return await findProblems(bed, intents);
    } finally {
      await app.close();
      await server.stopImmediately();
    }
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.load.stop();
    await this.bed.close();
    await this.#server.stopImmediately();
    rmSync(this.#root, { recursive: true, force: true });
  }
}

/** Of a restored database, as its superuser. */
export function query<Row>(databaseUrl: string, text: string, values: unknown[] = []): Promise<Row[]> {
  return withClient(databaseUrl, async (client) => (await client.query(text, values)).rows as Row[]);
}
