// Effect: payments, refunds and voids are posted in the transaction that stores them, one after the other (contract.md 31 to 39, domain.md 3.3).

import type { PaymentReconciliation } from '@medplum/fhirtypes';
import type { WriteIntent } from '../../repository/change.ts';
import type { Rule } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import type { WorkflowSettings } from '../../tenants/workflow-settings.ts';
import { refreshIntent, refreshInvoices } from '../billing/refresh-invoices.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { hasPosted, type SettledState } from '../ledger/known-balances.ts';
import { postJournal } from '../ledger/post-journal.ts';
import { writeFurther } from '../write-further.ts';
import { addAllocations, reduceAllocations } from './allocation-rows.ts';
import { editContent } from './content.ts';
import { moveCash } from './drawer-moves.ts';
import { claimIdentifiers } from './gateway-ids.ts';
import { type Move, movesOf } from './moves.ts';
import { isDrawerMove, isMoneyIn } from './payment.ts';
import { addRefunded, storePaymentRows } from './payment-rows.ts';
import type { PaymentEdit, Posting } from './posting.ts';
import { cancelReceipts, makeReceipts } from './receipts.ts';
import { refundPayments } from './refund-payments.ts';
import { takePayments } from './take-payments.ts';
import { voidPayment } from './void-payments.ts';
import { wavesOf } from './waves.ts';

export function createPostPayments(settingsOf: SettingsOf): Rule<readonly WriteIntent[]>['run'] {
  return async (changes, session) => {
    const moves = movesOf(changes);
    if (moves.length === 0) return [];
    const settings = await settingsOf(session.trx);
    await claimIdentifiers(
      session,
      moves.map(({ change }) => ({
        paymentId: change.id,
        identifiers: (change.resource as PaymentReconciliation).identifier ?? [],
        writeIndex: change.index,
      })),
    );
    const postings: Posting[] = [];
    const intents: WriteIntent[] = [];
    const waves = wavesOf(moves);
    for (const wave of waves) {
      const posted = await reckon(session, wave, settings);
      const journals = posted.flatMap(({ journal }) => journal ?? []);
      const foreseen = waves.length === 1 && !hasPosted(session) ? foreseenStates(posted) : undefined;
      // Together, so that their statements travel in the same messages.
      const [stored] = await Promise.all([
        store(session, posted),
        postJournal(session, journals, foreseen),
        writeFurther(session, intentsOf(foreseen)),
      ]);
      intents.push(...stored);
      postings.push(...posted.map((one) => (foreseen ? { ...one, invoiceIds: [] } : one)));
    }
    const invoiceIds = postings.flatMap((posting) => posting.invoiceIds ?? []);
    const edits = postings.flatMap((posting) => posting.edits ?? []);
    return [...intents, ...editIntents(edits), ...(await refreshInvoices(session, invoiceIds))];
  };
}

/** Undefined where something is to be known of it only once it is posted. */
function foreseenStates(postings: readonly Posting[]): Map<string, SettledState> | undefined {
  if (postings.some(({ invoiceIds = [], states }) => invoiceIds.length > 0 && !states)) return undefined;
  return new Map(postings.flatMap(({ states = [] }) => [...states]));
}

function intentsOf(states: ReadonlyMap<string, SettledState> = new Map()): WriteIntent[] {
  return [...states].map(([id, state]) => refreshIntent(id, state));
}

/** In the order of the moves. */
async function reckon(session: Session, wave: readonly Move[], settings: WorkflowSettings): Promise<Posting[]> {
  const [first] = wave;
  if (first && isVoid(first)) return [await voidPayment(session, first, settings)];
  if (first && isDrawerMove(first.payment.kind)) return [await moveCash(session, first, settings)];
  const taken = wave.filter(({ payment }) => isMoneyIn(payment.kind));
  const refunds = wave.filter(({ payment }) => !isMoneyIn(payment.kind));
  const [takings, givings] = await Promise.all([
    takePayments(session, taken, settings),
    refundPayments(session, refunds, settings),
  ]);
  const postings = new Map([...takings, ...givings].map((posting) => [posting.row.id, posting]));
  return wave.flatMap(({ change }) => postings.get(change.id) ?? []);
}

function isVoid({ payment, from }: Move): boolean {
  return payment.phase === 'void' && from === 'posted';
}

async function store(session: Session, postings: readonly Posting[]): Promise<WriteIntent[]> {
  storePaymentRows(
    session,
    postings.map(({ row }) => row),
  );
  addRefunded(
    session,
    postings.flatMap(({ refunded }) => refunded ?? []),
  );
  const receipts = await makeReceipts(
    session,
    postings.flatMap((posting) => posting.receipts ?? []),
  );
  addAllocations(session, [...receipts.allocations, ...postings.flatMap(({ added }) => added ?? [])]);
  reduceAllocations(
    session,
    postings.flatMap(({ reduced }) => reduced ?? []),
  );
  return [...receipts.intents, ...cancelReceipts(postings.flatMap((posting) => posting.cancelledReceipts ?? []))];
}

/** One further version of each payment, whatever has happened to it. */
function editIntents(edits: readonly PaymentEdit[]): WriteIntent[] {
  const byPayment = Map.groupBy(edits, ({ paymentId }) => paymentId);
  return [...byPayment].map(([id, ofPayment]) => ({
    action: 'patch',
    type: 'PaymentReconciliation',
    id,
    apply: (content) => editContent(content, (payment) => ofPayment.reduce((edited, one) => one.edit(edited), payment)),
  }));
}
