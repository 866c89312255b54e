// Reports on money over HTTP: aging, statements and the revenue summary say what Invoices and payments say (domain.md D10, S1-P4-4).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type {
  Account,
  Bundle,
  MeasureReport,
  MeasureReportGroup,
  OperationOutcome,
  Parameters,
  ParametersParameter,
  PaymentReconciliation,
} from '@medplum/fhirtypes';
import { clientOf } from '../../api/clients.ts';
import { buildAppointment } from '../../support/builders.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { pdfTexts } from '../documents/pdf-texts.ts';
import { type Stored, Till, today, usd } from '../payments/till.ts';

let server: TestServer;
let till: Till;
let payment: Stored<PaymentReconciliation>;
const patients: string[] = [];

beforeAll(async () => {
  server = await startTestServer();
  till = new Till(server.a);
  for (const family of ['Adler', 'Berg']) {
    const { id } = await till.created({ resourceType: 'Patient', name: [{ family }] });
    patients.push(`Patient/${id}`);
  }
  const invoice = await till.invoice(patients[0] ?? '', 100);
  await till.invoice(patients[1] ?? '', 30.5);
  const details = [[`Invoice/${invoice.id}`, 40]] as const;
  payment = await till.paid(40, { issuer: patients[0] ?? '', details });
});
afterAll(() => server.close());

const asJson = { Accept: 'application/fhir+json' };

function partNamed(parts: readonly ParametersParameter[] = [], name: string): ParametersParameter | undefined {
  return parts.find((part) => part.name === name);
}

test('aging gives what is outstanding by patient and in all, the largest debt first', async () => {
  const { status, json } = await server.a.request('GET', '/Account/$aging');
  expect(status).toBe(200);
  const { parameter = [] } = json as Parameters;
  const total = partNamed(parameter, 'total')?.part;
  const sums = ['outstanding', '0-30', '31-60', '61-90', '90+'].map((name) => partNamed(total, name)?.valueMoney);
  expect(sums).toEqual([usd(90.5), usd(90.5), usd(0), usd(0), usd(0)]);
  const ofPatients = parameter.filter(({ name }) => name === 'patient');
  expect(
    ofPatients.map(({ part }) => [
      partNamed(part, 'subject')?.valueReference?.reference,
      partNamed(part, 'outstanding')?.valueMoney,
    ]),
  ).toEqual([
    [patients[0], usd(60)],
    [patients[1], usd(30.5)],
  ]);
});

describe('a statement', () => {
  async function accountOf(patient: string | undefined): Promise<string> {
    const accounts = await till.search<Account>(`Account?subject=${patient}`);
    const receivable = accounts.find(({ identifier }) => identifier?.[0]?.value?.startsWith('1200'));
    return String(receivable?.id);
  }

  test('as a letter says each movement with the balance behind it, and what is due', async () => {
    const path = `/Account/${await accountOf(patients[0])}/$statement`;
    const { status, json } = await server.a.request('GET', path, undefined, asJson);
    expect([status, json.resourceType, json.contentType]).toEqual([200, 'Binary', 'application/pdf']);
    const texts = pdfTexts(Buffer.from(json.data, 'base64'));
    for (const expected of ['Statement of account', 'Adler', 'Charge', 'Payment', '$100.00', '-$40.00', '$60.00'])
      expect(texts).toContain(expected);
  });

  test('as a document is a valid Bundle that begins with its Composition', async () => {
    const path = `/Account/${await accountOf(patients[1])}/$statement?format=json`;
    const { json } = await server.a.request('GET', path);
    const { type, entry: [first] = [] } = json as Bundle;
    const composition = first?.resource;
    expect([type, composition?.resourceType]).toEqual(['document', 'Composition']);
    expect(composition?.resourceType === 'Composition' && composition.section?.[0]?.text?.div).toContain('$30.50');
    const validated = await server.a.request('POST', '/Bundle/$validate', json);
    const { issue } = validated.json as OperationOutcome;
    expect(issue.filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  test('is of accounts of patients only, and of nobody else’s tenant', async () => {
    const [drawer] = await till.search<Account>('Account?identifier=https://hpms.example/fhir/sid/gl-account|1010');
    expect((await server.a.request('GET', `/Account/${drawer?.id}/$statement`)).status).toBe(422);
    const path = `/Account/${await accountOf(patients[0])}/$statement`;
    expect((await server.b.request('GET', path)).status).toBe(404);
  });

  test('is 404 where nothing ever moved in the period and before', async () => {
    const path = `/Account/${await accountOf(patients[0])}/$statement?end=2001-01-01`;
    expect((await server.a.request('GET', path)).status).toBe(404);
  });
});

describe('the revenue summary', () => {
  const summary = (query: string) => server.a.request('GET', `/Measure/$evaluate-measure?${query}`);

  test('gives revenue and receipts of the period, by day and by method', async () => {
    const { json, text } = await summary(`periodStart=${today()}&periodEnd=${today()}`);
    const { group = [] } = json as MeasureReport;
    const groupOf = (name: string) => group.find(({ code }) => code?.text === name);
    // On the cash basis revenue is what was paid (domain.md D15).
    expect(groupOf('revenue in USD')?.measureScore?.value).toBe(40);
    const receipts = groupOf('receipts in USD');
    expect(receipts?.measureScore).toEqual({ value: 40, unit: 'USD', system: 'urn:iso:std:iso:4217', code: 'USD' });
    const strata = (name: string) =>
      receipts?.stratifier
        ?.find(({ code }) => code?.[0]?.text === name)
        ?.stratum?.map(({ value, measureScore }) => [value?.text, measureScore?.value]);
    expect(strata('method')).toEqual([['CASH', 40]]);
    expect(strata('day')).toEqual([[today(), 40]]);
    expect(text).toContain('"value":40.00');
  });

  test('of a period without any is empty', async () => {
    const { json } = await summary('periodStart=2001-01&periodEnd=2001-02');
    expect(json.group ?? []).toEqual([]);
  });

  test.each([
    ['an end before the start', 'periodStart=2026-02-01&periodEnd=2026-01-01', 400],
    ['more than five years', 'periodStart=2000&periodEnd=2026', 400],
    ['another measure', 'periodStart=2026&periodEnd=2026&measure=urn:other', 404],
    ['no period', 'measure=https://hpms.example/fhir/Measure/revenue-summary', 400],
  ])('%s is refused', async (_, query, status) => {
    expect((await summary(query)).status).toBe(status);
  });
});

describe('the no-show rate', () => {
  const measure = 'measure=https://hpms.example/fhir/Measure/visit-summary';
  const ask = (query: string) => server.b.request('GET', `/Measure/$evaluate-measure?${measure}&${query}`);
  const figures = ({ population = [], measureScore }: Pick<MeasureReportGroup, 'population' | 'measureScore'>) => [
    ...population.map(({ count }) => count),
    measureScore?.value,
  ];

  beforeAll(async () => {
    const ends: readonly [string, number, 'fulfilled' | 'noshow' | 'cancelled' | 'booked'][] = [
      ...([5, 5, 6] as const).map((day) => ['Practitioner/seen-by', day, 'fulfilled'] as [string, number, 'fulfilled']),
      ...[['Practitioner/seen-by', 6, 'noshow'] as [string, number, 'noshow']],
      ...[['Practitioner/in-vain', 6, 'noshow'] as [string, number, 'noshow']],
      ...[['Practitioner/in-vain', 6, 'cancelled'] as [string, number, 'cancelled']],
      ...[['Practitioner/in-vain', 6, 'booked'] as [string, number, 'booked']],
    ];
    for (const [hour, [practitioner, day, status]] of ends.entries()) {
      const times = { start: `2026-10-0${day}T0${hour}:00:00Z`, end: `2026-10-0${day}T0${hour}:30:00Z` };
      const reason = { cancelationReason: { coding: [{ code: 'pat' }] } };
      const visit = buildAppointment('Patient/x', practitioner, {
        ...times,
        status,
        ...(status === 'cancelled' && reason),
      });
      expect((await server.b.request('POST', '/Appointment', visit)).status).toBe(201);
    }
  });

  test('is those who did not come of those who were due, in all, by day and by practitioner', async () => {
    const { status, json } = await ask('periodStart=2026-10-01&periodEnd=2026-10-31');
    expect(status).toBe(200);
    const [group] = (json as MeasureReport).group as [MeasureReportGroup];
    expect(figures(group)).toEqual([5, 2, 0.4]);
    const strata = Object.fromEntries(
      (group.stratifier ?? []).map(({ code, stratum = [] }) => [
        code?.[0]?.text,
        stratum.map((one) => [one.value?.text, ...figures(one)]),
      ]),
    );
    expect(strata).toEqual({
      day: [
        ['2026-10-05', 2, 0, 0],
        ['2026-10-06', 3, 2, 0.6667],
      ],
      practitioner: [
        ['Practitioner/in-vain', 1, 1, 1],
        ['Practitioner/seen-by', 4, 1, 0.25],
      ],
    });
    const { json: validated } = await server.b.request('POST', '/MeasureReport/$validate', json);
    expect(validated.issue.filter(({ severity }: { severity: string }) => severity === 'error')).toEqual([]);
  });

  test('has no score where nobody was due, and knows nothing of another clinic', async () => {
    const { json } = await ask('periodStart=2026-09-01&periodEnd=2026-09-30');
    expect(figures(json.group[0])).toEqual([0, 0, undefined]);
    const query = `${measure}&periodStart=2026-10-01&periodEnd=2026-10-31`;
    const { json: ofA } = await server.a.request('GET', `/Measure/$evaluate-measure?${query}`);
    expect(figures(ofA.group[0])).toEqual([0, 0, undefined]);
  });

  test.each([
    ['clinic-admin', 200],
    ['auditor', 200],
    ['cashier', 403],
  ])('is seen by %s: %i', async (role, expected) => {
    const { request } = await clientOf(server, server.b, '', [role]);
    const path = `/Measure/$evaluate-measure?${measure}&periodStart=2026-10-01&periodEnd=2026-10-31`;
    expect((await request('GET', path)).status).toBe(expected);
  });
});

test('a receipt says its number, the Invoice it is for and the amount', async () => {
  const path = `/PaymentReconciliation/${payment.id}/$render`;
  const { status, json } = await server.a.request('GET', path, undefined, asJson);
  expect(status).toBe(200);
  const texts = pdfTexts(Buffer.from(json.data, 'base64'));
  const year = today().slice(0, 4);
  for (const expected of ['Receipt', `RCT-${year}-00001`, `INV-${year}-00001`, '$40.00', 'Adler'])
    expect(texts).toContain(expected);
});
