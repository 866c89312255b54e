// Cash that goes into a drawer and out of it without being anybody's payment: float, pay-in, pay-out, hand-over (domain.md 6, "Cash drawer", SM-10).

import { fhirError } from '../../fhir/outcome.ts';
import type { Session } from '../../repository/session.ts';
import type { WorkflowSettings } from '../../tenants/workflow-settings.ts';
import { readDrawerDay } from '../ledger/drawer-days.ts';
import type { JournalEntry } from '../ledger/journal.ts';
import { transferLines } from '../ledger/postings.ts';
import { extensionUrls } from './canonicals.ts';
import { exactMoney } from './content.ts';
import { openShift, takeOver } from './drawer-shifts.ts';
import type { Move } from './moves.ts';
import { withExtension } from './payment.ts';
import { journalFacts, type PaymentEdit, type Posting, rowOf, sourceOf } from './posting.ts';
import { limitMinor, mayApprove, requireSettling } from './rights.ts';

/** One alone: what it finds in the drawer is all that was posted before. */
export async function moveCash(session: Session, move: Move, settings: WorkflowSettings): Promise<Posting> {
  const { payment } = move;
  requireSettling(session.caller);
  if (payment.phase !== 'posted')
    throw refused(move, 'Cash of a drawer is counted when it is there: its outcome is complete.');
  if (payment.currency !== settings.currency) throw refused(move, `A drawer holds ${settings.currency}.`);
  const place = { drawerId: payment.drawer ?? '', day: payment.day };
  const row = { ...rowOf(move, session.caller), method: 'CASH' as const };
  if (payment.kind === 'hand-over') {
    await takeOver(session, place);
    return { row, edits: [await countedVariance(session, move, settings)] };
  }
  if (payment.kind === 'float') await openShift(session, place);
  return { row, journal: journalOf(move) };
}

/** Between the drawer and the bank, where cash comes from and goes to. */
function journalOf(move: Move): JournalEntry {
  const { change, payment } = move;
  const facts = { ...journalFacts(payment), method: 'CASH' };
  const amountMinor = payment.kind === 'pay-out' ? -payment.amountMinor : payment.amountMinor;
  return {
    type: 'TRANSFER',
    businessDate: payment.day,
    source: sourceOf(move),
    idempotencyKey: `${payment.kind} ${change.id}`,
    currency: payment.currency,
    lines: transferLines({ ...facts, amountMinor }),
    facts,
  };
}

/** Nothing is posted for it: the day's settlement counts once more, and posts what is over or short of the whole day. */
async function countedVariance(session: Session, move: Move, settings: WorkflowSettings): Promise<PaymentEdit> {
  const { change, payment } = move;
  const { currency, day, drawer } = payment;
  const place = drawer === undefined ? undefined : `Location/${drawer}`;
  const expected = await readDrawerDay(session, { drawer: place, businessDate: day, currency });
  const varianceMinor = payment.amountMinor - (expected.get('CASH') ?? 0n);
  const distanceMinor = varianceMinor < 0n ? -varianceMinor : varianceMinor;
  if (distanceMinor > limitMinor(settings['settlement.variance-limit'], currency) && !mayApprove(session.caller)) {
    throw refused(
      move,
      'The count is further from what the drawer should hold than settlement.variance-limit: count again, or call billing.',
    );
  }
  const extension = { url: extensionUrls.variance, valueMoney: exactMoney(varianceMinor, currency) };
  return { paymentId: change.id, edit: (handOver) => withExtension(handOver, extension) };
}

function refused({ change }: Move, diagnostics: string): Error {
  return fhirError('business-rule', diagnostics, { expression: 'PaymentReconciliation', writeIndex: change.index });
}
