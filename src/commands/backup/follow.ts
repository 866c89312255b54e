// Keeps a physical backup following its server: the log as it is written, and new objects, so that a restore can stop at any moment since.

import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ConfigError } from '../../config.ts';
import { parseLsn, parseSegmentName } from '../../database/wal-position.ts';
import { connectWalReceiver, type WalReceiver } from '../../database/wal-receiver.ts';
import { unlistedLog } from './check-files.ts';
import { withClient } from './database-facts.ts';
import { type FileList, readList } from './file-list.ts';
import { openFollowed, readFollowed } from './followed-list.ts';
import { lists, type Manifest, type WalFacts } from './manifest.ts';
import { copyNewObjects } from './objects.ts';
import { walFolder } from './write-physical.ts';

export interface FollowOptions {
  readonly databaseUrl: string;
  readonly dataDir: string;
  readonly folder: string;
  readonly manifest: Manifest;
  readonly rootKey: Buffer;
  /** Of the backup that was just made; absent where an earlier one is gone on with. */
  readonly receiver?: WalReceiver;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

const everyMs = 1_000;
const reconnectAfterMs = 1_000;
/** A file of the log that PostgreSQL has thrown away: undefined_file. */
const removedCode = '58P01';

/** Returns when the signal is given. */
export async function follow(options: FollowOptions): Promise<void> {
  const list = await openFollowed(options);
  if (!options.receiver) await dropUnlisted(options);
  let receiver = options.receiver;
  let isAway = false;
  while (!options.signal.aborted) {
    try {
      receiver ??= await resume(options);
      if (isAway) options.log('The server is back; its log is followed on from where it was.');
      isAway = false;
      await followOnce(options, receiver, list);
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      if ((error as { code?: string }).code === removedCode) throw gapError(error as Error);
      if (!isAway) options.log(`The connection is lost (${(error as Error).message}); trying again every second.`);
      isAway = true;
      await delay(reconnectAfterMs, undefined, { signal: options.signal }).catch(() => undefined);
    } finally {
      await receiver?.close().catch(() => undefined);
      receiver = undefined;
    }
  }
}

function gapError({ message }: Error): ConfigError {
  return new ConfigError(`The server has not kept its log for so long (${message}); make a new backup.`);
}

async function followOnce(options: FollowOptions, receiver: WalReceiver, list: FileList): Promise<void> {
  const { databaseUrl, dataDir, folder, signal } = options;
  try {
    await withClient(databaseUrl, async (client) => {
      while (!signal.aborted) {
        for (const name of receiver.takeFinished()) await list.add(`${walFolder}/${name}`);
        await copyNewObjects(client, dataDir, { folder, list });
        await Promise.race([delay(everyMs, undefined, { signal }).catch(() => undefined), receiver.lost]);
      }
    });
  } finally {
    // Also of a connection that was lost: it is gone on with behind them.
    for (const name of receiver.takeFinished()) await list.add(`${walFolder}/${name}`);
  }
}

/** Files of the log that whoever followed before had finished and not listed yet: they are received again. */
async function dropUnlisted({ folder, ...options }: FollowOptions): Promise<void> {
  const listed = new Set(readFollowed({ folder, ...options }).files.map(({ file }) => file));
  for await (const { file } of readList(folder, lists.whole)) listed.add(file);
  for (const file of await unlistedLog(folder, listed)) rmSync(path.join(folder, file));
}

/** From the end of the last whole file on. */
async function resume({ databaseUrl, folder, manifest }: FollowOptions): Promise<WalReceiver> {
  const wal = requireWal(manifest);
  const receiver = await connectWalReceiver({
    databaseUrl,
    folder: path.join(folder, walFolder),
    segmentBytes: wal.segmentBytes,
  });
  if (receiver.systemId !== wal.systemId || receiver.timeline !== wal.timeline) {
    await receiver.close();
    throw new ConfigError(
      'This is not the database the backup was made of, or it was restored since; make a new backup.',
    );
  }
  receiver.start({ lsn: nextPosition(folder, wal), timeline: wal.timeline });
  return receiver;
}

function nextPosition(folder: string, { segmentBytes, startLsn }: WalFacts): bigint {
  const ends = readdirSync(path.join(folder, walFolder)).flatMap((name) => {
    const segment = parseSegmentName(name, segmentBytes);
    return segment ? [segment.lsn + BigInt(segmentBytes)] : [];
  });
  let last = parseLsn(startLsn);
  for (const end of ends) if (end > last) last = end;
  return last;
}

export function requireWal({ wal }: Manifest): WalFacts {
  if (!wal) throw new ConfigError('A logical backup has no log that could be followed.');
  return wal;
}

/** What came behind the last file of the log that a backup needs is of no use where nobody follows. */
export function dropPartial(folder: string): void {
  for (const name of readdirSync(path.join(folder, walFolder))) {
    if (name.endsWith('.partial')) rmSync(path.join(folder, walFolder, name));
  }
}
