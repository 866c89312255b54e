// `Account/{id}/$ledger`: the postings of an account, with its balances before and behind them (contract.md 43, domain.md `$ledger`).

import { fhirError } from '../../fhir/outcome.ts';
import { localDate } from '../../fhir/time-zone.ts';
import type { Operation, OperationInputs, OperationParameter } from '../../operations/operation.ts';
import { read } from '../../repository/read.ts';
import type { Session } from '../../repository/session.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { ledgerAccountIds, readAccountBalances } from './account-balances.ts';
import { dayBefore, daysOf, requirePastDay } from './business-day.ts';
import { firstPlace, type JournalPeriod, readJournalPage, readPlace } from './journal-page.ts';
import { ledgerBundle } from './ledger-bundle.ts';

const countMax = 1_000;
const countUsual = 100;

export function createAccountLedger(settingsOf: SettingsOf): Operation {
  return {
    code: 'ledger',
    definition: {
      id: 'Account-ledger',
      url: 'https://hpms.example/fhir/OperationDefinition/Account-ledger',
      name: 'Ledger',
      title: 'The postings of an account',
      description:
        'Gives what was posted to an account of the ledger and to the accounts below it, in the order of business dates and of posting, and the Account with its balances before the first and behind the last day asked for.',
    },
    levels: ['instance'],
    resourceTypes: ['Account'],
    affectsState: false,
    permission: 'r',
    parameters,
    async run(session, call) {
      const { id, inputs } = call;
      const [account, { timezone, currency }] = await Promise.all([
        read(session, 'Account', id),
        settingsOf(session.trx),
      ]);
      const period = periodOf(inputs, localDate(session.at, timezone));
      const cursor = textsOf(inputs, '_cursor')[0];
      const types = textsOf(inputs, 'type');
      const countMost = countOf(inputs);
      const after = cursor === undefined ? firstPlace : readPlace(cursor);
      await requireLedgerAccount(session, id);
      const [opening, closing, page] = await Promise.all([
        period.start === firstPlace.day ? [] : readAccountBalances(session, [id], dayBefore(period.start)),
        readAccountBalances(session, [id], period.end),
        readJournalPage(session, { accountId: id, period, types, after, countMost }),
      ]);
      return ledgerBundle(call, { account, opening, closing, page, currency });
    },
  };
}

function input(name: string, type: string, documentation: string): OperationParameter {
  return { name, use: 'in', min: 0, max: name === 'type' ? '*' : 1, type, documentation };
}

const parameters: readonly OperationParameter[] = [
  input('start', 'date', 'The first business date; without it all from the beginning'),
  input('end', 'date', 'The last business date'),
  input('asOf', 'date', 'The account as it stood at the end of this day, which is not in the future'),
  input('type', 'code', 'Only postings of this type, such as CHARGE'),
  input('_count', 'integer', `How many postings a page has, at most ${countMax}`),
  input('_cursor', 'string', 'The place of a page, as in the links of the one before it'),
  { name: 'return', use: 'out', min: 1, max: 1, type: 'Bundle', documentation: 'The postings, and the Account' },
];

async function requireLedgerAccount(session: Session, id: string): Promise<void> {
  if ((await ledgerAccountIds(session, [id])).has(id)) return;
  throw fhirError('business-rule', 'This Account is none of the ledger: nothing can be posted to it.');
}

function periodOf(inputs: OperationInputs, today: string): JournalPeriod {
  const [start, end, asOf] = ['start', 'end', 'asOf'].map((name) => textsOf(inputs, name)[0]);
  const first = start === undefined ? firstPlace.day : daysOf(start).first;
  const ends = [end, asOf].flatMap((date) => (date === undefined ? [] : [daysOf(date).last]));
  if (asOf !== undefined) requirePastDay('asOf', daysOf(asOf).first, today);
  const last = ends.sort()[0] ?? '9999-12-31';
  if (last < first) throw fhirError('invalid', 'The end of the period is before its start.');
  return { start: first, end: last };
}

function countOf(inputs: OperationInputs): number {
  const count = inputs.get('_count')?.[0]?.value as number | undefined;
  if (count !== undefined && count < 1) throw fhirError('invalid', '_count is 1 or more.');
  return Math.min(count ?? countUsual, countMax);
}

function textsOf(inputs: OperationInputs, name: string): string[] {
  return (inputs.get(name) ?? []).map(({ value }) => String(value));
}
