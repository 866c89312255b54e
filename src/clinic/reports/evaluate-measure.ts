// `Measure/$evaluate-measure` of what was earned and taken in, told apart by day, practitioner, department and method (domain.md S1-P4-4, D10).

import type { MeasureReport, MeasureReportGroup, MeasureReportGroupStratifier } from '@medplum/fhirtypes';
import { may } from '../../access/may.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { localDate } from '../../fhir/time-zone.ts';
import type { Operation, OperationInputs, OperationParameter } from '../../operations/operation.ts';
import { rowsOf } from '../../repository/row-access.ts';
import type { Session } from '../../repository/session.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { daysOf } from '../ledger/business-day.ts';
import { exactContent } from '../ledger/exact-content.ts';
import { exactMoney } from '../ledger/shown-balances.ts';
import { requireAllRows } from '../ledger/trial-balance.ts';
import { type Dimension, dimensions, type Figure, readFigures } from './figures.ts';
import { readVisitFigures } from './visit-figures.ts';
import { visitReport, visitSummary } from './visit-report.ts';

export const revenueSummary = 'https://hpms.example/fhir/Measure/revenue-summary';

/** Five years, and a day to spare. */
const daysMax = 1_828;
const dayMs = 86_400_000;

export function createEvaluateMeasure(settingsOf: SettingsOf): Operation {
  return {
    code: 'evaluate-measure',
    definition: {
      id: 'Measure-evaluate-measure',
      url: 'https://hpms.example/fhir/OperationDefinition/Measure-evaluate-measure',
      base: 'http://hl7.org/fhir/OperationDefinition/Measure-evaluate-measure',
      name: 'EvaluateMeasure',
      title: 'Evaluate Measure',
      description: `Gives the figures of a period, of all (summary). The measure ${revenueSummary}, which is the default, is the revenue and the money taken in, by currency; ${visitSummary} the share of visits that nobody came to.`,
    },
    levels: ['type'],
    resourceTypes: ['Measure'],
    affectsState: false,
    permission: 'r',
    parameters,
    async run(session, { inputs }) {
      const measure = measureOf(inputs);
      const period = periodOf(inputs);
      const { timezone } = await settingsOf(session.trx);
      const today = localDate(session.at, timezone);
      if (measure === visitSummary) {
        requireAllVisits(session);
        return { resource: visitReport(period, await readVisitFigures(session, period), today) };
      }
      requireAllRows(session);
      return exactContent(reportOf(period, await readFigures(session, period), today));
    },
  };
}

interface Period {
  readonly start: string;
  readonly end: string;
}

function measureOf(inputs: OperationInputs): string {
  const measure = String(inputs.get('measure')?.[0]?.value ?? revenueSummary);
  if (measure !== revenueSummary && measure !== visitSummary)
    throw fhirError('not-found', `The measures here are ${revenueSummary} and ${visitSummary}.`);
  const type = inputs.get('reportType')?.[0]?.value ?? 'summary';
  if (type !== 'summary') throw fhirError('not-supported', 'reportType is summary.', { status: 400 });
  return measure;
}

/** The figures of the whole clinic are nobody's who may see some visits only. */
function requireAllVisits(session: Session): void {
  if (may(session.caller, 'r', 'Appointment') && !rowsOf({ ...session, denials: undefined }, 'r', 'Appointment'))
    return;
  throw fhirError('forbidden', 'Figures of the whole clinic are for those who may read every Appointment.');
}

function periodOf(inputs: OperationInputs): Period {
  const [start = '', end = ''] = ['periodStart', 'periodEnd'].map((name) => String(inputs.get(name)?.[0]?.value));
  const period = { start: daysOf(start).first, end: daysOf(end).last };
  if (period.end < period.start) throw fhirError('invalid', 'periodEnd is before periodStart.');
  if ((Date.parse(period.end) - Date.parse(period.start)) / dayMs > daysMax)
    throw fhirError('too-costly', 'A report is about five years at most.');
  return period;
}

function reportOf(period: Period, figures: readonly Figure[], today: string): MeasureReport {
  const groups = Map.groupBy(figures, ({ name, currency }) => `${name} ${currency}`);
  return {
    resourceType: 'MeasureReport',
    status: 'complete',
    type: 'summary',
    measure: revenueSummary,
    date: today,
    period,
    group: [...groups.values()].map(groupOf),
  };
}

function groupOf(figures: readonly Figure[]): MeasureReportGroup {
  const total = figures.find(({ dimension }) => dimension === undefined);
  const [{ name, currency } = { name: '', currency: '' }] = figures;
  return {
    code: { text: `${name} in ${currency}` },
    ...(total && { measureScore: scoreOf(total) }),
    stratifier: dimensions.flatMap((dimension) => stratifierOf(dimension, figures)),
  };
}

function stratifierOf(dimension: Dimension, figures: readonly Figure[]): MeasureReportGroupStratifier[] {
  const told = figures.filter((figure) => figure.dimension === dimension && figure.value !== '');
  if (told.length === 0) return [];
  return [
    {
      code: [{ text: dimension }],
      stratum: told.map((figure) => ({ value: { text: figure.value }, measureScore: scoreOf(figure) })),
    },
  ];
}

/** A Quantity in a currency, with all its decimals: https://hl7.org/fhir/R4/valueset-currencies.html */
function scoreOf({ amountMinor, currency }: Figure) {
  return {
    ...{ value: exactMoney({ amountMinor, currency }).value as number, unit: currency },
    system: 'urn:iso:std:iso:4217',
    code: currency,
  };
}

const input = (name: string, type: string, min: 0 | 1, documentation: string): OperationParameter => {
  return { name, use: 'in', min, max: 1, type, documentation };
};

const parameters: readonly OperationParameter[] = [
  input('periodStart', 'date', 1, 'The first business date'),
  input('periodEnd', 'date', 1, 'The last business date'),
  input('measure', 'string', 0, 'The canonical of the measure'),
  input('reportType', 'code', 0, 'summary'),
  { name: 'return', use: 'out', min: 1, max: 1, type: 'MeasureReport', documentation: 'The figures' },
];
