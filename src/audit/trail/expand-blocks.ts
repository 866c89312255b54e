// From stored facts to AuditEvents, each once however often it is done; a block goes when all its events are there.

import { setImmediate as turnEnds } from 'node:timers/promises';
import { buildAccessAudit } from '../../access/access-audit.ts';
import type { AccessFacts } from '../../access/access-facts.ts';
import { type AuditRow, auditRow, insertRecorded } from '../../repository/audit-rows.ts';
import type { Session } from '../../repository/session.ts';
import type { AccessBlock } from './access-block.ts';
import { findPatients, patientsOf } from './patients-answered.ts';

/** Whoever waits for an answer goes first after so long. */
const sliceMs = 4;

export async function expandBlocks(session: Session, blocks: readonly AccessBlock[]): Promise<void> {
  const facts = blocks.flatMap((block) => block.facts);
  const found = await findPatients(session.trx, facts);
  const rows: AuditRow[] = [];
  let beganAtMs = performance.now();
  for (const one of facts) {
    rows.push(rowOf(session, one, patientsOf(one, found)));
    if (performance.now() - beganAtMs < sliceMs) continue;
    await turnEnds();
    beganAtMs = performance.now();
  }
  insertRecorded(session, rows);
  session.trx.execute({
    name: 'finish-access-blocks',
    text: 'SELECT tenant.finish_access_blocks($1)',
    values: [blocks.map(({ id }) => id)],
  });
}

function rowOf(session: Session, facts: AccessFacts, patients: readonly string[]): AuditRow {
  return auditRow(
    session,
    buildAccessAudit({ ...facts, patients }, session.repository.site),
    new Date(facts.recordedMs),
  );
}
