// Effect: the typed rows of Invoices follow the Invoices in the same transaction; reports and payments read these (domain.md 3.5).

import type { Invoice } from '@medplum/fhirtypes';
import { sumOf } from '../../fhir/decimal.ts';
import { isId } from '../../fhir/ids.ts';
import { type Currency, isExact, readAmount } from '../../fhir/money.ts';
import type { Change, WriteIntent } from '../../repository/change.ts';
import type { Rule } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { autoInvoiceSystem, extensionUrls, feeSystem } from './canonicals.ts';
import { chargeItemIdsOf, readChargeItems } from './charge-items.ts';
import { correctedIdOf } from './correction.ts';
import { forgetInvoiceFacts, type InvoiceFacts } from './invoice-facts.ts';
import { isImport, kindOf } from './invoice-status.ts';
import { issueOf } from './issue.ts';
import { localTarget } from './local-target.ts';
import { type LineComponent, netOf } from './price-line.ts';
import { currencyOf, readStoredComponents } from './stored-lines.ts';

export function createKeepFacts(settingsOf: SettingsOf): Rule<readonly WriteIntent[]> {
  return {
    name: 'invoice-facts',
    type: 'Invoice',
    async run(changes, session) {
      forgetInvoiceFacts(
        session,
        changes.map(({ id }) => id),
      );
      const gone = changes.filter(({ resource }) => !resource).map(({ id }) => id);
      if (gone.length > 0) forget(session, gone);
      const kept = changes.filter(({ resource }) => resource);
      if (kept.length === 0) return [];
      const { currency } = await settingsOf(session.trx);
      const departments = await departmentsOf(session, kept);
      for (const change of kept) noteOwners(change, departments.get(change.id));
      keep(
        session,
        kept.map((change) => factsOf(change, currency, departments.get(change.id))),
      );
      return [];
    },
  };
}

export interface RevenueOwners {
  readonly practitionerId: string | undefined;
  /** Undefined where this write does not tell: then it is as it was. */
  readonly departmentId: string | undefined;
}

const owners = new WeakMap<Change, RevenueOwners>();

function noteOwners(change: Change, departmentId: string | undefined): void {
  owners.set(change, { practitionerId: practitionerOf(change.resource as Invoice), departmentId });
}

/** Whose the revenue of an Invoice is, as far as its write tells. */
export function ownersOf(change: Change): RevenueOwners | undefined {
  return owners.get(change);
}

function factsOf(change: Change, defaultCurrency: Currency, departmentId: string | undefined): InvoiceFacts {
  const invoice = change.resource as Invoice;
  const currency = currencyOf(invoice) ?? defaultCurrency;
  const isImported = isImport(invoice);
  const components = readStoredComponents(invoice, currency);
  const patient = localTarget(invoice.subject);
  return {
    id: change.id,
    kind: kindOf(invoice),
    status: invoice.status,
    isImported,
    patientId: patient?.type === 'Patient' ? patient.id : undefined,
    practitionerId: practitionerOf(invoice),
    departmentId,
    appointmentId: appointmentOf(invoice),
    correctsId: correctedIdOf(invoice),
    currency,
    ...(isImported ? importedAmounts(invoice, currency) : amountsOf(components)),
    issuedOn: issueOf(change)?.issuedOn,
    dueOn: invoice.extension?.find(({ url }) => url === extensionUrls.dueDate)?.valueDate,
  };
}

type Amounts = Pick<InvoiceFacts, 'listedMinor' | 'discountMinor' | 'netMinor' | 'taxMinor' | 'grossMinor'>;

function amountsOf(components: readonly LineComponent[]): Amounts {
  const sumOfTypes = (...types: readonly string[]) =>
    sumOf(components.filter(({ type }) => types.includes(type)).map(({ amountMinor }) => amountMinor));
  const netMinor = netOf(components);
  const taxMinor = sumOfTypes('tax');
  return {
    listedMinor: sumOfTypes('base', 'surcharge'),
    discountMinor: sumOfTypes('discount', 'deduction'),
    netMinor,
    taxMinor,
    grossMinor: netMinor + taxMinor,
  };
}

/** What another system says of it. */
function importedAmounts({ totalNet, totalGross }: Invoice, currency: Currency): Amounts {
  const [net, gross] = [totalNet, totalGross].map((money) =>
    money?.value === undefined ? undefined : readAmount(money.value, currency),
  );
  const grossMinor = gross ?? net ?? 0n;
  const netMinor = net ?? grossMinor;
  return { listedMinor: netMinor, discountMinor: 0n, netMinor, taxMinor: grossMinor - netMinor, grossMinor };
}

function practitionerOf({ participant = [] }: Invoice): string | undefined {
  return participant.map(({ actor }) => localTarget(actor)).find((target) => target?.type === 'Practitioner')?.id;
}

/** The value of the identifier begins with the Appointment's id. */
function appointmentOf({ identifier = [] }: Invoice): string | undefined {
  const own = identifier.find(({ system }) => system === autoInvoiceSystem || system === feeSystem);
  const [id = ''] = (own?.value ?? '').split('/');
  return isId(id) ? id : undefined;
}

/** By Invoice id: who performed what is charged first. Nothing is read where the lines are those that were stored. */
async function departmentsOf(session: Session, changes: readonly Change[]): Promise<Map<string, string>> {
  const charged = changes.flatMap(({ id, resource, oldResource }) => {
    const items = chargeItemIdsOf(resource as Invoice);
    const isSame = items.join() === chargeItemIdsOf(oldResource as Invoice | undefined).join();
    return isSame ? [] : [{ id, items }];
  });
  if (charged.length === 0) return new Map();
  const known = await readChargeItems(
    session,
    charged.flatMap(({ items }) => items),
  );
  return new Map(
    charged.flatMap(({ id, items }) => {
      const organizations = items.map((item) => localTarget(known.get(item)?.performingOrganization));
      const department = organizations.find((target) => target?.type === 'Organization');
      return department ? [[id, department.id] as const] : [];
    }),
  );
}

function forget({ trx }: Session, ids: readonly string[]): void {
  trx.execute({
    name: 'forget-invoice-facts',
    text: 'DELETE FROM invoice_fact WHERE invoice_id = ANY($1::text[])',
    values: [ids],
  });
}

function keep({ trx }: Session, facts: readonly InvoiceFacts[]): void {
  const amounts = (pick: (one: InvoiceFacts) => bigint) => facts.map((one) => String(bounded(pick(one))));
  trx.execute({
    name: 'keep-invoice-facts',
    text: upsert,
    values: [
      facts.map(({ id }) => id),
      facts.map(({ kind }) => kind),
      facts.map(({ status }) => status),
      facts.map(({ isImported }) => isImported),
      facts.map(({ patientId }) => patientId ?? null),
      facts.map(({ practitionerId }) => practitionerId ?? null),
      facts.map(({ departmentId }) => departmentId ?? null),
      facts.map(({ appointmentId }) => appointmentId ?? null),
      facts.map(({ correctsId }) => correctsId ?? null),
      facts.map(({ currency }) => currency),
      amounts(({ listedMinor }) => listedMinor),
      amounts(({ discountMinor }) => discountMinor),
      amounts(({ netMinor }) => netMinor),
      amounts(({ taxMinor }) => taxMinor),
      amounts(({ grossMinor }) => grossMinor),
      facts.map(({ issuedOn }) => issuedOn ?? null),
      facts.map(({ dueOn }) => dueOn ?? null),
    ],
  });
}

/** What is beyond 15 digits was never reckoned here; it must not break the row. */
function bounded(amountMinor: bigint): bigint {
  return isExact(amountMinor) ? amountMinor : 0n;
}

/** The day of issue and the department are told once; an import that is cancelled stays one. */
const upsert = `
  INSERT INTO invoice_fact AS fact (invoice_id, kind, status, is_imported, patient_id, practitioner_id, department_id,
    appointment_id, corrects_id, currency, listed_minor, discount_minor, net_minor, tax_minor, gross_minor, issued_on, due_on)
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::date[], $17::date[])
  ON CONFLICT (tenant_id, invoice_id) DO UPDATE SET kind = excluded.kind, status = excluded.status,
    is_imported = excluded.is_imported OR fact.is_imported, patient_id = excluded.patient_id,
    practitioner_id = excluded.practitioner_id, department_id = coalesce(excluded.department_id, fact.department_id),
    appointment_id = excluded.appointment_id, corrects_id = excluded.corrects_id, currency = excluded.currency,
    listed_minor = excluded.listed_minor, discount_minor = excluded.discount_minor, net_minor = excluded.net_minor,
    tax_minor = excluded.tax_minor, gross_minor = excluded.gross_minor,
    issued_on = coalesce(fact.issued_on, excluded.issued_on), due_on = excluded.due_on`;
