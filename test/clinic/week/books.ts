// Everything a checker needs of a clinic, read over HTTP only, page by page: https://hl7.org/fhir/R4/http.html#paging

import type {
  Account,
  Appointment,
  Basic,
  Bundle,
  ChargeItem,
  Encounter,
  Extension,
  Invoice,
  Location,
  Money,
  Patient,
  PaymentNotice,
  PaymentReconciliation,
  Resource,
} from '@medplum/fhirtypes';
import type { TestResponse, TestTenant } from '../../support/server.ts';
import type { Stored } from '../payments/till.ts';

export type Requester = Pick<TestTenant, 'request'>;

export interface Books {
  readonly patients: readonly Stored<Patient>[];
  readonly locations: readonly Stored<Location>[];
  readonly appointments: readonly Stored<Appointment>[];
  readonly encounters: readonly Stored<Encounter>[];
  readonly chargeItems: readonly Stored<ChargeItem>[];
  readonly invoices: readonly Stored<Invoice>[];
  readonly payments: readonly Stored<PaymentReconciliation>[];
  readonly receipts: readonly Stored<PaymentNotice>[];
  readonly basics: readonly Stored<Basic>[];
  readonly accounts: readonly Stored<Account>[];
}

const ledgerCode = encodeURIComponent('https://hpms.example/fhir/CodeSystem/basic-code|ledger-transaction');

export async function readBooks(clinic: Requester): Promise<Books> {
  return {
    patients: await readAll(clinic, 'Patient'),
    locations: await readAll(clinic, 'Location'),
    appointments: await readAll(clinic, 'Appointment'),
    encounters: await readAll(clinic, 'Encounter'),
    chargeItems: await readAll(clinic, 'ChargeItem'),
    invoices: await readAll(clinic, 'Invoice'),
    payments: await readAll(clinic, 'PaymentReconciliation'),
    receipts: await readAll(clinic, 'PaymentNotice'),
    basics: await readAll(clinic, 'Basic', `code=${ledgerCode}`),
    accounts: await readAccounts(clinic),
  };
}

/** As a search shows them (contract.md 42), and with what their `$ledger` says beside it (43). */
async function readAccounts(clinic: Requester): Promise<Stored<Account>[]> {
  const accounts = await readAll<Account>(clinic, 'Account');
  return await Promise.all(
    accounts.map(async (account) => {
      const { id, extension = [] } = account;
      const { status, json, text } = await clinic.request('GET', `/Account/${id}/$ledger?_count=1`);
      if (status !== 200) throw new Error(`Account/${id}/$ledger: ${status} ${text}`);
      const { entry = [] } = json as Bundle;
      const told = entry.find(({ resource }) => resource?.resourceType === 'Account')?.resource as Account;
      return { ...account, extension: [...extension, ...(told.extension ?? [])] };
    }),
  );
}

export async function readAll<T extends Resource>(
  clinic: Requester,
  type: T['resourceType'],
  query = '',
): Promise<Stored<T>[]> {
  const found: Stored<T>[] = [];
  let path: string | undefined = `/${type}?_count=500&${query}`;
  while (path !== undefined) {
    const answer: TestResponse = await clinic.request('GET', path);
    if (answer.status !== 200) throw new Error(`Search of ${type}: ${answer.status} ${answer.text}`);
    const { entry = [], link = [] } = answer.json as Bundle;
    for (const { resource } of entry) found.push(resource as Stored<T>);
    path = link.find(({ relation }) => relation === 'next')?.url.replace(/^.*?\/fhir(?=[/?])/, '');
  }
  return found;
}

const own = 'https://hpms.example/fhir/StructureDefinition';

/** Of HPMS's own, by the last part of its URL. */
export function extensionOf(resource: { readonly extension?: Extension[] }, name: string): Extension | undefined {
  return resource.extension?.find(({ url }) => url === `${own}/${name}`);
}

/** In the system of a series of numbers: contract.md 45. */
export function numberIn(
  { identifier = [] }: { readonly identifier?: { system?: string; value?: string }[] },
  series: string,
): string | undefined {
  return identifier.find(({ system }) => system === `https://hpms.example/fhir/sid/${series}`)?.value;
}

/** Whole cents; NaN where there is no amount. */
export function centsOf(money: Money | undefined): number {
  return Math.round((money?.value ?? Number.NaN) * 100);
}

export function sumOf(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
