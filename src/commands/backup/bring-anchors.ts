// The anchors of this installation as they were when the backup was made: a restored database lacks what was sealed since.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type pg from 'pg';
import { parseAnchor } from '../../audit/seal/anchor-lines.ts';
import type { AnchorPlace } from '../../gateways/open-anchor.ts';

/** Into the data directory, where they are looked for; false where they are in an object store, or there are none. */
export async function bringAnchors(client: pg.Client, anchors: AnchorPlace, dataDir: string): Promise<boolean> {
  if (anchors.kind !== 'file' || !existsSync(anchors.path)) return false;
  const { rows } = await client.query<{ at: Date | null }>('SELECT max(at) AS at FROM store.seal_head');
  const lastMs = rows[0]?.at?.getTime() ?? 0;
  // The last line may be half written, and one before it where a process died.
  const lines = readFileSync(anchors.path, 'utf8').split('\n').slice(0, -1);
  const known = lines.filter((line) => isUntil(line, lastMs));
  writeFileSync(path.join(dataDir, 'audit-anchors.jsonl'), known.map((line) => `${line}\n`).join(''), { mode: 0o600 });
  return true;
}

function isUntil(line: string, lastMs: number): boolean {
  const anchor = parseAnchor(line);
  return anchor !== undefined && anchor.at.getTime() <= lastMs;
}
