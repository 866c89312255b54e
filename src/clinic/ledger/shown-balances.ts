// Balances as an Account shows them: one for each currency, and nothing in the clinic's own where nothing was posted (contract.md 42).

import type { Extension, Money } from '@medplum/fhirtypes';
import { type Currency, formatAmount } from '../../fhir/money.ts';
import { ExactNumber } from '../../repository/exact-tree.ts';
import type { Session } from '../../repository/session.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { type AccountBalance, ledgerAccountIds, readAccountBalances } from './account-balances.ts';

export type ShownBalance = Pick<AccountBalance, 'currency' | 'amountMinor'>;

/** By Account id, as they are now; an Account that is none of the ledger is not there. */
export async function shownBalances(
  session: Session,
  accountIds: readonly string[],
  settingsOf: SettingsOf,
): Promise<Map<string, ShownBalance[]>> {
  const [ids, balances, { currency }] = await Promise.all([
    ledgerAccountIds(session, accountIds),
    readAccountBalances(session, accountIds),
    settingsOf(session.trx),
  ]);
  const byAccount = Map.groupBy(balances, ({ accountId }) => accountId);
  return new Map([...ids].map((id) => [id, orNothing(byAccount.get(id) ?? [], currency)]));
}

export function orNothing(balances: readonly ShownBalance[], currency: string): ShownBalance[] {
  return balances.length > 0 ? [...balances] : [{ currency: currency as Currency, amountMinor: 0n }];
}

/** With the text of its number in its place, for trees that carry these. */
export function exactMoney({ amountMinor, currency }: ShownBalance): Money {
  const value = new ExactNumber(formatAmount(amountMinor, currency)) as unknown as number;
  return { value, currency };
}

/** https://hl7.org/fhir/5.0/account-definitions.html#Account.balance as a backported extension. */
export function balanceExtension(url: string, balance: ShownBalance): Extension {
  return { url, extension: [{ url: 'amount', valueMoney: exactMoney(balance) }] };
}
