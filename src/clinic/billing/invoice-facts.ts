// What others need to know of Invoices without opening them: typed rows that follow the resources (domain.md 3.5, contract.md 26 to 30).

import type { Invoice } from '@medplum/fhirtypes';
import type { Currency } from '../../fhir/money.ts';
import type { Session } from '../../repository/session.ts';
import { TransactionMemo } from '../transaction-memo.ts';

export type InvoiceKind = 'invoice' | 'credit-note' | 'write-off';

export interface InvoiceFacts {
  readonly id: string;
  readonly kind: InvoiceKind;
  readonly status: Invoice['status'];
  /** Money of another system: nothing is posted for it, and payments of it are refused (contract.md 50). */
  readonly isImported: boolean;
  /** Ids; undefined where the Invoice names none. */
  readonly patientId: string | undefined;
  readonly practitionerId: string | undefined;
  readonly departmentId: string | undefined;
  /** Of an Invoice that was made for an Appointment, by completion or as a fee. */
  readonly appointmentId: string | undefined;
  /** Of a credit note: the Invoice it corrects. */
  readonly correctsId: string | undefined;
  readonly currency: Currency;
  readonly listedMinor: bigint;
  /** Negative. */
  readonly discountMinor: bigint;
  readonly netMinor: bigint;
  readonly taxMinor: bigint;
  /** Negative for a credit note. */
  readonly grossMinor: bigint;
  /** `YYYY-MM-DD` in the clinic's zone; undefined where it was never issued here. */
  readonly issuedOn: string | undefined;
  readonly dueOn: string | undefined;
}

const memo = new TransactionMemo<InvoiceFacts>();

/** By id, as they are inside this transaction; what does not exist, or was deleted, is not there. The caller holds `lockMoney`. */
export function readInvoiceFacts(session: Session, ids: readonly string[]): Promise<Map<string, InvoiceFacts>> {
  return memo.read(session, ids, async (unread) => {
    const rows = await session.trx.query<FactRow>({
      name: 'read-invoice-facts',
      text: `SELECT ${columns} FROM invoice_fact WHERE invoice_id = ANY($1::text[])`,
      values: [unread],
    });
    return new Map(rows.map((row) => [row.invoice_id, factsOf(row)]));
  });
}

/** To be told by whoever writes the rows. */
export function forgetInvoiceFacts(session: Session, ids: readonly string[]): void {
  memo.forget(session, ids);
}

/** The credit notes and write-offs that correct an Invoice, whatever their status. */
export async function readCorrections(session: Session, invoiceIds: readonly string[]): Promise<InvoiceFacts[]> {
  if (invoiceIds.length === 0) return [];
  const rows = await session.trx.query<FactRow>({
    name: 'read-corrections',
    text: `SELECT ${columns} FROM invoice_fact WHERE corrects_id = ANY($1::text[])`,
    values: [invoiceIds],
  });
  return rows.map(factsOf);
}

/** The Invoices made for these Appointments, fees among them. */
export async function readInvoicesOfAppointments(
  session: Session,
  appointmentIds: readonly string[],
): Promise<InvoiceFacts[]> {
  if (appointmentIds.length === 0) return [];
  const rows = await session.trx.query<FactRow>({
    name: 'read-invoices-of-appointments',
    text: `SELECT ${columns} FROM invoice_fact WHERE appointment_id = ANY($1::text[]) ORDER BY invoice_id`,
    values: [appointmentIds],
  });
  return rows.map(factsOf);
}

interface FactRow {
  readonly invoice_id: string;
  readonly kind: InvoiceKind;
  readonly status: Invoice['status'];
  readonly is_imported: boolean;
  readonly patient_id: string | null;
  readonly practitioner_id: string | null;
  readonly department_id: string | null;
  readonly appointment_id: string | null;
  readonly corrects_id: string | null;
  readonly currency: Currency;
  readonly listed_minor: string;
  readonly discount_minor: string;
  readonly net_minor: string;
  readonly tax_minor: string;
  readonly gross_minor: string;
  readonly issued_on: string | null;
  readonly due_on: string | null;
}

const columns = `invoice_id, kind, status, is_imported, patient_id, practitioner_id, department_id, appointment_id, corrects_id,
  currency, listed_minor::text, discount_minor::text, net_minor::text, tax_minor::text, gross_minor::text,
  issued_on::text, due_on::text`;

function factsOf(row: FactRow): InvoiceFacts {
  return {
    id: row.invoice_id,
    kind: row.kind,
    status: row.status,
    isImported: row.is_imported,
    patientId: row.patient_id ?? undefined,
    practitionerId: row.practitioner_id ?? undefined,
    departmentId: row.department_id ?? undefined,
    appointmentId: row.appointment_id ?? undefined,
    correctsId: row.corrects_id ?? undefined,
    currency: row.currency,
    listedMinor: BigInt(row.listed_minor),
    discountMinor: BigInt(row.discount_minor),
    netMinor: BigInt(row.net_minor),
    taxMinor: BigInt(row.tax_minor),
    grossMinor: BigInt(row.gross_minor),
    issuedOn: row.issued_on ?? undefined,
    dueOn: row.due_on ?? undefined,
  };
}
