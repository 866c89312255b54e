// All active prices of a tenant, as its transaction sees them. R4 has no search parameter on ChargeItemDefinition.code or on tax
// categories, so the whole list is looked through; bodies are opened once per version.

import type { ChargeItemDefinition } from '@medplum/fhirtypes';
import type { Currency } from '../../fhir/money.ts';
import type { Session } from '../../repository/session.ts';
import { openVersion, parseBody, type VersionRow, versionColumns } from '../../repository/stored-version.ts';
import { valueText } from '../../search/token-text.ts';
import { type Price, readPrice } from './price.ts';

export type PriceList = (session: Session, currency: Currency) => Promise<Price[]>;

interface Listed {
  readonly id: string;
  /** The transaction that wrote the version: with the id it names this version and no other, whatever was rolled back. */
  readonly tx: string;
}

/** Of all tenants together; some kilobytes each. */
const pricesKeptMax = 20_000;

export function createPriceList(): PriceList {
  /** None or one per version: a definition may be no price in this currency. */
  const kept = new Map<string, readonly Price[]>();
  return async (session, currency) => {
    const keyOf = ({ id, tx }: Listed) => `${session.trx.tenantId} ${currency} ${id} ${tx}`;
    const prices: Price[] = [];
    const unread: string[] = [];
    for (const row of await listActive(session)) {
      const known = kept.get(keyOf(row));
      if (known) prices.push(...known);
      else unread.push(row.id);
    }
    for (const row of await readRows(session, unread)) {
      const read = await openPrice(session, row, currency);
      if (kept.size >= pricesKeptMax) kept.clear();
      kept.set(keyOf(row), read);
      prices.push(...read);
    }
    return prices;
  };
}

function listActive({ trx, cipher }: Session): Promise<Listed[]> {
  return trx.query<Listed>({
    name: 'list-prices',
    text: `SELECT id, tx::text AS tx FROM resource
           WHERE type = 'ChargeItemDefinition' AND NOT deleted AND tokens @> $1::bigint[]`,
    values: [`{${cipher.tokenOf(valueText('ChargeItemDefinition.status', 'active'))}}`],
  });
}

async function readRows({ trx }: Session, ids: readonly string[]): Promise<(VersionRow & Listed)[]> {
  if (ids.length === 0) return [];
  return await trx.query<VersionRow & Listed>({
    name: 'read-prices',
    text: `SELECT ${versionColumns}, tx::text AS tx FROM resource
           WHERE type = 'ChargeItemDefinition' AND NOT deleted AND id = ANY($1::text[])`,
    values: [ids],
  });
}

/** The row may be newer than the list: what is not active any more is no price. */
async function openPrice({ cipher, repository }: Session, row: VersionRow, currency: Currency): Promise<Price[]> {
  const version = await openVersion({ cipher, objectStore: repository.objectStore }, row);
  const definition = parseBody(version) as ChargeItemDefinition | undefined;
  const price = definition?.status === 'active' ? readPrice(definition, currency) : undefined;
  return price ? [price] : [];
}
