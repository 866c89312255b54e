// Before a payment is validated and stored: what clients may not change is kept, what the server knows is filled in (contract.md 34, 36, 49).

import type { PaymentReconciliation } from '@medplum/fhirtypes';
import { parseJson } from '../../fhir/json.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change } from '../../repository/change.ts';
import type { Rule } from '../../repository/module.ts';
import { ofWrite } from '../../repository/plan-changes.ts';
import type { Session } from '../../repository/session.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { lockMoney } from '../ledger/lock-money.ts';
import { withBankFee } from './bank-fee.ts';
import { extensionUrls } from './canonicals.ts';
import { refuseCardNumbers } from './card-numbers.ts';
import { completePayments, readKnown } from './complete-payments.ts';
import { editContent, replaceContent } from './content.ts';
import { succeed } from './frozen.ts';
import { knownPhase, movesOf } from './moves.ts';
import { extensionsOf, isMoney, kindOf, withoutExtension } from './payment.ts';
import { mayFollow, type Phase, phaseOf } from './phase.ts';
import { foreseeTakings } from './take-payments.ts';

export function createPreparePayments(settingsOf: SettingsOf): Rule<void>['run'] {
  return async (changes, session) => {
    const payments = changes.filter((change) => isWritten(change, session));
    for (const change of payments) refuseCardNumbers(contentOf(change), change.index);
    const money = payments.filter((change) => isMoney(contentOf(change)) || knownPhase(change) !== undefined);
    for (const change of money) ofWrite(change.index, () => keepWhatIsOwned(change));
    const moves = movesOf(money);
    if (moves.length === 0) return;
    lockMoney(session);
    foreseeTakings(session, moves);
    // Side by side, for one message.
    const [settings, known] = await Promise.all([settingsOf(session.trx), readKnown(moves, session)]);
    await completePayments(moves, session, { settings, known });
  };
}

/** What is not valid is refused by the validation, which comes next. */
function isWritten({ byServer, resource, exactNumbers }: Change, { repository }: Session): boolean {
  if (byServer || !resource) return false;
  const issues = repository.validate(resource, exactNumbers ? { exactNumbers } : {});
  return issues.every(({ severity }) => severity !== 'error' && severity !== 'fatal');
}

function contentOf(change: Change): PaymentReconciliation {
  return change.resource as PaymentReconciliation;
}

function keepWhatIsOwned(change: Change): void {
  const next = contentOf(change);
  const from = knownPhase(change);
  if (from === undefined) {
    dropOwned(change);
    return;
  }
  const to = phaseOf(next);
  const old = change.oldResource as PaymentReconciliation;
  if (to === undefined || !mayFollow(from, to) || (from !== to && isFinal(old))) {
    throw notFollowing(from, to ?? 'nothing that is known');
  }
  const { exactNumbers } = parseJson(String(change.old?.body));
  const succeeded = succeed({ old, next, from, to });
  const numbers = { stored: exactNumbers, sent: change.exactNumbers };
  const isVoided = from === 'posted' && to === 'void';
  const kept = isVoided ? withBankFee(succeeded, next, numbers) : { resource: succeeded, exactNumbers };
  replaceContent(change, { resource: kept.resource, ...(kept.exactNumbers && { exactNumbers: kept.exactNumbers }) });
}

/** Days that are closed, and who had which drawer, are not taken back. */
function isFinal(old: PaymentReconciliation): boolean {
  const kind = kindOf(old);
  return kind === 'settlement' || kind === 'float' || kind === 'hand-over';
}

/** Clients do not say what is left of a payment, nor how far their count is from what it should be. */
function dropOwned(change: Change): void {
  const resource = contentOf(change);
  const owned = [extensionUrls.netAmount, extensionUrls.variance];
  if (owned.every((url) => extensionsOf(resource, url).length === 0)) return;
  const { exactNumbers } = change;
  const edited = editContent({ resource, ...(exactNumbers && { exactNumbers }) }, (payment) =>
    owned.reduce(withoutExtension, payment),
  );
  replaceContent(change, edited);
}

function notFollowing(from: Phase, to: string): Error {
  return fhirError('business-rule', `A payment cannot go from ${from} to ${to}; one that is void or failed stays so.`, {
    expression: 'PaymentReconciliation.status',
  });
}
