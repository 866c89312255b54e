// Receives the write-ahead log while it is written and keeps it as files: https://www.postgresql.org/docs/current/protocol-replication.html

import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, renameSync, writeSync } from 'node:fs';
import path from 'node:path';
import type pg from 'pg';
import { connectForReplication } from './base-backup.ts';
import { copyQuery, sendCopyData } from './copy-query.ts';
import { formatLsn, parseLsn, segmentName, segmentStart } from './wal-position.ts';

export interface WalReceiverOptions {
  readonly databaseUrl: string;
  /** Finished files have their own names, the last has `.partial` behind it. */
  readonly folder: string;
  readonly segmentBytes: number;
}

export interface WalReceiver {
  /** Of the server's cluster: no other one's log fits it. */
  readonly systemId: string;
  readonly timeline: number;
  /** Where the server's log ended when the connection was made. */
  readonly endLsn: bigint;
  /** What the server is told that it need not keep, and so far it is on disk here. */
  readonly flushed: bigint;
  start(from: { readonly lsn: bigint; readonly timeline: number }): void;
  /** Resolves when everything before it is on disk; rejects when the connection is lost. */
  reached(lsn: bigint): Promise<void>;
  /** Files that were finished since the last call. */
  takeFinished(): string[];
  /** Rejects when the connection is lost. */
  readonly lost: Promise<never>;
  close(): Promise<void>;
}

/** XLogData: the letter, where its bytes begin, where the server's log ends, the time. */
const headerBytes = 25;
const partial = '.partial';
const flushEveryMs = 500;
/** PostgreSQL's own time begins with this century. */
const postgresEpochMs = 946_684_800_000;

/** From the connection on, the server keeps its log for this receiver. */
export async function connectWalReceiver(options: WalReceiverOptions): Promise<WalReceiver> {
  const client = await connectForReplication(options.databaseUrl);
  const { rows } = await client.query('IDENTIFY_SYSTEM');
  // All texts, whatever their types: the protocol of replication is a simple one.
  const { systemid, timeline, xlogpos } = rows[0] as { systemid: string; timeline: string; xlogpos: string };
  const slot = `hpms_backup_${process.pid}`;
  await client.query(`CREATE_REPLICATION_SLOT ${slot} TEMPORARY PHYSICAL RESERVE_WAL`);
  const { promise: lost, reject: lose } = Promise.withResolvers<never>();
  lost.catch(() => undefined);
  const files = new SegmentFiles(options);
  const waiting = new Set<() => void>();
  const flush = () => {
    files.flush();
    reply(client, files.position);
    for (const look of waiting) look();
  };
  let timer: NodeJS.Timeout | undefined;
  return {
    systemId: systemid,
    timeline: Number(timeline),
    endLsn: parseLsn(xlogpos),
    lost,
    takeFinished: () => files.finished.splice(0),
    get flushed() {
      return files.flushed;
    },
    start(from) {
      const lsn = segmentStart(from.lsn, options.segmentBytes);
      files.begin(from.timeline, lsn);
      timer = setInterval(flush, flushEveryMs);
      const text = `START_REPLICATION SLOT ${slot} PHYSICAL ${formatLsn(lsn)} TIMELINE ${from.timeline}`;
      copyQuery(client, text, { onData: (message) => take(message, files, flush) }).then(
        () => lose(new Error('The server has ended this timeline of its log.')),
        lose,
      );
    },
    reached(lsn) {
      const whenThere = new Promise<void>((resolve) => {
        const look = () => {
          if (files.flushed < lsn) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      });
      return Promise.race([whenThere, lost]);
    },
    async close() {
      clearInterval(timer);
      files.close();
      await client.end();
    },
  };
}

function take(message: Buffer, files: SegmentFiles, flush: () => void): undefined {
  const kind = String.fromCharCode(message[0] ?? 0);
  if (kind === 'w') files.write(message.readBigUInt64BE(1), message.subarray(headerBytes));
  // It asks for an answer at once when it is about to give us up.
  if (kind === 'k' && message[17] === 1) flush();
}

/** Standby status update: written, flushed and applied so far. */
function reply(client: pg.Client, position: bigint): void {
  const message = Buffer.alloc(34);
  message.write('r');
  for (const at of [1, 9, 17]) message.writeBigUInt64BE(position, at);
  message.writeBigInt64BE(BigInt(Date.now() - postgresEpochMs) * 1_000n, 25);
  sendCopyData(client, message);
}

class SegmentFiles {
  readonly #options: WalReceiverOptions;
  #timeline = 0;
  #file: { readonly descriptor: number; readonly name: string } | undefined;
  /** Behind the last byte written. */
  position = 0n;
  flushed = 0n;
  readonly finished: string[] = [];

  constructor(options: WalReceiverOptions) {
    this.#options = options;
  }

  begin(timeline: number, lsn: bigint): void {
    this.#timeline = timeline;
    this.position = lsn;
    this.flushed = lsn;
  }

  write(lsn: bigint, bytes: Buffer): void {
    if (lsn !== this.position)
      throw new Error(`The log continues at ${formatLsn(lsn)}, not ${formatLsn(this.position)}.`);
    for (let rest = bytes; rest.length > 0; ) {
      const { segmentBytes } = this.#options;
      const at = Number(this.position % BigInt(segmentBytes));
      const piece = rest.subarray(0, segmentBytes - at);
      this.#file ??= this.#open();
      writeSync(this.#file.descriptor, piece, 0, piece.length, at);
      this.position += BigInt(piece.length);
      rest = rest.subarray(piece.length);
      if (at + piece.length === segmentBytes) this.#finish();
    }
  }

  #open() {
    const { folder, segmentBytes } = this.#options;
    const name = segmentName(this.#timeline, this.position, segmentBytes);
    const file = path.join(folder, name + partial);
    // Of full length from the beginning, with nothing behind what is written: so PostgreSQL reads it.
    const descriptor = openSync(file, existsSync(file) ? 'r+' : 'w', 0o600);
    ftruncateSync(descriptor, segmentBytes);
    return { descriptor, name };
  }

  #finish(): void {
    if (!this.#file) return;
    const { name } = this.#file;
    this.close();
    const file = path.join(this.#options.folder, name);
    renameSync(file + partial, file);
    syncFolder(this.#options.folder);
    this.flushed = this.position;
    this.finished.push(name);
  }

  flush(): void {
    if (this.#file) fsyncSync(this.#file.descriptor);
    this.flushed = this.position;
  }

  close(): void {
    if (!this.#file) return;
    this.flush();
    closeSync(this.#file.descriptor);
    this.#file = undefined;
  }
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
