// At most one Invoice per Appointment carries the automatic identifier: a row with a primary key says whose it is (domain.md 3.6).

import type { Invoice } from '@medplum/fhirtypes';
import { isId } from '../../fhir/ids.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change, WriteIntent } from '../../repository/change.ts';
import type { Rule } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import { autoInvoiceSystem } from './canonicals.ts';

export interface KeyClaim {
  readonly appointmentId: string;
  readonly invoiceId: string;
}

/** Gives the Appointments whose key was free and is now taken. Waits for another transaction that is taking the same one. */
export async function claimKeys({ trx }: Session, claims: readonly KeyClaim[]): Promise<Set<string>> {
  if (claims.length === 0) return new Set();
  // In one order, so that two transactions which want the same keys cannot deadlock.
  const ordered = [...claims].sort((a, b) => (a.appointmentId < b.appointmentId ? -1 : 1));
  const rows = await trx.query<{ appointment_id: string }>({
    name: 'claim-auto-invoice',
    text: `INSERT INTO auto_invoice (appointment_id, invoice_id) SELECT * FROM unnest($1::text[], $2::text[])
           ON CONFLICT (tenant_id, appointment_id) DO NOTHING RETURNING appointment_id`,
    values: [ordered.map((claim) => claim.appointmentId), ordered.map((claim) => claim.invoiceId)],
  });
  const claimed = new Set(rows.map((row) => row.appointment_id));
  const held = heldKeys.get(trx) ?? new Map<string, string>();
  for (const { appointmentId, invoiceId } of claims) if (claimed.has(appointmentId)) held.set(appointmentId, invoiceId);
  heldKeys.set(trx, held);
  return claimed;
}

/** By transaction the keys that it has taken, with whose they are: nobody else can have them. */
const heldKeys = new WeakMap<Session['trx'], Map<string, string>>();

/** Whoever writes an Invoice with the identifier takes the key, so that the job adds no second one; a taken key is a 409. */
export const claimWrittenKeys: Rule<readonly WriteIntent[]> = {
  name: 'auto-invoice-key',
  type: 'Invoice',
  async run(changes, session) {
    const held = heldKeys.get(session.trx);
    const wanted = changes.flatMap(newClaims);
    const claims = wanted.filter(({ appointmentId, invoiceId }) => held?.get(appointmentId) !== invoiceId);
    if (claims.length === 0 || (await claimKeys(session, claims)).size === claims.length) return [];
    const owners = await ownersOf(session, claims);
    for (const { appointmentId, invoiceId, index } of claims) {
      if (owners.get(appointmentId) !== invoiceId) throw keyTaken(index);
    }
    return [];
  },
};

async function ownersOf({ trx }: Session, claims: readonly KeyClaim[]): Promise<Map<string, string>> {
  const rows = await trx.query<{ appointment_id: string; invoice_id: string }>({
    name: 'auto-invoice-owners',
    text: 'SELECT appointment_id, invoice_id FROM auto_invoice WHERE appointment_id = ANY($1::text[])',
    values: [claims.map((claim) => claim.appointmentId)],
  });
  return new Map(rows.map((row) => [row.appointment_id, row.invoice_id]));
}

function keyTaken(writeIndex: number): Error {
  return fhirError('conflict', 'Another Invoice bills this Appointment automatically.', {
    expression: 'Invoice.identifier',
    writeIndex,
  });
}

/** The keys an Invoice did not have before. */
function newClaims(change: Change): (KeyClaim & { readonly index: number })[] {
  const held = keysOf(change.oldResource as Invoice | undefined);
  const wanted = keysOf(change.resource as Invoice | undefined).filter((key) => !held.includes(key));
  return wanted.map((appointmentId) => ({ appointmentId, invoiceId: change.id, index: change.index }));
}

/** What is no id names no Appointment, and a client's own text has no place in a plain column. */
function keysOf(invoice: Invoice | undefined): string[] {
  const identifiers = (invoice?.identifier ?? []).filter(({ system }) => system === autoInvoiceSystem);
  return [...new Set(identifiers.flatMap(({ value = '' }) => (isId(value) ? value : [])))];
}
