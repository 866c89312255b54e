// A file of an archived month as it lies there: its hash, its rows, and each AuditEvent against the leaf that was sealed.

import path from 'node:path';
import { ArchiveError } from './archive-error.ts';
import { readArchive } from './archive-file.ts';
import { type AskTenant, createLeafCheck } from './check-leaves.ts';
import type { ArchivedFile } from './manifest.ts';
import { requireWhole } from './restore-month.ts';

/** Gives the rows of each tenant; throws an ArchiveError or a SealDifference at the first thing that is not as it was. */
export async function checkArchive(
  ask: AskTenant,
  archived: ArchivedFile,
  folder: string,
): Promise<ReadonlyMap<number, number>> {
  const file = path.join(folder, archived.file);
  await requireWhole(file, archived.sha256);
  const leaves = createLeafCheck(archived.table === 'audit_event' ? ask : undefined);
  for await (const { header, rows } of readArchive(file)) await leaves.add(rows, header);
  await leaves.end();
  const count = [...leaves.counts.values()].reduce((sum, one) => sum + one, 0);
  if (count !== archived.rows) throw new ArchiveError(`${file} has ${count} rows, and ${archived.rows} were archived.`);
  return leaves.counts;
}
