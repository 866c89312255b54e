// The ChargeItems that Invoices name: those stored, and those that the same transaction is about to store.

import type { ChargeItem, Invoice, InvoiceLineItem } from '@medplum/fhirtypes';
import type { Change } from '../../repository/change.ts';
import type { Rule } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import { openVersions, parseBody, type VersionRow, versionColumns } from '../../repository/stored-version.ts';
import { localTarget } from './local-target.ts';

/** By the transaction that reads or writes them. */
const underWay = new WeakMap<Session['trx'], Map<string, ChargeItem>>();

/** A bundle may bring an Invoice together with what it charges. */
export const rememberChargeItems: Rule<void> = {
  name: 'charge-items-under-way',
  type: 'ChargeItem',
  run(changes, { trx }) {
    const known = underWay.get(trx) ?? new Map<string, ChargeItem>();
    for (const { id, resource } of changes) if (resource) known.set(id, resource as ChargeItem);
    underWay.set(trx, known);
  },
};

/** By id; what does not exist is not there. */
export async function readChargeItems(session: Session, ids: readonly string[]): Promise<Map<string, ChargeItem>> {
  const known = underWay.get(session.trx);
  const items = new Map(ids.flatMap((id) => (known?.has(id) ? [[id, known.get(id) as ChargeItem]] : [])));
  const unread = [...new Set(ids)].filter((id) => !items.has(id));
  if (unread.length === 0) return items;
  const rows = await session.trx.query<VersionRow>({
    name: 'read-charge-items',
    text: `SELECT ${versionColumns} FROM resource WHERE type = 'ChargeItem' AND NOT deleted AND id = ANY($1::text[])`,
    values: [unread],
  });
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  for (const version of await openVersions(reader, rows)) {
    items.set(version.id, parseBody(version) as ChargeItem);
  }
  const read = underWay.get(session.trx) ?? new Map<string, ChargeItem>();
  // What was written since it was asked for is newer.
  for (const id of unread) if (!read.has(id) && items.has(id)) read.set(id, items.get(id) as ChargeItem);
  underWay.set(session.trx, read);
  return new Map(ids.flatMap((id) => (items.has(id) ? [[id, read.get(id) ?? (items.get(id) as ChargeItem)]] : [])));
}

/** Without doubles, in the order of the lines. */
export function chargeItemIdsOf(invoice: Invoice | undefined): string[] {
  return [...new Set((invoice?.lineItem ?? []).flatMap((line) => chargeItemIdOf(line) ?? []))];
}

export function chargeItemIdOf({ chargeItemReference }: InvoiceLineItem): string | undefined {
  const target = localTarget(chargeItemReference);
  return target?.type === 'ChargeItem' ? target.id : undefined;
}

export function invoiceOf(resource: Change['resource']): Invoice | undefined {
  return resource as Invoice | undefined;
}
