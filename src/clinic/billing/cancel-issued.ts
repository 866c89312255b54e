// Cancelling what was issued: only while nothing is paid or corrected; the number stays its own for ever (domain.md SM-2).

import type { Invoice } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { knownBalances } from '../ledger/known-balances.ts';
import { extensionUrls } from './canonicals.ts';
import { isSameContent, restoreContent } from './frozen-invoice.ts';
import { readCorrections } from './invoice-facts.ts';
import { kindOf } from './invoice-status.ts';

const cancelled = new WeakSet<Change>();

/** Throws 403, 409 or 422. The caller holds the money lock. */
export async function prepareCancellation(change: Change, session: Session): Promise<void> {
  const next = change.resource as Invoice;
  const old = change.oldResource as Invoice;
  requireRight(session.caller);
  const reason = next.cancelledReason?.trim() ?? '';
  if (reason === '') throw refused('Say why the Invoice is cancelled.', 'Invoice.cancelledReason');
  if (kindOf(old) !== 'invoice') throw refused('What a credit note has posted stays posted.', 'Invoice.status');
  if (!isSameContent(old, next)) throw conflict('An Invoice is cancelled as it is: send nothing else with it.');
  const [balances, corrections] = await Promise.all([
    knownBalances(session, [change.id]),
    readCorrections(session, [change.id]),
  ]);
  const balance = balances.get(change.id);
  if (balance && balance.paidMinor !== 0n) throw conflict('This Invoice is paid, at least in part: refund that first.');
  if (corrections.some(({ status }) => status === 'issued' || status === 'balanced')) {
    throw conflict('A credit note or write-off of this Invoice was issued: it cannot be cancelled any more.');
  }
  const isPaymentState = (url: string) => url === extensionUrls.paymentState || url === extensionUrls.outstanding;
  const extension = old.extension?.filter(({ url }) => !isPaymentState(url)) ?? [];
  restoreContent(change, { status: 'cancelled', cancelledReason: reason, extension });
  if (extension.length === 0) delete (change.resource as Invoice).extension;
  cancelled.add(change);
}

/** True for a change that takes back what was issued. */
export function isCancellation(change: Change): boolean {
  return cancelled.has(change);
}

function requireRight({ kind, operations }: Session['caller']): void {
  if (kind === 'server' || operations?.has('op:void')) return;
  throw fhirError('forbidden', 'Only billing managers and clinic administrators cancel what was issued.', {
    expression: 'Invoice.status',
  });
}

function refused(diagnostics: string, expression: string): Error {
  return fhirError('business-rule', diagnostics, { expression });
}

function conflict(diagnostics: string): Error {
  return fhirError('conflict', diagnostics, { expression: 'Invoice.status' });
}
