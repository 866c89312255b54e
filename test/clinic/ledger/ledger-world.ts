// Two clinics on a whole server, with patients and drawers, whose ledgers are posted to as billing and payments do.

import { serverCaller } from '../../../src/access/caller.ts';
import type { InvoiceBalance } from '../../../src/clinic/ledger/invoice-balances.ts';
import { readInvoiceBalances } from '../../../src/clinic/ledger/invoice-balances.ts';
import type { JournalEntry, JournalLine, LedgerType, PostedJournal } from '../../../src/clinic/ledger/journal.ts';
import { lockMoney } from '../../../src/clinic/ledger/lock-money.ts';
import { postJournal } from '../../../src/clinic/ledger/post-journal.ts';
import { chargeLines, paymentLines } from '../../../src/clinic/ledger/postings.ts';
import { inSession, type Session } from '../../../src/repository/session.ts';
import { startTestServer, type TestServer, type TestTenant } from '../../support/server.ts';

export const today = new Date().toISOString().slice(0, 10);

export interface LedgerWorld {
  readonly server: TestServer;
  readonly a: LedgerClinic;
  readonly b: LedgerClinic;
  close(): Promise<void>;
}

export async function openLedgerWorld(): Promise<LedgerWorld> {
  const server = await startTestServer();
  const a = new LedgerClinic(server, server.a);
  const b = new LedgerClinic(server, server.b);
  await Promise.all([a.fill(), b.fill()]);
  return { server, a, b, close: () => server.close() };
}

/** What a posting differs in from the usual one. */
export type Posted = Partial<JournalEntry> & { readonly type: LedgerType; readonly lines: readonly JournalLine[] };

/** Cash of the first patient for later. */
export function deposit(amountMinor: bigint, more: Partial<JournalEntry> = {}): Posted {
  const payer = { patient: 'Patient/p1', source: 'PaymentReconciliation/deposit' };
  const money = { method: 'CASH', drawer: 'Location/drawer', amountMinor };
  const facts = { method: 'CASH', drawer: 'Location/drawer' };
  return { type: 'DEPOSIT', subject: 'Patient/p1', lines: paymentLines(money, [], payer), facts, ...more };
}

export class LedgerClinic {
  readonly tenant: TestTenant;
  readonly patients = ['Patient/p1', 'Patient/p2'] as const;
  readonly drawer = 'Location/drawer';
  readonly #server: TestServer;
  #keys = 0;

  constructor(server: TestServer, tenant: TestTenant) {
    this.#server = server;
    this.tenant = tenant;
  }

  /** The same ids in both clinics, so that a missing wall shows. */
  async fill(): Promise<void> {
    for (const reference of [...this.patients, this.drawer]) {
      const { status, text } = await this.tenant.request('PUT', `/${reference}`, named(reference));
      if (status >= 300) throw new Error(text);
    }
  }

  /** In one transaction under the money lock. */
  inMoney<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return inSession(this.#server.app.repository, serverCaller(this.tenant.id, 'test'), (session) => {
      lockMoney(session);
      return work(session);
    });
  }

  entry(posted: Posted): JournalEntry {
    this.#keys += 1;
    const source = 'Patient/p1/_history/1';
    return { businessDate: today, source, idempotencyKey: `key ${this.#keys}`, currency: 'USD', ...posted };
  }

  async post(...posted: readonly Posted[]): Promise<PostedJournal[]> {
    const entries = posted.map((one) => this.entry(one));
    return await this.inMoney((session) => postJournal(session, entries));
  }

  /** An Invoice of the first patient, of net and tax. */
  async charge(
    invoice: string,
    netMinor: bigint,
    taxMinor = 0n,
    basis: InvoiceBalance['basis'] = 'cash',
  ): Promise<void> {
    const [patient] = this.patients;
    const tax = taxMinor === 0n ? new Map() : new Map([['VAT', taxMinor]]);
    const lines = chargeLines({ invoice, patient, basis, netMinor: new Map([['4000', netMinor]]), taxMinor: tax });
    await this.post({ type: 'CHARGE', subject: patient, lines });
  }

  async balance(invoice: string): Promise<InvoiceBalance> {
    const found = await this.inMoney((session) => readInvoiceBalances(session, [invoice]));
    const balance = found.get(invoice);
    if (!balance) throw new Error('The Invoice was never charged.');
    return balance;
  }

  /** The Account of a number, or below it. */
  async accountOf(
    number: string,
  ): Promise<{ readonly id: string; readonly extension?: unknown; readonly partOf?: unknown }> {
    const identifier = encodeURIComponent(`https://hpms.example/fhir/sid/gl-account|${number}`);
    const { json } = await this.tenant.request('GET', `/Account?identifier=${identifier}`);
    if (json.entry?.length !== 1) throw new Error(`There are ${json.entry?.length ?? 0} accounts ${number}.`);
    return json.entry[0].resource;
  }

  query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.inMoney(({ trx }) => trx.query<Row>({ text, values }));
  }
}

function named(reference: string): object {
  const [resourceType, id] = reference.split('/');
  return resourceType === 'Location' ? { resourceType, id, name: 'Front desk' } : { resourceType, id };
}
