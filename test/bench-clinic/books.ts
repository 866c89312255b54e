// The books of the clinic: what the server would have posted of all its visits until yesterday, by its own functions, loaded by COPY.

import type { Account, Resource } from '@medplum/fhirtypes';
import type pg from 'pg';
import { type AccountState, stateKey } from '../../src/clinic/ledger/account-rows.ts';
import { type ChainHead, chainJournals } from '../../src/clinic/ledger/chain-journals.ts';
import { insertJournals } from '../../src/clinic/ledger/insert-journals.ts';
import type { InvoiceBalance } from '../../src/clinic/ledger/invoice-balances.ts';
import type { ChainedJournal, Posting } from '../../src/clinic/ledger/journal-chain.ts';
import { keepBalances } from '../../src/clinic/ledger/keep-balances.ts';
import { journalBasic } from '../../src/clinic/ledger/ledger-basic.ts';
import { subAccount } from '../../src/clinic/ledger/open-accounts.ts';
import { chargeLines, paymentLines } from '../../src/clinic/ledger/postings.ts';
import type { TenantCipher } from '../../src/crypto/tenant-cipher.ts';
import type { Statement } from '../../src/database/statement.ts';
import type { Session } from '../../src/repository/session.ts';
import { createExtractor } from '../../src/search/extract.ts';
import { houseDefinitions } from '../../src/search/own/house-definitions.ts';
import {
  type Bill,
  billOf,
  currency,
  departmentOf,
  drawers,
  invoiceIdOf,
  paymentIdOf,
  revenueAccount,
} from './bills.ts';
import { copyRows } from './copy.ts';
import { withoutIndexes } from './load.ts';
import { appointmentsPerDay, idOf, referenceTo, visitMinutes } from './plan.ts';
import { type RowMaker, rowsOf, type TableRows, tableRows } from './rows.ts';

export interface BookedTenant {
  readonly database: pg.Client;
  readonly tenantId: number;
  readonly cipher: TenantCipher;
  readonly patients: number;
  /** Whole days that are over. */
  readonly days: number;
}

/** Days, from the last one back, whose journals can be opened as Basic resources: enough for every page that is asked for. */
export const openDays = 62;
/** As many patients have all of theirs. */
export const openPatients = 1_000;
const accountsAtOnce = 500;
const daysBetweenReports = 50;

/** Rows that grow with the visits; most are new. */
const bookIndexes = `NOT indisprimary
  AND relname IN ('ledger_entry', 'ledger_transaction', 'ledger_invoice', 'invoice_fact', 'visit')`;

/** Gives how many journals were written. */
export async function loadBooks(tenant: BookedTenant, report: (line: string) => void): Promise<number> {
  const { database } = tenant;
  let journals = 0;
  await database.query('SET synchronous_commit = off');
  // What the database checks of each row costs more than the row, and was checked by whoever made these.
  await database.query('SET session_replication_role = replica');
  await withoutIndexes(
    database,
    async () => {
      const books = await Books.open(tenant);
      for (let day = 0; day < tenant.days; day++) {
        journals += await books.writeDay(day);
        if ((day + 1) % daysBetweenReports === 0) report(`books of ${day + 1} of ${tenant.days} days`);
      }
      report('building the indexes of the books');
    },
    bookIndexes,
  );
  await database.query('RESET session_replication_role');
  await database.query('RESET synchronous_commit');
  return journals;
}

class Books {
  readonly #tenant: BookedTenant;
  readonly #accounts: Map<string, AccountState>;
  readonly #maker: RowMaker;
  #head: ChainHead;
  /** What was made before is written while the next is made. */
  #written: Promise<void> = Promise.resolve();

  private constructor(tenant: BookedTenant, accounts: Map<string, AccountState>, head: ChainHead) {
    this.#tenant = tenant;
    this.#accounts = accounts;
    this.#head = head;
    this.#maker = { cipher: tenant.cipher, extract: createExtractor(houseDefinitions()) };
  }

  static async open(tenant: BookedTenant): Promise<Books> {
    const books = new Books(tenant, await storedAccounts(tenant), await storedHead(tenant));
    const subs = Array.from({ length: tenant.patients }, (_, n) => ['1200', referenceTo('Patient', n)] as const);
    await books.#openAccounts([...drawers.map((drawer) => ['1010', drawer] as const), ...subs]);
    return books;
  }

  async #openAccounts(wanted: readonly (readonly [number: string, sub: string])[]): Promise<void> {
    const missing = wanted.filter(([number, sub]) => !this.#accounts.has(stateKey({ number, sub, currency })));
    for (let n = 0; n < missing.length; n += accountsAtOnce) {
      const at = new Date();
      const opened = missing.slice(n, n + accountsAtOnce).map(([number, sub]) => this.#openAccount(number, sub, at));
      const rows = opened.map(({ accountId, number, sub, controlId }) => [accountId, number, sub, controlId]);
      const columns = ['account_id', 'number', 'sub', 'control_id'];
      const resources = opened.map(({ account }) => firstVersion(account, at));
      await this.#copy([...rowsOf(resources, this.#maker), { table: 'ledger_account', columns, rows }]);
    }
  }

  #openAccount(number: string, sub: string, at: Date): AccountState & { readonly account: Account } {
    const control = this.#accounts.get(stateKey({ number, currency }));
    if (!control) throw new Error(`The clinic has no account ${number}.`);
    const { accountId: controlId } = control;
    const account = subAccount({ at }, number, sub, controlId);
    const state = { number, sub, currency, accountId: account.id, controlId, seq: 0n, balanceMinor: 0n };
    this.#accounts.set(stateKey(state), state);
    return { ...state, account };
  }

  async writeDay(day: number): Promise<number> {
    const { tenantId, patients, days } = this.#tenant;
    const bills = Array.from({ length: appointmentsPerDay }, (_, place) =>
      billOf(day * appointmentsPerDay + place, patients),
    );
    const charged = bills.filter(({ isMissed }) => !isMissed);
    const closedAt = new Date((bills[0]?.start.getTime() ?? 0) + 12 * 60 * 60_000);
    const { session, statements } = recordingSession(tenantId, closedAt);
    const context = { head: this.#head, accounts: this.#accounts, owners: new Map() };
    const journals = chainJournals(session, charged.flatMap(postingsOf), context);
    this.#follow(journals);
    insertJournals(session, journals);
    await keepBalances(session, journals, new Map(charged.map((bill) => [invoiceIdOf(bill.n), settledState(bill)])));
    const isOpen = day >= days - openDays;
    const shown = journals.filter(({ posting }) => isOpen || isOfOpenPatient(posting));
    const basics = shown.map((journal) => firstVersion(journalBasic(journal).resource, closedAt));
    const rows = [
      ...statements.filter(({ text }) => /^\s*INSERT/.test(text)).map(tableRows),
      ...(basics.length === 0 ? [] : rowsOf(basics, this.#maker)),
      invoiceFacts(charged),
      visits(bills),
    ];
    await this.#written;
    this.#written = this.#copy(rows);
    if (day === days - 1) await this.#written;
    return journals.length;
  }

  /** Accounts and chain stand where the journals have left them. */
  #follow(journals: readonly ChainedJournal[]): void {
    for (const { lines } of journals) for (const { state } of lines) this.#accounts.set(stateKey(state), state);
    this.#head = journals.at(-1) ?? this.#head;
  }

  async #copy(parts: readonly TableRows[]): Promise<void> {
    const { database, tenantId } = this.#tenant;
    for (const rows of parts) await copyRows(database, tenantId, rows);
  }
}

/** A session whose statements are kept instead of sent; nothing that is asked of it has an answer. */
function recordingSession(tenantId: number, at: Date) {
  const statements: Statement[] = [];
  const trx = { tenantId, execute: (statement: Statement) => void statements.push(statement) };
  const session = { at, caller: { agent: {} }, trx } as unknown as Session;
  return { session, statements };
}

async function storedAccounts({ database, tenantId }: BookedTenant): Promise<Map<string, AccountState>> {
  const { rows } = await database.query<Record<'number' | 'sub' | 'id' | 'control' | 'seq' | 'balance', string>>(
    `SELECT number, sub, account_id AS id, control_id AS control, coalesce(last.account_seq, 0)::text AS seq,
       coalesce(last.balance_after, 0)::text AS balance
     FROM store.ledger_account account LEFT JOIN LATERAL (
       SELECT account_seq, balance_after FROM store.ledger_entry entry
       WHERE entry.tenant_id = account.tenant_id AND entry.account_id = account.account_id AND entry.currency = $2
       ORDER BY account_seq DESC LIMIT 1) AS last ON true
     WHERE tenant_id = $1`,
    [tenantId, currency],
  );
  return new Map(
    rows.map(({ number, sub, id: accountId, control: controlId, seq, balance }) => {
      const state = { number, sub, currency, accountId, controlId, seq: BigInt(seq), balanceMinor: BigInt(balance) };
      return [stateKey(state), state];
    }),
  );
}

async function storedHead({ database, tenantId }: BookedTenant): Promise<ChainHead> {
  const { rows } = await database.query<{ seq: string; hash: Buffer }>(
    'SELECT seq::text AS seq, hash FROM store.ledger_transaction WHERE tenant_id = $1 ORDER BY ledger_transaction.seq DESC LIMIT 1',
    [tenantId],
  );
  const [last] = rows;
  return last ? { seq: BigInt(last.seq), hash: last.hash } : { seq: 0n, hash: Buffer.alloc(0) };
}

/** The charge, and the payment where there is one. */
function postingsOf(bill: Bill): Posting[] {
  const { n, amountMinor, day: businessDate, paid } = bill;
  const patient = referenceTo('Patient', bill.patient);
  const invoice = { invoice: invoiceIdOf(n), patient };
  const common = { businessDate, currency, subject: patient } as const;
  const charge: Posting = {
    ...common,
    type: 'CHARGE',
    source: `Invoice/${invoice.invoice}/_history/2`,
    idempotencyKey: `CHARGE Invoice/${invoice.invoice}`,
    lines: chargeLines({ ...invoice, basis: 'cash', ...netOf(bill), taxMinor: new Map() }),
    facts: {
      practitioner: referenceTo('Practitioner', bill.practitioner),
      department: `Organization/${departmentOf(bill.practitioner)}`,
    },
  };
  if (!paid) return [charge];
  const payment = `PaymentReconciliation/${paymentIdOf(n)}`;
  const settled = { ...invoice, balance: chargedBalance(bill), amountMinor };
  return [
    charge,
    {
      ...common,
      type: 'PAYMENT',
      source: `${payment}/_history/1`,
      idempotencyKey: `PAYMENT ${payment}`,
      lines: paymentLines({ ...paid, amountMinor }, [settled], { patient, source: payment }),
      facts: paid,
    },
  ];
}

const netOf = ({ amountMinor }: Bill) => ({ netMinor: new Map([[revenueAccount, amountMinor]]) });

/** Before anything of it is paid. */
function chargedBalance({ amountMinor }: Bill): InvoiceBalance {
  return {
    ...{ currency, basis: 'cash', grossMinor: amountMinor, outstandingMinor: amountMinor, paidMinor: 0n },
    ...{ creditedMinor: 0n, writtenOffMinor: 0n, deferredMinor: new Map([[revenueAccount, amountMinor]]) },
    ...{ recognisedMinor: new Map(), taxMinor: new Map() },
  };
}

function settledState({ amountMinor, paid }: Bill) {
  const paidMinor = paid ? amountMinor : 0n;
  return { currency, paidMinor, outstandingMinor: amountMinor - paidMinor } as const;
}

const openParties = new Set(Array.from({ length: openPatients }, (_, n) => referenceTo('Patient', n)));

function isOfOpenPatient({ subject = '' }: Posting): boolean {
  return openParties.has(subject);
}

function firstVersion<T extends Resource>({ resourceType, id, ...rest }: T, at: Date): Resource {
  const meta = { versionId: '1', lastUpdated: at.toISOString() };
  return { resourceType, id, meta, ...rest } as Resource;
}

function invoiceFacts(bills: readonly Bill[]): TableRows {
  const amounts = ['listed_minor', 'net_minor', 'gross_minor'];
  const rest = ['discount_minor', 'tax_minor', 'kind', 'is_imported', 'status', 'patient_id', 'practitioner_id'];
  return {
    table: 'invoice_fact',
    columns: ['invoice_id', 'currency', ...amounts, ...rest, 'department_id', 'appointment_id', 'issued_on'],
    rows: bills.map(({ n, amountMinor, paid, patient, practitioner, day }) => [
      ...[invoiceIdOf(n), currency, amountMinor, amountMinor, amountMinor, 0, 0, 'invoice', false],
      ...[paid ? 'balanced' : 'issued', idOf('Patient', patient), idOf('Practitioner', practitioner)],
      ...[departmentOf(practitioner), idOf('Appointment', n), day],
    ]),
  };
}

function visits(bills: readonly Bill[]): TableRows {
  const columns = ['appointment_id', 'status', 'patient_id', 'practitioners', 'department_id', 'start_at'];
  return {
    table: 'visit',
    columns: [...columns, 'planned_minutes', 'local_date'],
    rows: bills.map(({ n, isMissed, patient, practitioner, start, day }) => [
      ...[idOf('Appointment', n), isMissed ? 'noshow' : 'fulfilled', idOf('Patient', patient)],
      ...[`{${referenceTo('Practitioner', practitioner)}}`, departmentOf(practitioner), start, visitMinutes, day],
    ]),
  };
}
