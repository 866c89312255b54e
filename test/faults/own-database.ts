// A PostgreSQL of the test's own, which may hang, be killed and lack whatever it needs, with a server of ours and traffic on it.

import { rmSync } from 'node:fs';
import { afterAll, beforeAll } from '@jest/globals';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrate.ts';
import { testRootKey } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { FaultBed } from './bed.ts';
import { Load } from './load.ts';

export class OwnDatabase {
  readonly dataDir: string;
  readonly port: number;
  postgres: EmbeddedPostgres;
  bed!: FaultBed;
  load!: Load;

  /** `beforeUse` is called while PostgreSQL is stopped, with its cluster made. */
  static async open(dataDir: string, beforeUse?: () => void): Promise<OwnDatabase> {
    const port = await freePort();
    const made = await startPostgres(dataDir, port);
    if (!beforeUse) return await new OwnDatabase(dataDir, port, made).#fill();
    await made.stop();
    beforeUse();
    return await new OwnDatabase(dataDir, port, await startPostgres(dataDir, port)).#fill();
  }

  private constructor(dataDir: string, port: number, postgres: EmbeddedPostgres) {
    this.dataDir = dataDir;
    this.port = port;
    this.postgres = postgres;
  }

  async #fill(): Promise<this> {
    const { url } = this.postgres;
    await migrate({ databaseUrl: url, rootKey: testRootKey });
    this.bed = await FaultBed.open({ url, drop: async () => undefined });
    await this.bed.start();
    this.load = await Load.open(this.bed);
    return this;
  }

  async crashAndRestart(): Promise<void> {
    await this.postgres.stopImmediately();
    this.postgres = await startPostgres(this.dataDir, this.port);
  }

  async close(): Promise<void> {
    await this.bed.close();
    await this.postgres.stopImmediately();
  }
}

/** One for the tests of the block that calls it. */
export function useOwnDatabase(): () => OwnDatabase {
  const dataDir = makeTemporaryFolder();
  let own: OwnDatabase | undefined;
  beforeAll(async () => {
    own = await OwnDatabase.open(dataDir);
  });
  afterAll(async () => {
    await own?.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return () => own!;
}

function startPostgres(dataDir: string, port: number): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dataDir, port, password: 'test', log: () => undefined });
}
