// `Account/$aging`: what patients owe, by how long they have owed it, those who owe most first (domain.md section 6, Statements).

import type { Parameters, ParametersParameter } from '@medplum/fhirtypes';
import { localDate } from '../../fhir/time-zone.ts';
import type { Operation, OperationParameter } from '../../operations/operation.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { exactContent } from '../ledger/exact-content.ts';
import { exactMoney } from '../ledger/shown-balances.ts';
import { requireAllRows } from '../ledger/trial-balance.ts';
import { buckets } from './buckets.ts';
import { type Aged, type AgedPatient, readAging, readDebtors } from './outstanding.ts';

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
      const totals = await readAging(session, today);
      const debtors = await Promise.all(
        totals.map(({ currency }) => readDebtors(session, today, { currency, countMost: patientsMax })),
      );
      return exactContent(agingOf(today, totals, debtors.flat()));
    },
  };
}

function agingOf(today: string, totals: readonly Aged[], debtors: readonly AgedPatient[]): Parameters {
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'asOf', valueDate: today },
      ...totals.map((aged) => ({ name: 'total', part: partsOf(aged) })),
      ...debtors.map((aged) => ({ name: 'patient', part: [...subjectOf(aged), ...partsOf(aged)] })),
    ],
  };
}

function subjectOf({ patientId }: AgedPatient): ParametersParameter[] {
  return patientId === '' ? [] : [{ name: 'subject', valueReference: { reference: `Patient/${patientId}` } }];
}

/** The total, then each step. */
function partsOf({ currency, totalMinor, byBucketMinor }: Aged): ParametersParameter[] {
  return [
    { name: 'outstanding', valueMoney: exactMoney({ amountMinor: totalMinor, currency }) },
    ...[...byBucketMinor].map(([name, amountMinor]) => ({ name, valueMoney: exactMoney({ amountMinor, currency }) })),
  ];
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
