// The Unix socket by which processes of this machine reach the embedded PostgreSQL: a message over it costs both sides less than one over TCP
// (https://www.postgresql.org/docs/current/runtime-config-connection.html).

import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { giveTo, type Place } from './embedded-place.ts';

/** Of `sun_path` on macOS, without its end; Linux takes four more. */
const pathBytesMax = 103;
/** A list in the file of settings. */
const needsQuotes = /[,"'\\\n]/;
/** As initdb and `configure` write it. Of a restored cluster that was another server's, the socket may be closed, or ask for no password. */
const isOpen = /^local\s+all\s+all\s+scram-sha-256\s*$/m;

/** Beside the cluster, for whoever copies that wants no sockets. Undefined where there can be none: TCP serves then. */
export function socketFolderOf(cluster: string): string | undefined {
  const folder = `${cluster}.socket`;
  const fits = Buffer.byteLength(socketFile(folder, 65_535)) <= pathBytesMax;
  if (process.platform === 'win32' || !fits || needsQuotes.test(folder)) return undefined;
  const rules = path.join(cluster, 'pg_hba.conf');
  return existsSync(rules) && isOpen.test(readFileSync(rules, 'utf8')) ? folder : undefined;
}

/** Empty, for a PostgreSQL that was killed leaves its socket. */
export function makeSocketFolder(folder: string, { user }: Place): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { mode: 0o700 });
  giveTo(user, folder);
}

/** Of a PostgreSQL that runs on this port; undefined where it has none, as one that an earlier version of ours has started. */
export function findSocketFolder(cluster: string, port: number): string | undefined {
  const folder = socketFolderOf(cluster);
  return folder !== undefined && existsSync(socketFile(folder, port)) ? folder : undefined;
}

function socketFile(folder: string, port: number): string {
  return path.join(folder, `.s.PGSQL.${port}`);
}
