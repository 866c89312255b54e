// The job behind `appointment.fulfilled`: one priced ChargeItem and draft Invoice per Appointment, however often it runs (domain.md 3.6).

import type { Appointment } from '@medplum/fhirtypes';
import { newId } from '../../fhir/ids.ts';
import { type Currency, exactAmounts, isCurrency, isExact } from '../../fhir/money.ts';
import type { ModuleJob } from '../../repository/module.ts';
import { find } from '../../repository/read.ts';
import type { Session } from '../../repository/session.ts';
import { parseBody } from '../../repository/stored-version.ts';
import { write } from '../../repository/write.ts';
import { fulfilledTopic } from './appointment-fulfilled.ts';
import { claimKeys } from './auto-invoice-key.ts';
import { choosePrice, furtherTaxes, type Visit } from './choose-price.ts';
import { draftResources } from './draft-invoice.ts';
import type { Price } from './price.ts';
import { grossOf, type LineComponent, priceLine } from './price-line.ts';
import type { PriceList } from './price-list.ts';
import { visitFacts } from './visit-facts.ts';

export interface AutoInvoiceOptions {
  readonly pricesOf: PriceList;
  /** ISO 4217 code of the tenant's setting `currency`. */
  readonly currencyOf: (tenantId: number) => Promise<string>;
}

export function createAutoInvoiceJob(options: AutoInvoiceOptions): ModuleJob {
  return {
    topic: fulfilledTopic,
    consumer: 'billing.auto-invoice',
    async run(event, session) {
      const appointment = await lockAppointment(session, event.resourceId);
      if (!appointment || appointment.status === 'entered-in-error') return;
      const invoiceId = newId(session.at.getTime());
      const claimed = await claimKeys(session, [{ appointmentId: event.resourceId, invoiceId }]);
      if (claimed.size > 0) await invoice(session, appointment, invoiceId, options);
    },
  };
}

/** Locked against changes: what makes it void comes before and is seen here, or comes after and sees the draft. */
async function lockAppointment(session: Session, id: string): Promise<Appointment | undefined> {
  session.trx.execute({
    name: 'lock-appointment',
    text: `SELECT FROM resource WHERE type = 'Appointment' AND id = $1 FOR SHARE`,
    values: [id],
  });
  const version = await find(session, 'Appointment', id);
  return version && (parseBody(version) as Appointment | undefined);
}

async function invoice(
  session: Session,
  appointment: Appointment,
  invoiceId: string,
  { pricesOf, currencyOf }: AutoInvoiceOptions,
): Promise<void> {
  const { at, trx } = session;
  const currency = requireCurrency(await currencyOf(trx.tenantId));
  const [prices, visit] = await Promise.all([pricesOf(session, currency), visitFacts(session, appointment)]);
  const { price, components } = charge(prices, visit);
  const chargeItemId = newId(at.getTime());
  const resources = draftResources({ appointment, visit, price, components, currency, at, chargeItemId, invoiceId });
  await write(
    session,
    resources.map((resource) => ({
      action: 'create',
      resource,
      exactNumbers: exactAmounts(resource),
      ...(resource.id !== undefined && { id: resource.id }),
    })),
  );
}

/** Without a price, or with one whose sum no JSON number can hold, the line is a base of zero. */
function charge(prices: readonly Price[], visit: Visit): { price: Price | undefined; components: LineComponent[] } {
  const price = choosePrice(prices, visit);
  if (price) {
    const taxes = furtherTaxes(prices, price, visit.at);
    const components = priceLine({ ...price, furtherTaxes: taxes, quantity: { digits: 1n, scale: 0 } });
    const amounts = [...components.map(({ amountMinor }) => amountMinor), grossOf(components)];
    if (amounts.every(isExact)) return { price, components };
  }
  return { price: undefined, components: [{ type: 'base', code: undefined, factor: undefined, amountMinor: 0n }] };
}

function requireCurrency(code: string): Currency {
  if (!isCurrency(code)) throw new Error('The setting `currency` is no currency of ISO 4217.');
  return code;
}
