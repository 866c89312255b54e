// How long the clinic's reports take on the books of five years, and whether each figure is the one that follows from the plan.

import type { Basic, Bundle } from '@medplum/fhirtypes';
import { sumOf } from '../../src/fhir/decimal.ts';
import { glAccountSystem } from '../../src/tenants/furnishing/chart-of-accounts.ts';
import type { FhirApi } from '../bench/fhir-api.ts';
import { percentile } from '../bench/measure.ts';
import { billOf, drawers } from './bills.ts';
import { openDays, openPatients } from './books.ts';
import {
  balanceIn,
  compareAging,
  compareReceivables,
  compareRevenue,
  compareStatement,
  compareTrialBalance,
  compareVisits,
  moneyMinor,
  type Span,
  same,
  sumsByDay,
} from './expected-reports.ts';
import { appointmentsPerDay, dayTextOf, referenceTo } from './plan.ts';

export interface ReportFigures {
  readonly name: string;
  readonly asked: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly slowestMs: number;
  readonly goalMs: number;
}

export interface ReportedBooks {
  readonly patients: number;
  /** Whole days that are in the books. */
  readonly days: number;
}

interface Report {
  readonly name: string;
  readonly goalMs: number;
  /** Asks once, and gives the time of the answer and what is to be compared once the clock has stopped. */
  ask(): Promise<{ readonly tookMs: number; compare(): void }>;
}

const dayGoalMs = 500;
const monthGoalMs = 2_000;
const timesAsked = 30;
const pageOfLedger = 1_000;
const pick = (below: number) => Math.floor(Math.random() * below);

/** One after another, by one client; throws where a figure is not exact. */
export async function measureReports(
  api: FhirApi,
  books: ReportedBooks,
  report: (line: string) => void,
): Promise<ReportFigures[]> {
  const figures: ReportFigures[] = [];
  for (const { name, goalMs, ask } of await reportsOn(api, books)) {
    const latenciesMs: number[] = [];
    for (let n = 0; n < timesAsked; n++) {
      const { tookMs, compare } = await ask();
      compare();
      latenciesMs.push(tookMs);
    }
    const [p50Ms, p95Ms] = [percentile(latenciesMs, 0.5), percentile(latenciesMs, 0.95)];
    figures.push({ name, goalMs, asked: timesAsked, p50Ms, p95Ms, slowestMs: Math.max(...latenciesMs) });
    report(`${name}: p95 ${p95Ms.toFixed(1)} ms`);
  }
  return figures;
}

async function reportsOn(api: FhirApi, { patients, days }: ReportedBooks): Promise<Report[]> {
  const billsOf = ({ first, last }: Span) =>
    Array.from({ length: (last - first + 1) * appointmentsPerDay }, (_, n) =>
      billOf(first * appointmentsPerDay + n, patients),
    );
  const anyDay = () => spanFrom(pick(days), 1);
  const anyMonth = () => spanFrom(pick(Math.max(days - 30, 1)), Math.min(30, days));
  const openLength = Math.min(openDays, days);
  const anyOpen = (length: number) => spanFrom(days - openLength + pick(openLength - length + 1), length);
  const accounts = await accountsOf(api, [['1200', ''], ...drawers.map((drawer) => ['1010', drawer] as const)]);
  const lastMonth = spanFrom(Math.max(days - 30, 0), Math.min(30, days));
  const patientsShown = billsOf(lastMonth)
    .filter(({ isMissed, patient }) => !isMissed && patient < openPatients)
    .slice(0, timesAsked)
    .map(({ patient }) => patient);
  const ofPatients = await accountsOf(
    api,
    patientsShown.map((n) => ['1200', referenceTo('Patient', n)] as const),
  );
  const all = { first: 0, last: days - 1 };
  const sums = sumsByDay(days, patients);

  const ofSpans = (name: string, path: (span: Span) => string, compare: (answer: never, span: Span) => void) => [
    measured(`${name}, a day`, dayGoalMs, anyDay, path, compare),
    measured(`${name}, a month`, monthGoalMs, anyMonth, path, compare),
  ];
  const measured = <Asked>(
    name: string,
    goalMs: number,
    choose: () => Asked,
    path: (asked: Asked) => string,
    compare: (answer: never, asked: Asked) => void,
  ): Report => ({
    name,
    goalMs,
    async ask() {
      const asked = choose();
      const { answer, tookMs } = await timed(() => api.ask<never>('GET', path(asked), 200));
      return { tookMs, compare: () => compare(answer, asked) };
    },
  });
  /** All pages, one after another. */
  const till = (name: string, goalMs: number, choose: () => Span): Report => ({
    name,
    goalMs,
    async ask() {
      const span = choose();
      const drawer = drawers[pick(drawers.length)] ?? '';
      const start = `/Account/${accounts.get(`1010/${drawer}`)}/$ledger?${periodOf(span)}&_count=${pageOfLedger}`;
      const { answer, tookMs } = await timed(() => allPages(api, start));
      const expected = billsOf(span).filter(({ paid }) => paid?.drawer === drawer);
      return {
        tookMs,
        compare: () => same(name, sumOf(answer.map(moneyMinor)), sumOf(expected.map(({ amountMinor }) => amountMinor))),
      };
    },
  });
  const patientOf = () => patientsShown[pick(patientsShown.length)] ?? 0;
  const accountOf = (patient: number) => ofPatients.get(`1200/${referenceTo('Patient', patient)}`);
  const owedBy = (patient: number) => sums.owedByPatient[patient] ?? 0n;
  const statement = (span: Span, format: string) => (patient: number) =>
    `/Account/${accountOf(patient)}/$statement?${periodOf(span)}&format=${format}`;

  return [
    ...ofSpans(
      'revenue and receipts by day, practitioner, department, method and drawer',
      revenuePath,
      (answer, span) => compareRevenue(answer, billsOf(span)),
    ),
    ...ofSpans('no-shows by day, practitioner and department', visitsPath, (answer, span) =>
      compareVisits(answer, billsOf(span)),
    ),
    measured(
      'trial balance at the end of a day',
      dayGoalMs,
      () => pick(days),
      (day) => `/Account/$trial-balance?asOf=${dayTextOf(day)}`,
      (answer, day) => compareTrialBalance(answer, sums, day),
    ),
    measured(
      'aging of all that is outstanding',
      dayGoalMs,
      () => undefined,
      () => '/Account/$aging',
      (answer) => compareAging(answer, sums),
    ),
    till('$ledger of a till, all of a day', dayGoalMs, () => anyOpen(1)),
    till('$ledger of a till, all of a month', monthGoalMs, () => anyOpen(Math.min(30, openLength))),
    measured(
      '$ledger of all receivables, a page of a month',
      monthGoalMs,
      () => anyOpen(Math.min(30, openLength)),
      (span) => `/Account/${accounts.get('1200/')}/$ledger?${periodOf(span)}`,
      (answer: Bundle, span) => compareReceivables(answer, sums, span),
    ),
    measured(
      '$ledger of a patient, five years',
      monthGoalMs,
      patientOf,
      (patient) => `/Account/${accountOf(patient)}/$ledger?_count=${pageOfLedger}&end=${dayTextOf(all.last)}`,
      (answer: Bundle, patient) => same('$ledger', balanceIn(answer, 'closing'), owedBy(patient)),
    ),
    measured(
      '$statement of a month, as a document',
      monthGoalMs,
      patientOf,
      statement(lastMonth, 'json'),
      (answer: Bundle, patient) => compareStatement(answer, owedBy(patient)),
    ),
    {
      name: '$statement of five years, as a PDF',
      goalMs: monthGoalMs,
      async ask() {
        const path = statement(all, 'pdf')(patientOf());
        const { answer, tookMs } = await timed(() => api.call('GET', path));
        return { tookMs, compare: () => same('PDF', answer.body().slice(0, 5), '%PDF-') };
      },
    },
  ];
}

const spanFrom = (first: number, length: number): Span => ({ first, last: first + length - 1 });
const periodOf = ({ first, last }: Span) => `start=${dayTextOf(first)}&end=${dayTextOf(last)}`;
const measurePath = (measure: string, { first, last }: Span) =>
  `/Measure/$evaluate-measure?measure=https://hpms.example/fhir/Measure/${measure}&periodStart=${dayTextOf(first)}&periodEnd=${dayTextOf(last)}`;
const revenuePath = (span: Span) => measurePath('revenue-summary', span);
const visitsPath = (span: Span) => measurePath('visit-summary', span);

async function timed<T>(work: () => Promise<T>): Promise<{ readonly answer: T; readonly tookMs: number }> {
  const startedAt = performance.now();
  const answer = await work();
  return { answer, tookMs: performance.now() - startedAt };
}

async function allPages(api: FhirApi, first: string): Promise<Basic[]> {
  const found: Basic[] = [];
  let path: string | undefined = first;
  while (path !== undefined) {
    const page: Bundle = await api.ask<Bundle>('GET', path, 200);
    for (const { resource } of page.entry ?? []) if (resource?.resourceType === 'Basic') found.push(resource);
    const next: string | undefined = page.link?.find(({ relation }) => relation === 'next')?.url;
    path = next?.slice(next.indexOf(api.basePath) + api.basePath.length);
  }
  return found;
}

/** By `number/sub`. */
async function accountsOf(
  api: FhirApi,
  wanted: readonly (readonly [number: string, sub: string])[],
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const [number, sub] of wanted) {
    const value = sub === '' ? number : `${number}/${sub}`;
    const token = encodeURIComponent(`${glAccountSystem}|${value}`);
    const { entry } = await api.ask<Bundle>('GET', `/Account?identifier=${token}`, 200);
    found.set(`${number}/${sub}`, entry?.[0]?.resource?.id ?? '');
  }
  return found;
}
