// The job behind `appointment.fulfilled`: one priced ChargeItem and draft Invoice per Appointment, however often it runs (domain.md 3.6).

import type { Appointment } from '@medplum/fhirtypes';
import type { Decimal } from '../../fhir/decimal.ts';
import { newId } from '../../fhir/ids.ts';
import type { ModuleJob } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import type { WorkflowSettings } from '../../tenants/workflow-settings.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { fulfilledTopic } from './appointment-fulfilled.ts';
import { claimKeys } from './auto-invoice-key.ts';
import { choosePrice } from './choose-price.ts';
import { createDrafts } from './create-drafts.ts';
import { draftResources } from './draft-invoice.ts';
import { coverByPaidVisit } from './free-visits.ts';
import { lockAppointment } from './lock-appointment.ts';
import type { Price } from './price.ts';
import { applyPrice, type PricedCharge } from './price-charge.ts';
import type { PriceList } from './price-list.ts';
import { nothing } from './price-packages.ts';
import { type VisitFacts, visitFacts } from './visit-facts.ts';

export interface AutoInvoiceOptions {
  readonly pricesOf: PriceList;
  readonly settingsOf: SettingsOf;
}

export function createAutoInvoiceJob(options: AutoInvoiceOptions): ModuleJob {
  return {
    topic: fulfilledTopic,
    consumer: 'billing.auto-invoice',
    async run(event, session) {
      const appointment = await lockAppointment(session, event.resourceId);
      if (!appointment || appointment.status === 'entered-in-error') return;
      const invoiceId = newId(session.at.getTime());
      const settings = await options.settingsOf(session.trx);
      // Side by side, for one message: who finds the key taken has asked for little in vain.
      const [claimed, prices, visit] = await Promise.all([
        claimKeys(session, [{ appointmentId: event.resourceId, invoiceId }]),
        options.pricesOf(session, settings.currency),
        visitFacts(session, appointment),
      ]);
      if (claimed.size > 0) await invoice(session, { appointment, invoiceId, settings, prices, visit });
    },
  };
}

interface Billed {
  readonly appointment: Appointment;
  readonly invoiceId: string;
  readonly settings: WorkflowSettings;
  readonly prices: readonly Price[];
  readonly visit: VisitFacts;
}

async function invoice(session: Session, { appointment, invoiceId, settings, prices, visit }: Billed): Promise<void> {
  const { at } = session;
  const { currency } = settings;
  const price = choosePrice(prices, visit);
  const terms = { ...visit, definitions: [], quantity: one, listedQuantity: one, overrideMinor: undefined };
  const priced = price && applyPrice(prices, price, terms, settings['money.rounding']);
  const appointmentId = appointment.id ?? '';
  const free = priced && (await coverByPaidVisit(session, { appointmentId, invoiceId, visit, price: priced.price }));
  const components = free === undefined ? (priced ?? unpriced).components : [nothing({ text: free })];
  const chargeItemId = newId(at.getTime());
  const of = { appointment, visit, price: priced?.price, free, components, currency };
  const resources = draftResources({ ...of, at, chargeItemId, invoiceId });
  await createDrafts(session, resources);
}

const one: Decimal = { digits: 1n, scale: 0 };

/** Without a price, or with one whose sum no JSON number can hold, the line is a base of zero. */
const unpriced: Pick<PricedCharge, 'components'> = {
  components: [{ type: 'base', code: undefined, factor: undefined, amountMinor: 0n }],
};
