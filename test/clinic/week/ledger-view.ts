// The ledger as the Basic resources tell it (contract.md 41), with cents, account numbers and what each journal reverses.

import type { Account, Basic, Extension } from '@medplum/fhirtypes';
import { type Stored, urls } from '../payments/till.ts';
import { type Books, centsOf, sumOf } from './books.ts';

export interface Entry {
  readonly journal: Journal;
  /** `Account/id` */
  readonly account: string;
  /** `1200`, also of a patient's account below it. */
  readonly number: string;
  readonly currency: string;
  readonly cents: number;
  readonly balanceAfter: number;
  readonly seq: number;
  readonly party: string | undefined;
  readonly invoice: string | undefined;
}

export interface Journal {
  readonly id: string;
  readonly type: string;
  readonly day: string;
  /** `Invoice/1`, without its version. */
  readonly source: string;
  readonly reverses: string | undefined;
  readonly entries: readonly Entry[];
}

export class LedgerView {
  readonly journals: readonly Journal[];
  readonly entries: readonly Entry[];
  readonly #byId: ReadonlyMap<string, Journal>;
  readonly #bySource: ReadonlyMap<string, readonly Journal[]>;

  constructor({ basics, accounts }: Pick<Books, 'basics' | 'accounts'>) {
    const byReference = new Map(accounts.map((account) => [`Account/${account.id}`, account]));
    this.journals = basics.map((basic) => readJournal(basic, byReference));
    this.entries = this.journals.flatMap(({ entries }) => entries);
    this.#byId = new Map(this.journals.map((journal) => [journal.id, journal]));
    this.#bySource = Map.groupBy(this.journals, ({ source }) => source);
  }

  find(id: string): Journal | undefined {
    return this.#byId.get(id);
  }

  of(source: string): readonly Journal[] {
    return this.#bySource.get(source) ?? [];
  }

  /** What it is about: a reversal is of the type of what it reverses. */
  rootType({ type, reverses }: Journal): string {
    const reversed = reverses === undefined ? undefined : this.#byId.get(reverses);
    return reversed ? this.rootType(reversed) : type;
  }
}

export function total(entries: readonly Entry[], isWanted: (entry: Entry) => boolean = () => true): number {
  return sumOf(entries.filter(isWanted).map(({ cents }) => cents));
}

export function accountNumber(
  account: Stored<Account> | undefined,
  accounts: ReadonlyMap<string, Stored<Account>>,
): string {
  const parent = account?.partOf?.reference;
  const number = account?.identifier?.find(({ system }) => system?.endsWith('/sid/gl-account'))?.value;
  return number?.slice(0, 4) ?? (parent === undefined ? '' : accountNumber(accounts.get(parent), accounts));
}

function readJournal(basic: Stored<Basic>, accounts: ReadonlyMap<string, Stored<Account>>): Journal {
  const { id, created = '', extension = [] } = basic;
  const find = (url: string) => extension.find((one) => one.url === url);
  const entries: Entry[] = [];
  const journal: Journal = {
    id,
    type: find(urls.ledgerType)?.valueCode ?? '',
    day: created,
    source: (find(urls.source)?.valueReference?.reference ?? '').split('/').slice(0, 2).join('/'),
    reverses: find(urls.reverses)?.valueReference?.reference?.slice('Basic/'.length),
    entries,
  };
  for (const { url, extension: parts = [] } of extension) {
    if (url === urls.entry) entries.push(readEntry(journal, parts, accounts));
  }
  return journal;
}

function readEntry(
  journal: Journal,
  parts: readonly Extension[],
  accounts: ReadonlyMap<string, Stored<Account>>,
): Entry {
  const part = (name: string) => parts.find(({ url }) => url === name);
  const account = part('account')?.valueReference?.reference ?? '';
  return {
    journal,
    account,
    number: accountNumber(accounts.get(account), accounts),
    currency: part('amount')?.valueMoney?.currency ?? '',
    cents: centsOf(part('amount')?.valueMoney),
    balanceAfter: centsOf(part('balanceAfter')?.valueMoney),
    seq: part('seq')?.valueInteger ?? Number.NaN,
    party: part('party')?.valueReference?.reference,
    invoice: part('invoice')?.valueReference?.reference,
  };
}
