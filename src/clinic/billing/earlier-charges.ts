// What a draft has charged before this write, in whatever version: taken out or made cheaper, it is given away (domain.md S4-C09; README, Decisions).

import type { Invoice, InvoiceLineItem } from '@medplum/fhirtypes';
import type { Change } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { openVersion, parseBody, type VersionRow, versionColumns } from '../../repository/stored-version.ts';
import { chargeItemIdOf } from './charge-items.ts';
import type { LineWorld } from './complete-lines.ts';
import { kindOf } from './invoice-status.ts';
import { chargeOfConcept, priceCharge } from './price-charge.ts';
import { type LineComponent, listedOf, netOf } from './price-line.ts';
import { currencyOf, readStoredLine } from './stored-lines.ts';

export interface EarlierCharge {
  /** The most that it has cost on this draft. */
  readonly netMinor: bigint;
  readonly listedMinor: bigint;
  /** Its ChargeItem was written since it is on the draft: what the list asks for it today need not be what was done. */
  readonly isRewritten: boolean;
}

export interface EarlierCharges {
  readonly byKey: ReadonlyMap<string, EarlierCharge>;
  /** What each line charges; undefined for a text that the list does not know, which may be corrected. */
  keysOf(lines: readonly InvoiceLineItem[]): (string | undefined)[];
}

/** Where nobody's limit is asked for. */
export const nothingCharged: EarlierCharges = { byKey: new Map(), keysOf: (lines) => lines.map(() => undefined) };

/** More steps nobody takes to write a bill; the first ones count, which cannot be pushed out by later ones. */
const versionsMax = 100;

/** None of a draft that is new. */
export async function earlierCharges(
  { id, old, oldResource }: Change,
  session: Session,
  world: LineWorld,
): Promise<EarlierCharges> {
  const byKey = new Map<string, EarlierCharge>();
  const keysOf = createKeys(world);
  if (!old || !oldResource) return { byKey, keysOf };
  const note = (invoice: Invoice, since: Date) => noteCharges(byKey, invoice, { since, keysOf, world });
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  // One after the other: long bills are not held in memory together.
  for (const row of old.versionId > 1 ? await readRows(session, id, old.versionId) : []) {
    const version = await openVersion(reader, row);
    const invoice = parseBody(version) as Invoice | undefined;
    if (invoice) note(invoice, version.lastUpdated);
  }
  note(oldResource as Invoice, old.lastUpdated);
  return { byKey, keysOf };
}

async function readRows({ trx }: Session, id: string, before: number): Promise<VersionRow[]> {
  return await trx.query<VersionRow>({
    name: 'earlier-drafts',
    text: `SELECT ${versionColumns} FROM version WHERE type = 'Invoice' AND id = $1 AND version_id < $2
           AND last_updated <= (SELECT last_updated FROM resource WHERE type = 'Invoice' AND id = $1)
           ORDER BY version_id LIMIT ${versionsMax}`,
    values: [id, before],
  });
}

interface Noting {
  readonly since: Date;
  readonly keysOf: EarlierCharges['keysOf'];
  readonly world: LineWorld;
}

/** A credit note charges nothing, and amounts of another currency say nothing here. */
function noteCharges(byKey: Map<string, EarlierCharge>, invoice: Invoice, { since, keysOf, world }: Noting): void {
  if (kindOf(invoice) !== 'invoice' || (currencyOf(invoice) ?? world.currency) !== world.currency) return;
  const lines = invoice.lineItem ?? [];
  const keys = keysOf(lines);
  for (const [index, line] of lines.entries()) {
    const key = keys[index];
    if (key === undefined) continue;
    const components = readStoredLine(line, world.currency);
    const known = byKey.get(key);
    byKey.set(key, {
      ...greater(known, components),
      isRewritten: known?.isRewritten ?? isWrittenAfter(since, world.chargeItems.get(chargeItemIdOf(line) ?? '')),
    });
  }
}

function greater(
  known: EarlierCharge | undefined,
  components: readonly LineComponent[],
): Pick<EarlierCharge, 'netMinor' | 'listedMinor'> {
  const netMinor = netOf(components);
  return known && known.netMinor >= netMinor ? known : { netMinor, listedMinor: listedOf(components) };
}

/** The server says when; of what this write brings, too. */
function isWrittenAfter(since: Date, item: { readonly meta?: { readonly lastUpdated?: string } } | undefined): boolean {
  const { lastUpdated } = item?.meta ?? {};
  return lastUpdated !== undefined && Date.parse(lastUpdated) > since.getTime();
}

/** The same charge has the same key in every version, and the second one of its kind has another. */
function createKeys({ prices, rounding, at }: LineWorld): EarlierCharges['keysOf'] {
  const listed = new Map<string, string | undefined>();
  const priceOf = (concept: NonNullable<InvoiceLineItem['chargeItemCodeableConcept']>) => {
    const text = JSON.stringify(concept.coding ?? []);
    if (!listed.has(text)) listed.set(text, priceCharge(prices, chargeOfConcept(concept, at), rounding)?.price.url);
    return listed.get(text);
  };
  const keyOf = (line: InvoiceLineItem) => {
    const item = chargeItemIdOf(line);
    if (item !== undefined) return `ChargeItem/${item}`;
    return line.chargeItemCodeableConcept && priceOf(line.chargeItemCodeableConcept);
  };
  return (lines) => {
    const counts = new Map<string, number>();
    return lines.map((line) => {
      const key = keyOf(line);
      if (key === undefined) return undefined;
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return `${key} ${count}`;
    });
  };
}
