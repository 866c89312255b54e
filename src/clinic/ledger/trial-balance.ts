// `Account/$trial-balance`: all accounts of the chart with what they hold at the end of a day, which sums to nothing (domain.md I2).

import type { Parameters, ParametersParameter } from '@medplum/fhirtypes';
import { sumOf } from '../../fhir/decimal.ts';
import type { Currency } from '../../fhir/money.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { localDate } from '../../fhir/time-zone.ts';
import type { Operation, OperationParameter } from '../../operations/operation.ts';
import { rowsOf } from '../../repository/row-access.ts';
import type { Session } from '../../repository/session.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { daysOf, requirePastDay } from './business-day.ts';
import { exactContent } from './exact-content.ts';
import { exactMoney } from './shown-balances.ts';

export interface TrialBalanceRow {
  readonly accountId: string;
  readonly number: string;
  readonly currency: Currency;
  /** Debits less credits. */
  readonly balanceMinor: bigint;
}

export function createTrialBalance(settingsOf: SettingsOf): Operation {
  return {
    code: 'trial-balance',
    definition: {
      id: 'Account-trial-balance',
      url: 'https://hpms.example/fhir/OperationDefinition/Account-trial-balance',
      name: 'TrialBalance',
      title: 'Trial balance',
      description:
        'Gives what each account of the chart holds at the end of a day, with all accounts below it, as a debit or a credit, and the totals of both by currency, which are equal.',
    },
    levels: ['type'],
    resourceTypes: ['Account'],
    affectsState: false,
    permission: 'r',
    parameters,
    async run(session, { inputs }) {
      requireAllRows(session);
      const { timezone } = await settingsOf(session.trx);
      const today = localDate(session.at, timezone);
      const given = inputs.get('asOf')?.[0]?.value as string | undefined;
      if (given !== undefined) requirePastDay('asOf', daysOf(given).first, today);
      const asOf = given === undefined ? today : daysOf(given).last;
      return exactContent(trialBalance(asOf, await readTrialBalance(session, asOf)));
    },
  };
}

/** From the sums by day: as many rows as there are days and accounts of the chart, whatever was posted. */
export async function readTrialBalance({ trx }: Session, asOf: string): Promise<TrialBalanceRow[]> {
  const rows = await trx.query<{ account_id: string; number: string; currency: Currency; balance: string }>({
    name: 'trial-balance',
    text: `SELECT account.account_id, account.number, day.currency, sum(day.debit_minor - day.credit_minor)::text AS balance
           FROM ledger_account account JOIN ledger_day day USING (account_id)
           WHERE account.sub = '' AND day.day <= $1
           GROUP BY account.account_id, account.number, day.currency ORDER BY day.currency, account.number`,
    values: [asOf],
  });
  return rows.map((row) => ({
    accountId: row.account_id,
    number: row.number,
    currency: row.currency,
    balanceMinor: BigInt(row.balance),
  }));
}

/** The clinic's whole money is nobody's who may see some rows only. */
export function requireAllRows(session: Session): void {
  if (!rowsOf({ ...session, denials: undefined }, 'r', 'Account')) return;
  throw fhirError('forbidden', 'Figures of the whole clinic are for those who may read every Account.');
}

function trialBalance(asOf: string, rows: readonly TrialBalanceRow[]): Parameters {
  const currencies = Map.groupBy(rows, ({ currency }) => currency);
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'asOf', valueDate: asOf },
      ...rows.map(accountParameter),
      ...[...currencies].map(([currency, ofCurrency]) => totalParameter(currency, ofCurrency)),
    ],
  };
}

function accountParameter({ accountId, number, currency, balanceMinor }: TrialBalanceRow): ParametersParameter {
  const isDebit = balanceMinor >= 0n;
  return {
    name: 'account',
    part: [
      { name: 'account', valueReference: { reference: `Account/${accountId}` } },
      { name: 'number', valueCode: number },
      {
        name: isDebit ? 'debit' : 'credit',
        valueMoney: exactMoney({ amountMinor: isDebit ? balanceMinor : -balanceMinor, currency }),
      },
    ],
  };
}

function totalParameter(currency: Currency, rows: readonly TrialBalanceRow[]): ParametersParameter {
  const balances = rows.map(({ balanceMinor }) => balanceMinor);
  return {
    name: 'total',
    part: [
      {
        name: 'debit',
        valueMoney: exactMoney({ amountMinor: sumOf(balances.filter((balance) => balance > 0n)), currency }),
      },
      {
        name: 'credit',
        valueMoney: exactMoney({ amountMinor: -sumOf(balances.filter((balance) => balance < 0n)), currency }),
      },
    ],
  };
}

const money = (name: string, documentation: string): OperationParameter => {
  return { name, use: 'out', min: 0, max: 1, type: 'Money', documentation };
};

const parameters: readonly OperationParameter[] = [
  {
    ...{ name: 'asOf', use: 'in', min: 0, max: 1, type: 'date' },
    documentation: 'The day, which is not in the future; today without it',
  },
  { name: 'asOf', use: 'out', min: 1, max: 1, type: 'date', documentation: 'The day' },
  {
    ...{ name: 'account', use: 'out', min: 0, max: '*', documentation: 'An account of the chart that was posted to' },
    parts: [
      { name: 'account', use: 'out', min: 1, max: 1, type: 'Reference', documentation: 'The Account' },
      { name: 'number', use: 'out', min: 1, max: 1, type: 'code', documentation: 'Its number' },
      money('debit', 'What it holds, where debits are more than credits'),
      money('credit', 'What it holds, where credits are more'),
    ],
  },
  {
    ...{ name: 'total', use: 'out', min: 0, max: '*', documentation: 'The sums of a currency, which are equal' },
    parts: [money('debit', 'Of all debits'), money('credit', 'Of all credits')],
  },
];
