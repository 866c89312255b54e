// `Account/$aging`: what patients owe, by how long they have owed it, those who owe most first (domain.md section 6, Statements).

import type { Parameters, ParametersParameter } from '@medplum/fhirtypes';
import { sumOf } from '../../fhir/decimal.ts';
import { type Currency, exactAmounts, toMoney } from '../../fhir/money.ts';
import { localDate } from '../../fhir/time-zone.ts';
import type { Operation, OperationParameter } from '../../operations/operation.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { requireAllRows } from '../ledger/trial-balance.ts';
import { buckets } from './buckets.ts';
import { type Debt, readDebts } from './outstanding.ts';

const patientsMax = 1_000;

export function createAging(settingsOf: SettingsOf): Operation {
  return {
    code: 'aging',
    definition: {
      id: 'Account-aging',
      url: 'https://hpms.example/fhir/OperationDefinition/Account-aging',
      name: 'Aging',
      title: 'Aging of receivables',
      description: `Gives what is outstanding on issued Invoices today, in all and for the ${patientsMax} patients who owe most, by the days since the Invoice was issued.`,
    },
    levels: ['type'],
    resourceTypes: ['Account'],
    affectsState: false,
    permission: 'r',
    parameters,
    async run(session) {
      requireAllRows(session);
      const { timezone } = await settingsOf(session.trx);
      const today = localDate(session.at, timezone);
      const resource = agingOf(today, await readDebts(session, today, undefined));
      return { resource, exactNumbers: exactAmounts(resource) };
    },
  };
}

function agingOf(today: string, debts: readonly Debt[]): Parameters {
  const currencies = [...Map.groupBy(debts, ({ currency }) => currency)].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'asOf', valueDate: today },
      ...currencies.map(([currency, ofCurrency]) => sumsPart('total', currency, ofCurrency)),
      ...currencies.flatMap(([currency, ofCurrency]) => patientParts(currency, ofCurrency)),
    ],
  };
}

function patientParts(currency: Currency, debts: readonly Debt[]): ParametersParameter[] {
  return [...Map.groupBy(debts, ({ patientId }) => patientId)]
    .map(([patientId, own]) => ({ patientId, own, totalMinor: totalOf(own) }))
    .sort((a, b) => compare(b.totalMinor, a.totalMinor) || compare(a.patientId, b.patientId))
    .slice(0, patientsMax)
    .map(({ patientId, own }) => sumsPart('patient', currency, own, patientId));
}

function compare<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : Number(a > b);
}

/** The total, then each step that has an amount. */
function sumsPart(
  name: 'total' | 'patient',
  currency: Currency,
  debts: readonly Debt[],
  patientId = '',
): ParametersParameter {
  return {
    name,
    part: [
      ...(patientId === '' ? [] : [{ name: 'subject', valueReference: { reference: `Patient/${patientId}` } }]),
      { name: 'outstanding', valueMoney: toMoney(totalOf(debts), currency) },
      ...buckets.map((bucket) => ({
        name: bucket,
        valueMoney: toMoney(totalOf(debts.filter((debt) => debt.bucket === bucket)), currency),
      })),
    ],
  };
}

function totalOf(debts: readonly Debt[]): bigint {
  return sumOf(debts.map(({ amountMinor }) => amountMinor));
}

const money = (name: string, documentation: string): OperationParameter => {
  return { name, use: 'out', min: 1, max: 1, type: 'Money', documentation };
};
const steps = buckets.map((bucket) => money(bucket, `Of Invoices issued ${bucket} days ago`));

const parameters: readonly OperationParameter[] = [
  { name: 'asOf', use: 'out', min: 1, max: 1, type: 'date', documentation: 'Today in the clinic' },
  {
    ...{ name: 'total', use: 'out', min: 0, max: '*', documentation: 'Of all patients, in one currency' },
    parts: [money('outstanding', 'All'), ...steps],
  },
  {
    ...{ name: 'patient', use: 'out', min: 0, max: '*', documentation: 'Of one patient, in one currency' },
    parts: [
      { name: 'subject', use: 'out', min: 0, max: 1, type: 'Reference', documentation: 'The Patient' },
      money('outstanding', 'All'),
      ...steps,
    ],
  },
];
