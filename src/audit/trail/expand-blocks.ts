// From stored facts to AuditEvents, each once however often it is done: a block goes in the step that stores its events.

import type { AuditRow } from '../../repository/audit-rows.ts';
import type { Session } from '../../repository/session.ts';
import { takeTurn } from '../../repository/turn.ts';
import type { AccessBlock } from './access-block.ts';
import { accessRow } from './event-forms.ts';

/** What AuditEvents are made as. */
export const expanderName = 'access trail';

/** Whoever waits for an answer goes first after so long; the clock is looked at once for so many, of which each takes some 15 µs. */
const [sliceMs, factsPerLook] = [1, 8];

export async function expandBlocks(session: Session, blocks: readonly AccessBlock[]): Promise<void> {
  const facts = blocks.flatMap((block) => block.facts);
  const rows: AuditRow[] = [];
  const turn = takeTurn(sliceMs);
  for (const one of facts) {
    if (rows.length % factsPerLook === 0 && turn.isOver()) await turn.next();
    rows.push(accessRow(session, one));
  }
  storeEvents(session, blocks, rows);
}

/** Of blocks that somebody else has finished meanwhile nothing is stored again. */
function storeEvents({ trx, definitionsVersion }: Session, blocks: readonly AccessBlock[], rows: readonly AuditRow[]) {
  const times = blocks.flatMap(({ facts }) => facts.map(({ recordedMs }) => recordedMs));
  trx.execute({
    name: 'store-access-events',
    text: 'SELECT tenant.store_access_events($1, $2, $3, $4, $5, $6)',
    values: [
      // None of these holds what would have to be escaped.
      `{${blocks.map(({ id }) => id).join(',')}}`,
      `{${times.join(',')}}`,
      `{${rows.map(({ id }) => id).join(',')}}`,
      rows.map(({ content }) => content),
      `{${rows.map(({ tokens }) => `"${tokens}"`).join(',')}}`,
      definitionsVersion,
    ],
  });
}
