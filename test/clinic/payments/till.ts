// A till for the tests of payments: Invoices, payments, refunds and voids over HTTP, as contract.md 27 and 31 to 39 write them.

import type {
  Basic,
  Bundle,
  Invoice,
  Money,
  PaymentNotice,
  PaymentReconciliation,
  PaymentReconciliationDetail,
  Resource,
} from '@medplum/fhirtypes';
import { buildPatient } from '../../support/builders.ts';
import type { TestResponse, TestTenant } from '../../support/server.ts';

const house = 'https://hpms.example/fhir';
const r5 = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-PaymentReconciliation';
const paymentTypes = 'http://terminology.hl7.org/CodeSystem/payment-type';

export const urls = {
  ...{ type: `${r5}.type`, method: `${r5}.method`, issuer: `${r5}.paymentIssuer` },
  ...{ tendered: `${r5}.tenderedAmount`, returned: `${r5}.returnedAmount` },
  drawer: `${house}/StructureDefinition/drawer`,
  refunds: `${house}/StructureDefinition/refunds`,
  netAmount: `${house}/StructureDefinition/net-amount`,
  counted: `${house}/StructureDefinition/counted`,
  variance: `${house}/StructureDefinition/variance`,
  bankFee: `${house}/StructureDefinition/bank-fee`,
  outstanding: `${house}/StructureDefinition/outstanding`,
  paymentState: `${house}/StructureDefinition/payment-state`,
  corrects: `${house}/StructureDefinition/corrects`,
  entry: `${house}/StructureDefinition/entry`,
  ledgerType: `${house}/StructureDefinition/ledger-type`,
  source: `${house}/StructureDefinition/source`,
  reverses: `${house}/StructureDefinition/reverses`,
};

export type Stored<T extends Resource> = T & { readonly id: string };

export const today = (): string => new Date().toISOString().slice(0, 10);

export function usd(value: number): Money {
  return { value, currency: 'USD' };
}

export interface PaymentParts {
  readonly type?: string;
  readonly method?: string;
  readonly issuer?: string;
  readonly refunds?: string;
  readonly drawer?: string;
  readonly date?: string;
  readonly outcome?: PaymentReconciliation['outcome'];
  /** `Invoice/1` or `Appointment/1` with its amount; no target = for nothing. */
  readonly details?: readonly (readonly [target: string | undefined, amount: number])[];
  readonly extensions?: PaymentReconciliation['extension'];
}

/** Of what contract.md 31 shows. */
export function buildPayment(amount: number, parts: PaymentParts = {}): PaymentReconciliation {
  const {
    type = 'payment',
    method = 'CASH',
    issuer,
    refunds,
    drawer,
    date,
    outcome = 'complete',
    details = [],
  } = parts;
  const isHl7 = ['payment', 'advance', 'adjustment'].includes(type);
  const isOwnMethod = ['UPI', 'wallet', 'voucher'].includes(method);
  const methodSystem = isOwnMethod
    ? `${house}/CodeSystem/payment-method`
    : 'http://terminology.hl7.org/CodeSystem/v2-0570';
  const concept = (system: string, code: string) => ({ valueCodeableConcept: { coding: [{ system, code }] } });
  const reference = (text: string) => ({ valueReference: { reference: text } });
  return {
    resourceType: 'PaymentReconciliation',
    status: 'active',
    outcome,
    created: new Date().toISOString(),
    paymentDate: date ?? today(),
    paymentAmount: usd(amount),
    extension: [
      { url: urls.type, ...concept(isHl7 ? paymentTypes : `${house}/CodeSystem/payment-type`, type) },
      ...(method === '' ? [] : [{ url: urls.method, ...concept(methodSystem, method) }]),
      ...(issuer === undefined ? [] : [{ url: urls.issuer, ...reference(issuer) }]),
      ...(refunds === undefined ? [] : [{ url: urls.refunds, ...reference(refunds) }]),
      ...(drawer === undefined ? [] : [{ url: urls.drawer, ...reference(drawer) }]),
      ...(parts.extensions ?? []),
    ],
    ...(details.length > 0 && { detail: details.map(([target, part]) => detailOf(target, part)) }),
  };
}

function detailOf(target: string | undefined, amount: number): PaymentReconciliationDetail {
  return {
    type: { coding: [{ system: paymentTypes, code: 'payment' }] },
    ...(target !== undefined && { request: { reference: target } }),
    amount: usd(amount),
  };
}

export class Till {
  readonly tenant: TestTenant;

  constructor(tenant: TestTenant) {
    this.tenant = tenant;
  }

  async created<T extends Resource>(resource: T): Promise<Stored<T>> {
    const { status, json, text } = await this.tenant.request('POST', `/${resource.resourceType}`, resource);
    if (status !== 201) throw new Error(`Not created: ${status} ${text}`);
    return json;
  }

  /** `Patient/x` */
  async patient(): Promise<string> {
    return `Patient/${(await this.created(buildPatient())).id}`;
  }

  /** Issued, of one line of this net amount without tax. */
  async invoice(subject: string, amount: number, overrides: Partial<Invoice> = {}): Promise<Stored<Invoice>> {
    return await this.created(buildInvoice(subject, amount, overrides));
  }

  post(payment: PaymentReconciliation, headers: Record<string, string> = {}): Promise<TestResponse> {
    return this.tenant.request('POST', '/PaymentReconciliation', payment, headers);
  }

  /** Throws unless it is taken. */
  async paid(amount: number, parts: PaymentParts = {}): Promise<Stored<PaymentReconciliation>> {
    return await this.created(buildPayment(amount, parts));
  }

  refund(amount: number, refunds: string, parts: PaymentParts = {}): Promise<TestResponse> {
    return this.post(buildPayment(amount, { type: 'refund', method: '', refunds, ...parts }));
  }

  put(payment: Stored<PaymentReconciliation>): Promise<TestResponse> {
    return this.tenant.request('PUT', `/PaymentReconciliation/${payment.id}`, payment);
  }

  void(payment: Stored<PaymentReconciliation>): Promise<TestResponse> {
    return this.put({ ...payment, status: 'cancelled' });
  }

  async read<T extends Resource>(reference: string): Promise<Stored<T>> {
    const { status, json, text } = await this.tenant.request('GET', `/${reference}`);
    if (status !== 200) throw new Error(`Not read: ${status} ${text}`);
    return json;
  }

  async search<T extends Resource>(query: string): Promise<Stored<T>[]> {
    const { status, json, text } = await this.tenant.request('GET', `/${query}`);
    if (status !== 200) throw new Error(`Not found: ${status} ${text}`);
    return ((json as Bundle).entry ?? []).map(({ resource }) => resource as Stored<T>);
  }

  /** `issued pending 100` */
  async stateOf({ id }: Stored<Invoice>): Promise<string> {
    const { status, extension = [] } = await this.read<Invoice>(`Invoice/${id}`);
    const state = extension.find(({ url }) => url === urls.paymentState)?.valueCode;
    const outstanding = extension.find(({ url }) => url === urls.outstanding)?.valueMoney?.value;
    return `${status} ${state} ${outstanding}`;
  }

  async receiptsOf({ id }: Stored<Invoice>): Promise<Stored<PaymentNotice>[]> {
    return await this.search<PaymentNotice>(`PaymentNotice?request=Invoice/${id}&_count=100`);
  }

  /** Of the journals that follow from a resource: `PAYMENT 1010 120 1200 -120 ...` in the order of account numbers. */
  async journalsOf(reference: string): Promise<string[]> {
    const journals = await this.search<Basic>(`Basic?ledger-source=${reference}&_count=100`);
    const names = await this.#accountNumbers();
    return journals.map((journal) => journalText(journal, names)).sort();
  }

  async #accountNumbers(): Promise<Map<string, string>> {
    const accounts = await this.search('Account?_count=1000');
    return new Map(
      accounts.map((account) => {
        const { identifier = [], partOf } = account as { identifier?: { value?: string }[]; partOf?: unknown };
        return [`Account/${account.id}`, `${identifier[0]?.value ?? ''}${partOf ? '' : '!'}`];
      }),
    );
  }

  transaction(...entries: NonNullable<Bundle['entry']>): Promise<TestResponse> {
    return this.tenant.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry: entries });
  }
}

function journalText({ extension = [] }: Basic, names: ReadonlyMap<string, string>): string {
  const type = extension.find(({ url }) => url === urls.ledgerType)?.valueCode;
  const lines = extension
    .filter(({ url }) => url === urls.entry)
    .map(({ extension: parts = [] }) => {
      const account = parts.find(({ url }) => url === 'account')?.valueReference?.reference ?? '';
      const amount = parts.find(({ url }) => url === 'amount')?.valueMoney?.value;
      return `${names.get(account)} ${amount}`;
    });
  return [type, ...lines.sort()].join(', ');
}

export function buildInvoice(subject: string, amount: number, overrides: Partial<Invoice> = {}): Invoice {
  return {
    resourceType: 'Invoice',
    status: 'issued',
    subject: { reference: subject },
    lineItem: [
      {
        sequence: 1,
        chargeItemCodeableConcept: { text: 'Visit' },
        priceComponent: [{ type: 'base', amount: usd(amount) }],
      },
    ],
    ...overrides,
  };
}

/** `Type/id` */
export function referenceTo({ resourceType, id }: Stored<Resource>): string {
  return `${resourceType}/${id}`;
}

export function netAmountOf({ extension = [] }: PaymentReconciliation): number | undefined {
  return extension.find(({ url }) => url === urls.netAmount)?.valueMoney?.value;
}

export function detailsOf({ detail = [] }: PaymentReconciliation): string[] {
  return detail.map(({ request, amount }) => `${request?.reference} ${amount?.value}`);
}
