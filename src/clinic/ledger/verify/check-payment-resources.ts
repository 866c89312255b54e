// What payments, refunds and settlements say of money is what the ledger has on its money accounts (I8, I12).

import type { CodeableConcept, Extension, PaymentReconciliation } from '@medplum/fhirtypes';
import { type Currency, isCurrency } from '../../../fhir/money.ts';
import type { Session } from '../../../repository/session.ts';
import { extensionUrls } from '../canonicals.ts';
import { readDrawerDay } from '../drawer-days.ts';
import { minorOf } from './check-invoice-resources.ts';
import { LedgerDifference, type Progress, requireEqual } from './difference.ts';
import { walkResources } from './walk-resources.ts';

type Stored = PaymentReconciliation & { readonly id: string };

export async function checkPaymentResources(session: Session, progress: Progress): Promise<void> {
  const refunded = new Map<string, bigint>();
  const paid = new Map<string, bigint>();
  await walkResources<PaymentReconciliation>(session, 'PaymentReconciliation', progress, async (payments) => {
    const own = payments.filter((payment) => kindOf(payment) !== undefined);
    const moved = await readMoved(session, own);
    for (const payment of own) {
      const { id } = payment;
      if (kindOf(payment) === 'settlement') await checkSettlement(session, payment);
      else {
        const amount = liveAmount(payment);
        requireEqual('I8', `The money of PaymentReconciliation/${id} in the ledger`, moved.get(id) ?? 0n, amount);
        if (amount >= 0n) paid.set(`PaymentReconciliation/${id}`, amount);
        else addRefund(refunded, payment, -amount);
      }
    }
  });
  for (const [original, amount] of refunded) {
    if (amount <= (paid.get(original) ?? amount)) continue;
    throw new LedgerDifference('I8', `More of ${original} was refunded than was paid.`);
  }
}

/** Undefined for money of another system: contract.md 50. */
function kindOf({ extension = [] }: PaymentReconciliation): string | undefined {
  return codeOf(extension.find(({ url }) => url === extensionUrls.paymentType)?.valueCodeableConcept);
}

function codeOf(concept: CodeableConcept | undefined): string | undefined {
  return concept?.coding?.[0]?.code;
}

/** What is in the money accounts for it: nothing before it is complete and after it was voided. */
function liveAmount(payment: Stored): bigint {
  const { status, outcome, paymentAmount } = payment;
  if (status !== 'active' || outcome !== 'complete') return 0n;
  const amount = minorOf(paymentAmount) ?? 0n;
  // From one money account to the other, or only counted.
  if (drawerMoves.has(kindOf(payment) ?? '')) return 0n;
  return kindOf(payment) === 'refund' ? -amount : amount;
}

const drawerMoves: ReadonlySet<string> = new Set(['float', 'pay-in', 'pay-out', 'hand-over']);

function addRefund(refunded: Map<string, bigint>, { extension = [] }: Stored, amount: bigint): void {
  const original = extension.find(({ url }) => url === extensionUrls.refunds)?.valueReference?.reference;
  if (original?.startsWith('PaymentReconciliation/')) refunded.set(original, (refunded.get(original) ?? 0n) + amount);
}

async function readMoved({ trx }: Session, payments: readonly Stored[]): Promise<Map<string, bigint>> {
  const rows = await trx.query<{ id: string; amount: string }>({
    name: 'money-of-payments',
    text: `SELECT journal.source_id AS id, sum(entry.amount_minor)::text AS amount
           FROM ledger_transaction journal
           JOIN ledger_entry entry ON entry.transaction_id = journal.id
           JOIN ledger_account account ON account.account_id = entry.account_id
           WHERE journal.source_type = 'PaymentReconciliation' AND journal.source_id = ANY ($1::text[])
             AND account.number < '1100' AND journal.type <> 'OVER_SHORT' AND journal.reason <> 'bank-fee'
           GROUP BY journal.source_id`,
    values: [payments.map(({ id }) => id)],
  });
  return new Map(rows.map(({ id, amount }) => [id, BigInt(amount)]));
}

/** Its day is closed: what was expected then is what the drawer's day comes to now. */
async function checkSettlement(
  session: Session,
  { id, status, period, paymentAmount, extension = [] }: Stored,
): Promise<void> {
  const businessDate = period?.start?.slice(0, 10);
  const currency = paymentAmount?.currency;
  if (status !== 'active' || businessDate === undefined || currency === undefined || !isCurrency(currency)) return;
  const expected = await expectedOf(session, drawerOf(extension), businessDate, currency);
  requireEqual('I12', `What settlement PaymentReconciliation/${id} expected`, minorOf(paymentAmount), expected);
}

function drawerOf(extension: readonly Extension[]): string | undefined {
  const drawer = extension.find(({ url }) => url === extensionUrls.drawer)?.valueReference?.reference;
  return drawer === mainDrawer ? undefined : drawer;
}

/** Of payments that name no drawer: contract.md 44. */
const mainDrawer = 'Location/main-drawer';

async function expectedOf(
  session: Session,
  drawer: string | undefined,
  businessDate: string,
  currency: Currency,
): Promise<bigint> {
  const byMethod = await readDrawerDay(session, { drawer, businessDate, currency });
  return [...byMethod.values()].reduce((sum, amount) => sum + amount, 0n);
}
