// Each Account of the ledger is read and found with its balance, which no version of it holds (contract.md 42).

import type { Account } from '@medplum/fhirtypes';
import { parseJson, serializeJson } from '../../fhir/json.ts';
import { findExact, markExact, unmarkExact } from '../../repository/exact-tree.ts';
import type { Show } from '../../repository/module.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { extensionUrls } from './canonicals.ts';
import { balanceExtension, type ShownBalance, shownBalances } from './shown-balances.ts';

export function createShowBalances(settingsOf: SettingsOf): Show {
  return {
    name: 'ledger-balances',
    type: 'Account',
    async show(versions, session) {
      const ids = versions.map(({ id }) => id);
      const balances = await shownBalances(session, ids, settingsOf);
      return versions.map(({ id, body }) => {
        const shown = balances.get(id);
        return shown ? withBalances(body, shown) : body;
      });
    },
  };
}

function withBalances(body: Buffer, balances: readonly ShownBalance[]): Buffer {
  const { value, exactNumbers } = parseJson(body.toString());
  const { extension = [], ...rest } = markExact(value, exactNumbers) as Account;
  const added = balances.map((balance) => balanceExtension(extensionUrls.balance, balance));
  const shown = { ...rest, extension: [...extension, ...added] };
  const texts = findExact(shown);
  return Buffer.from(serializeJson(unmarkExact(shown), texts));
}
