// Copies a running PostgreSQL's whole data directory as it streams it: https://www.postgresql.org/docs/current/protocol-replication.html#PROTOCOL-REPLICATION-BASE-BACKUP

import type { Writable } from 'node:stream';
import pg from 'pg';
import { copyQuery, type TextRow, writingTo } from './copy-query.ts';
import { parseLsn } from './wal-position.ts';

export interface BaseBackup {
  /** The write-ahead log from here to `endLsn` makes the copied files one moment's. */
  readonly startLsn: string;
  readonly endLsn: string;
  readonly timeline: number;
}

export interface BaseBackupOptions {
  readonly databaseUrl: string;
  /** Takes the tar file; the caller ends it. */
  readonly tar: Writable;
  /** Before the first byte of it. */
  readonly onStart: (start: { readonly lsn: bigint; readonly timeline: number }) => void;
  readonly onProgress: (doneBytes: number, allBytes: number) => void;
}

/** Messages of the one COPY that everything comes in. */
const kinds = { archive: 'n', data: 'd' } as const;
/** Of the server's estimate. */
const unitBytes = 1_024;

/** PostgreSQL itself checks the checksum of every page that it sends, and fails here when one is wrong. */
export async function takeBaseBackup(options: BaseBackupOptions): Promise<BaseBackup> {
  const client = await connectForReplication(options.databaseUrl);
  const damaged: string[] = [];
  client.on('notice', ({ message = '' }) => void (/checksum/.test(message) && damaged.push(message)));
  try {
    return await receive(client, options);
  } catch (error) {
    if (damaged.length === 0) throw error;
    throw new Error(`The database's files are damaged: ${damaged.join('; ')}.`, { cause: error });
  } finally {
    await client.end();
  }
}

export async function connectForReplication(databaseUrl: string): Promise<pg.Client> {
  const config = { connectionString: databaseUrl, replication: 'true', application_name: 'hpms_backup' };
  const client = new pg.Client({ ...config, keepAlive: true } as pg.ClientConfig);
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function receive(client: pg.Client, options: BaseBackupOptions): Promise<BaseBackup> {
  const { tar, onStart, onProgress } = options;
  const write = writingTo(tar);
  const positions: TextRow[] = [];
  let allBytes = 0;
  let doneBytes = 0;
  let archives = 0;
  const text = "BASE_BACKUP (LABEL 'hpms', PROGRESS true, CHECKPOINT 'fast', WAL false, WAIT false, MANIFEST 'no')";
  await copyQuery(client, text, {
    onRow(row) {
      if (row.size != null) allBytes += Number(row.size) * unitBytes;
      if (row.recptr == null) return;
      positions.push(row);
      if (positions.length === 1) onStart({ lsn: parseLsn(row.recptr), timeline: Number(row.tli) });
    },
    onData(chunk) {
      const kind = String.fromCharCode(chunk[0] ?? 0);
      if (kind === kinds.archive && ++archives > 1) {
        throw new Error('This server has tablespaces of its own; use pg_basebackup for it, or a logical backup.');
      }
      if (kind !== kinds.data) return undefined;
      doneBytes += chunk.length - 1;
      onProgress(doneBytes, allBytes);
      return write(chunk.subarray(1));
    },
  });
  const [start, end] = positions;
  if (!start || !end) throw new Error('The server did not say where its backup begins and ends.');
  return { startLsn: start.recptr ?? '', endLsn: end.recptr ?? '', timeline: Number(start.tli) };
}
