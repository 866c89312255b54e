// `$render` over HTTP: invoices, receipts and cards as PDF, by language, counted and recorded (domain.md section 4, S5-23).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestServer, type TestServer, type TestTenant } from '../../support/server.ts';
import { pdfTexts } from './pdf-texts.ts';

let server: TestServer;
let patientId: string;
let number: string;
let invoiceId: string;

beforeAll(async () => {
  server = await startTestServer();
  const made = await server.a.request('POST', '/Patient', {
    resourceType: 'Patient',
    name: [{ family: 'Grünwald', given: ['Ines'] }],
    birthDate: '1980-02-29',
    address: [{ line: ['Ringstraße 7'], postalCode: '1010', city: 'Wien' }],
  });
  patientId = made.json.id;
  number = made.json.identifier.find(({ system }: { system: string }) => system.endsWith('/sid/patient')).value;
  await server.a.request('POST', '/Organization', {
    resourceType: 'Organization',
    name: 'Praxis am Ring',
    type: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/organization-type', code: 'prov' }] }],
    telecom: [{ system: 'phone', value: '+43 1 234' }],
  });
  const invoice = await server.a.request('POST', '/Invoice', invoiceOf(patientId));
  expect(invoice.status).toBe(201);
  invoiceId = invoice.json.id;
});
afterAll(() => server.close());

const invoiceOf = (id: string) => ({
  resourceType: 'Invoice',
  status: 'draft',
  subject: { reference: `Patient/${id}` },
  lineItem: [
    {
      chargeItemCodeableConcept: { text: 'Consultation' },
      priceComponent: [
        { type: 'base', amount: { value: 1000.5, currency: 'USD' } },
        { type: 'tax', code: { text: 'USt' }, factor: 0.2, amount: { value: 200.1, currency: 'USD' } },
      ],
    },
  ],
});

const asPdf = { Accept: 'application/pdf' };
const asJson = { Accept: 'application/fhir+json' };

async function pdfOf(path: string, tenant: TestTenant = server.a): Promise<string[]> {
  const { status, text, json } = await tenant.request('GET', path, undefined, asJson);
  if (status !== 200) throw new Error(`${path} is ${status}: ${text}`);
  expect(json).toMatchObject({ resourceType: 'Binary', contentType: 'application/pdf' });
  return pdfTexts(Buffer.from(json.data, 'base64'));
}

describe('an Invoice', () => {
  test('that is a draft is printed as pro forma, with its lines, taxes and totals in the language asked for', async () => {
    const texts = await pdfOf(`/Invoice/${invoiceId}/$render?locale=de-AT`);
    expect(texts.join(' ')).toMatch(/Praxis am Ring/);
    for (const expected of ['Proforma-Rechnung', 'Ines Grünwald', 'Ringstraße 7', '1010 Wien', 'Consultation', number])
      expect(texts).toContain(expected);
    expect(texts).toEqual(expect.arrayContaining(['$ 1.000,50', 'USt 20 %', '$ 200,10', '$ 1.200,60']));
  });

  test('is printed in English where the clinic set no language', async () => {
    const texts = await pdfOf(`/Invoice/${invoiceId}/$render`);
    expect(texts).toEqual(expect.arrayContaining(['Pro forma invoice', '$1,000.50']));
  });

  test('is a duplicate from the second time on, and a new version is none', async () => {
    const { json } = await server.a.request('POST', '/Invoice', invoiceOf(patientId));
    const path = `/Invoice/${json.id}/$render`;
    expect(await pdfOf(path)).not.toContain('DUPLICATE');
    expect(await pdfOf(path)).toContain('DUPLICATE');
    await server.a.request('PUT', `/Invoice/${json.id}`, {
      ...invoiceOf(patientId),
      id: json.id,
      note: [{ text: 'x' }],
    });
    expect(await pdfOf(path)).not.toContain('DUPLICATE');
  });

  test('is answered as it is where Accept says so, as a download that runs nothing', async () => {
    const answer = await server.a.request('GET', `/Invoice/${invoiceId}/$render`, undefined, asPdf);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Content-Type')).toBe('application/pdf');
    expect(answer.headers.get('Content-Disposition')).toBe('attachment');
    expect(answer.headers.get('Content-Security-Policy')).toBe("default-src 'none'; sandbox");
    expect(answer.text.slice(0, 5)).toBe('%PDF-');
  });
});

describe('a card', () => {
  test('says the number with its check character, in text and codes, and counts the cards before it', async () => {
    const first = await pdfOf(`/Patient/${patientId}/$render?template=id-card`);
    expect(first).toEqual(expect.arrayContaining(['Ines Grünwald', 'Card 1']));
    expect(first.some((text) => text.startsWith(`${number}-`))).toBe(true);
    expect(await pdfOf(`/Patient/${patientId}/$render`)).toContain('Card 2');
  });

  test('is kept as a document of the patient, and voids the one before', async () => {
    const { json: one } = await server.a.request('POST', '/Patient', {
      resourceType: 'Patient',
      name: [{ text: 'Card' }],
    });
    const path = `/Patient/${one.id}/$render?template=id-card`;
    const first = await server.a.request('GET', path, undefined, asJson);
    const documents = async () => {
      const query = `/DocumentReference?subject=Patient/${one.id}&_sort=_lastUpdated`;
      const { json } = await server.a.request('GET', query);
      return json.entry.map(({ resource }: { resource: unknown }) => resource);
    };
    const stateOf = ({
      extension,
      status,
    }: {
      extension: { extension: Record<string, unknown>[] }[];
      status: string;
    }) => [status, ...(extension[0]?.extension.map(({ url: _, ...value }) => Object.values(value)[0]) ?? [])].join(' ');
    const [kept] = await documents();
    expect(stateOf(kept)).toBe('current id-card 1 active');
    const { attachment } = kept.content[0];
    expect(attachment.url).toBe(`Binary/${first.json.id}`);
    const stored = await server.a.request('GET', `/${attachment.url}`, undefined, asJson);
    expect(stored.json).toMatchObject({ data: first.json.data, securityContext: { reference: `Patient/${one.id}` } });
    await server.a.request('GET', `/Patient/${one.id}/$render?format=png`, undefined, asJson);
    await server.a.request('GET', path, undefined, asJson);
    const all = await documents();
    expect(all.map(stateOf).sort()).toEqual(['current id-card 2 active', 'superseded id-card 1 void']);
    const current = all.find(({ status }: { status: string }) => status === 'current');
    expect(current.relatesTo).toEqual([{ code: 'replaces', target: { reference: `DocumentReference/${kept.id}` } }]);
    expect((await server.b.request('GET', `/DocumentReference/${kept.id}`)).status).toBe(404);
  });

  test('is also given as the image of its code alone', async () => {
    const { status, json } = await server.a.request(
      'GET',
      `/Patient/${patientId}/$render?format=png`,
      undefined,
      asJson,
    );
    expect([status, json.contentType]).toEqual([200, 'image/png']);
    expect(Buffer.from(json.data, 'base64').subarray(1, 4).toString()).toBe('PNG');
  });
});

describe('what cannot be rendered', () => {
  test.each([
    ['another template', () => `/Invoice/${invoiceId}/$render?template=id-card`, 404],
    ['another format', () => `/Invoice/${invoiceId}/$render?format=png`, 406],
    ['a language that is none', () => `/Invoice/${invoiceId}/$render?locale=no_language!`, 400],
    ['what is not there', () => '/Invoice/nothing/$render', 404],
    ['another type', () => '/Organization/x/$render', 404],
  ])('%s', async (_, path, status) => {
    expect((await server.a.request('GET', path())).status).toBe(status);
  });

  test('another tenant sees nothing of it', async () => {
    expect((await server.b.request('GET', `/Invoice/${invoiceId}/$render`)).status).toBe(404);
  });

  test('a media type it does not have is 406', async () => {
    const answer = await server.a.request('GET', `/Invoice/${invoiceId}/$render`, undefined, { Accept: 'image/png' });
    expect(answer.status).toBe(406);
  });
});

test('each document is recorded as an AuditEvent about the version', async () => {
  const { json } = await server.a.request('POST', '/Invoice', invoiceOf(patientId));
  await pdfOf(`/Invoice/${json.id}/$render`);
  const found = await server.a.request('GET', `/AuditEvent?entity=Invoice/${json.id}&action=E`);
  expect(found.json.entry).toHaveLength(1);
  expect(found.json.entry[0].resource.entity[0].what.reference).toBe(`Invoice/${json.id}/_history/1`);
});
