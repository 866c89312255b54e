// What a client writes of a draft becomes what is stored: lines completed, totals reckoned, discounts approved (contract.md 25 to 27).

import type { Invoice } from '@medplum/fhirtypes';
import type { Currency } from '../../fhir/money.ts';
import type { Change } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import type { WorkflowSettings } from '../../tenants/workflow-settings.ts';
import { keepAmounts } from '../keep-amounts.ts';
import { replaceOfSystem } from '../numbers/identifiers.ts';
import { creditNoteNumberSystem, extensionUrls, invoiceNumberSystem } from './canonicals.ts';
import { chargeItemIdsOf, readChargeItems } from './charge-items.ts';
import { checkCharges } from './check-charges.ts';
import { checkTotals } from './check-totals.ts';
import { type CompletedLine, completeLines, type LineWorld } from './complete-lines.ts';
import { approveDiscount, discountLimitOf, reductionOf } from './discounts.ts';
import { earlierCharges, nothingCharged } from './earlier-charges.ts';
import { totalsOf } from './invoice-amounts.ts';
import { kindOf } from './invoice-status.ts';
import { grossOf } from './price-line.ts';
import type { PriceList } from './price-list.ts';
import { currencyOf, readStoredLine } from './stored-lines.ts';

export interface DraftOptions {
  readonly pricesOf: PriceList;
  readonly settings: WorkflowSettings;
}

export interface ReckonedDraft {
  readonly lines: readonly CompletedLine[];
  readonly currency: Currency;
  readonly grossMinor: bigint;
}

/** Throws 422 for lines and totals that are not right, and 403 for a discount the caller may not give. */
export async function prepareDraft(change: Change, session: Session, options: DraftOptions): Promise<ReckonedDraft> {
  const invoice = change.resource as Invoice;
  const old = change.oldResource as Invoice | undefined;
  const { currency } = options.settings;
  dropServerElements(change);
  const isCredit = kindOf(invoice) !== 'invoice';
  const limit = discountLimitOf(session.caller, options.settings['discounts.limits']);
  const isPerson = session.caller.fhirUser?.startsWith('Practitioner/') ?? false;
  const isCompared = !isCredit && (limit !== undefined || isPerson);
  const world = await lineWorld(change, session, options, isCompared);
  if (!isCredit) checkCharges(invoice, world.chargeItems);
  // What was right in a credit note is not so in an Invoice, and the other way round.
  const known = old && kindOf(old) === kindOf(invoice) ? old : undefined;
  const lines = completeLines({ invoice, old: known, exactNumbers: change.exactNumbers, isCredit }, world);
  const components = lines.flatMap((line) => line.components);
  if (lines.length > 0) {
    checkTotals(invoice, components, currency);
    const { totalPriceComponent, ...totals } = totalsOf(components, currency);
    delete invoice.totalPriceComponent;
    Object.assign(invoice, totals, totalPriceComponent.length > 0 && { totalPriceComponent });
  }
  if (!isCredit) {
    const earlier = isCompared ? await earlierCharges(change, session, world) : nothingCharged;
    const oldReduction = reductionOf(oldLines(old, world), earlier);
    approveDiscount({ invoice, old, reduction: reductionOf(lines, earlier), oldReduction }, session.caller, limit);
  }
  keepAmounts(change);
  return { lines, currency, grossMinor: grossOf(components) };
}

/** What only the server says of an Invoice: its numbers, and how it is paid. */
export function dropServerElements(change: Change): void {
  const invoice = change.resource as Invoice;
  for (const system of [invoiceNumberSystem, creditNoteNumberSystem]) replaceOfSystem(change, system, []);
  const isServers = (url: string) => url === extensionUrls.paymentState || url === extensionUrls.outstanding;
  const extension = invoice.extension?.filter(({ url }) => !isServers(url));
  if (extension && extension.length > 0) invoice.extension = extension;
  else delete invoice.extension;
}

/** The price list is read only where something is to be priced or compared with it. */
async function lineWorld(
  { resource, oldResource }: Change,
  session: Session,
  { pricesOf, settings }: DraftOptions,
  isCompared: boolean,
): Promise<LineWorld> {
  const invoice = resource as Invoice;
  const old = oldResource as Invoice | undefined;
  const isUnpriced = (invoice.lineItem ?? []).some(({ priceComponent = [] }) => priceComponent.length === 0);
  const { currency, 'money.rounding': rounding } = settings;
  const plain = { currency, rounding, at: session.at.getTime() };
  const isListed = isUnpriced || isCompared;
  const [prices, chargeItems] = await Promise.all([
    isListed ? pricesOf(session, currency) : [],
    readChargeItems(session, [...chargeItemIdsOf(invoice), ...(isListed ? chargeItemIdsOf(old) : [])]),
  ]);
  return { ...plain, prices, chargeItems };
}

function oldLines(old: Invoice | undefined, world: LineWorld): CompletedLine[] {
  if (!old || (currencyOf(old) ?? world.currency) !== world.currency) return [];
  const draft = { invoice: structuredClone(old), old, exactNumbers: undefined, isCredit: false };
  const asListed = completeLines(draft, world);
  return asListed.map((line) => ({ ...line, components: readStoredLine(line.line, world.currency) }));
}
