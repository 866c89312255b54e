// What the ledger shows is written by postings alone: every write of a client is refused (contract.md 41, domain.md 3.7, I5).

import type { Account, Basic, CodeableConcept, Extension, Resource } from '@medplum/fhirtypes';
import { type FhirError, fhirError } from '../../fhir/outcome.ts';
import type { Change } from '../../repository/change.ts';
import { findExact, markExact, unmarkExact } from '../../repository/exact-tree.ts';
import type { Rule } from '../../repository/module.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { basicCodeSystem, extensionUrls, ledgerTransactionCode } from './canonicals.ts';
import { balanceExtension, shownBalances } from './shown-balances.ts';

/** Before validation, so that whatever is sent is refused for what it is. */
export const refuseLedgerWrites: Rule<void> = {
  name: 'ledger-transactions',
  type: 'Basic',
  run(changes) {
    for (const change of changes) {
      if (change.byServer || !(isJournal(change.resource) || isJournal(change.oldResource))) continue;
      throw refused(
        change,
        'Transactions of the ledger are written by the server only; post an Invoice or a payment instead.',
      );
    }
  },
};

/**
 * What an Account shows of its balance is the ledger's. Whoever writes back what was read leaves it as it is; no other balance
 * is taken.
 */
export function createBalanceRule(settingsOf: SettingsOf): Rule<void> {
  return {
    name: 'ledger-balances',
    type: 'Account',
    async run(changes, session) {
      const written = changes.filter(({ byServer, resource }) => !byServer && balancesIn(resource).length > 0);
      if (written.length === 0) return;
      const ids = written.map(({ id }) => id);
      const shown = await shownBalances(session, ids, settingsOf);
      for (const change of written) {
        const sent = balancesIn(change.resource).map(balanceText);
        const current = (shown.get(change.id) ?? []).map((balance) =>
          balanceText(balanceExtension(extensionUrls.balance, balance)),
        );
        if (!change.oldResource || sent.sort().join() !== current.sort().join()) {
          throw refused(change, 'Balances are computed from the ledger; leave the extension out.', 'Account.extension');
        }
        dropBalances(change);
      }
    },
  };
}

/** By value, so that 1.5 is 1.50. */
function balanceText({ url, extension }: Extension): string {
  const { value, currency } = listOf(extension)[0]?.valueMoney ?? {};
  return JSON.stringify([url, Number(value), currency]);
}

function dropBalances(change: Change): void {
  const resource = change.resource as Account;
  const marked = markExact(resource, change.exactNumbers) as Account;
  const kept = listOf(marked.extension).filter(({ url }) => !balanceUrls.has(url));
  if (change.exactNumbers) change.exactNumbers = findExact({ ...marked, extension: kept });
  if (kept.length > 0) resource.extension = unmarkExact(kept) as Extension[];
  else delete resource.extension;
}

function refused({ index: writeIndex }: Change, diagnostics: string, expression?: string): FhirError {
  return fhirError('not-supported', diagnostics, { writeIndex, ...(expression !== undefined && { expression }) });
}

/** Content that was not validated yet may have any shape. */
function isJournal(resource: Resource | undefined): boolean {
  const code = (resource as Partial<Basic> | undefined)?.code as CodeableConcept | undefined;
  return listOf(code?.coding).some((one) => one?.system === basicCodeSystem && one?.code === ledgerTransactionCode);
}

const balanceUrls: ReadonlySet<unknown> = new Set([
  extensionUrls.balance,
  extensionUrls.openingBalance,
  extensionUrls.closingBalance,
]);

function balancesIn(resource: Resource | undefined): Extension[] {
  const { extension } = (resource ?? {}) as { extension?: Extension[] };
  return listOf(extension).filter((one) => balanceUrls.has(one?.url));
}

function listOf<T>(value: readonly T[] | undefined): readonly T[] {
  return Array.isArray(value) ? value : [];
}
