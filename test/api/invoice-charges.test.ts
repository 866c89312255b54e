// What Invoices charge: ChargeItems of any kind, priced by the list, on one live Invoice at a time: domain.md S4-K2, S4-M12, S5-04, S5-18, contract.md 22 to 27.

import { describe, expect, test } from '@jest/globals';
import {
  base,
  current,
  discount,
  extensionOf,
  invoiceFor,
  type Json,
  ledgerOf,
  line,
  made,
  put,
  tax,
  usd,
  useBilling,
  x,
} from './invoice-world.ts';

const clinic = useBilling();

let codes = 0;

/** Each test has a price list of its own. */
function newCode() {
  codes += 1;
  return { coding: [{ system: 'urn:billing', code: `code-${codes}` }] };
}

function priceOf(code: Json, priceComponent: Json[], more: Json = {}) {
  const [{ code: name }] = code.coding as [{ code: string }];
  return {
    resourceType: 'ChargeItemDefinition',
    url: `urn:price:${name}`,
    status: 'active',
    code,
    propertyGroup: [{ priceComponent }],
    ...more,
  };
}

function itemOf(code: Json, more: Json = {}) {
  return { resourceType: 'ChargeItem', status: 'billable', code, subject: { reference: clinic.patient }, ...more };
}

const lineOf = ({ id }: { id: string }) => ({ chargeItemReference: { reference: `ChargeItem/${id}` } });
const statusOf = async (item: { resourceType: string; id: string }) => (await current(clinic.a, item)).status;

describe('a line of a ChargeItem', () => {
  test.each([
    ['an examination', { service: [{ reference: 'Observation/o1' }] }, '4020'],
    ['a report', { service: [{ reference: 'DiagnosticReport/d1' }] }, '4020'],
    ['a dispensed medicine', { service: [{ reference: 'MedicationDispense/m1' }] }, '4010'],
    ['an administered medicine', { service: [{ reference: 'MedicationAdministration/m1' }] }, '4010'],
    ['a medicine', { productReference: { reference: 'Medication/m1' } }, '4010'],
    ['a procedure', { service: [{ reference: 'Procedure/p1' }] }, '4000'],
    ['an immunization', { service: [{ reference: 'Immunization/i1' }] }, '4000'],
    ['an image', { service: [{ reference: 'ImagingStudy/i1' }] }, '4090'],
    ['a device', { productReference: { reference: 'Device/d1' } }, '4030'],
    ['a delivery', { service: [{ reference: 'SupplyDelivery/s1' }] }, '4090'],
    ['a visit', { context: { reference: 'Encounter/e1' } }, '4000'],
  ])('charges %s, on an account of its own (S4-K2)', async (_, charged, account) => {
    const item = await made(clinic.a, itemOf(newCode(), charged));
    const draft = await made(clinic.a, invoiceFor(clinic.patient, [{ ...lineOf(item), priceComponent: [base(40)] }]));
    const { status, json } = await put(clinic.a, draft, { status: 'issued' });
    expect([status, json.totalGross]).toEqual([200, usd(40)]);
    const waiting = await clinic.server.app.doors.tenantDoor(clinic.a.id, (trx) =>
      trx.query({
        text: "SELECT revenue FROM ledger_entry WHERE invoice_id = $1 AND revenue <> ''",
        values: [draft.id],
      }),
    );
    expect(waiting).toEqual([{ revenue: account }]);
  });

  test('has the price of the list for its code and quantity, with its taxes', async () => {
    const code = newCode();
    await made(clinic.a, priceOf(code, [base(10), discount(0.1), tax(0.2)]));
    const item = await made(clinic.a, itemOf(code, { quantity: { value: 3 } }));
    const draft = await made(clinic.a, invoiceFor(clinic.patient, [lineOf(item), { chargeItemCodeableConcept: code }]));
    const amounts = draft.lineItem.map((one: { priceComponent: { amount: { value: number } }[] }) =>
      one.priceComponent.map(({ amount }) => amount.value),
    );
    expect(amounts).toEqual([
      [30, -3, 5.4],
      [10, -1, 1.8],
    ]);
    expect(draft.totalGross).toEqual(usd(43.2));
  });

  test('is of the day it was done, also when the price has changed since', async () => {
    const code = newCode();
    await made(clinic.a, priceOf(code, [base(10)], { effectivePeriod: { end: '2025-12-31' } }));
    await made(clinic.a, {
      ...priceOf(code, [base(12)]),
      url: 'urn:price:new',
      effectivePeriod: { start: '2026-01-01' },
    });
    const earlier = await made(clinic.a, itemOf(code, { occurrenceDateTime: '2025-12-31T12:00:00Z' }));
    const later = await made(clinic.a, itemOf(code, { occurrenceDateTime: '2026-01-01T00:00:00Z' }));
    const draft = await made(clinic.a, invoiceFor(clinic.patient, [lineOf(earlier), lineOf(later)]));
    expect(draft.totalGross).toEqual(usd(22));
  });

  test('is that of its definition and of the practitioner who did it', async () => {
    const code = newCode();
    const special = { extension: [{ url: `${x}/practitioner`, valueReference: { reference: 'Practitioner/p1' } }] };
    await made(clinic.a, priceOf(code, [base(10)]));
    await made(clinic.a, { ...priceOf(code, [base(50)], special), url: 'urn:price:special' });
    await made(clinic.a, { ...priceOf(newCode(), [base(70)]), url: 'urn:price:named' });
    const plain = await made(clinic.a, itemOf(code));
    const byOne = await made(clinic.a, itemOf(code, { performer: [{ actor: { reference: 'Practitioner/p1' } }] }));
    const named = await made(clinic.a, itemOf(code, { definitionCanonical: ['urn:price:named'] }));
    const draft = await made(clinic.a, invoiceFor(clinic.patient, [plain, byOne, named].map(lineOf)));
    expect(draft.totalGross).toEqual(usd(130));
  });

  test('may come in one bundle with its ChargeItem', async () => {
    const code = newCode();
    await made(clinic.a, priceOf(code, [base(15)]));
    const fullUrl = 'urn:uuid:6f1b0c52-4a04-4d53-8c3c-3f1a8f1a0001';
    const invoice = invoiceFor(clinic.patient, [{ chargeItemReference: { reference: fullUrl } }], { status: 'issued' });
    const entry = [
      { fullUrl, request: { method: 'POST', url: 'ChargeItem' }, resource: itemOf(code) },
      { request: { method: 'POST', url: 'Invoice' }, resource: invoice },
    ];
    const answer = await clinic.a.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry });
    expect([answer.status, answer.status === 200 ? '' : answer.text]).toEqual([200, '']);
    const [itemPath, invoicePath] = answer.json.entry.map(
      ({ response }: { response: { location: string } }) => /(\w+\/[^/]+)\/_history/.exec(response.location)?.[1],
    );
    expect((await clinic.a.request('GET', `/${invoicePath}`)).json.totalGross).toEqual(usd(15));
    expect((await clinic.a.request('GET', `/${itemPath}`)).json.status).toBe('billed');
  });
});

describe('a package', () => {
  test('costs its one price, and its parts nothing beside it, each once', async () => {
    const [whole, part, other] = [newCode(), newCode(), newCode()];
    const packaged = priceOf(whole, [base(80)], { title: 'Check-up' });
    await made(clinic.a, packaged);
    await made(clinic.a, priceOf(part, [base(60)], { partOf: [packaged.url] }));
    await made(clinic.a, priceOf(other, [base(7)]));
    const lines = [whole, part, part, other].map((chargeItemCodeableConcept) => ({ chargeItemCodeableConcept }));
    const draft = await made(clinic.a, invoiceFor(clinic.patient, lines));
    expect(draft.lineItem[1].priceComponent).toEqual([
      { type: 'base', code: { text: 'Included in the package: Check-up' }, amount: usd(0) },
    ]);
    expect(draft.totalGross).toEqual(usd(147));
    expect((await made(clinic.a, invoiceFor(clinic.patient, [lines[1]!]))).totalGross).toEqual(usd(60));
  });
});

describe('a ChargeItem', () => {
  test('is billed at issue, and billable again when the Invoice is cancelled', async () => {
    const item = await made(clinic.a, itemOf(newCode()));
    const draft = await made(clinic.a, invoiceFor(clinic.patient, [{ ...lineOf(item), priceComponent: [base(40)] }]));
    expect(await statusOf(item)).toBe('billable');
    const { json } = await put(clinic.a, draft, { status: 'issued' });
    expect(await statusOf(item)).toBe('billed');
    await put(clinic.a, json, { status: 'cancelled', cancelledReason: 'x' });
    expect(await statusOf(item)).toBe('billable');
    expect(await ledgerOf(clinic.server, clinic.a, draft.id)).toEqual({ '1200': 0, '2400': 0 });
  });

  test('goes from a cancelled Invoice to a new one in one bundle, and stays billed', async () => {
    const item = await made(clinic.a, itemOf(newCode()));
    const charged = { ...lineOf(item), priceComponent: [base(40)] };
    const wrong = await made(clinic.a, invoiceFor(clinic.patient, [charged], { status: 'issued' }));
    const right = invoiceFor(clinic.patient, [{ ...charged, priceComponent: [base(45)] }], { status: 'issued' });
    const cancelled = { ...wrong, status: 'cancelled', cancelledReason: 'wrong price' };
    const entry = [
      { request: { method: 'POST', url: 'Invoice' }, resource: right },
      { request: { method: 'PUT', url: `Invoice/${wrong.id}` }, resource: cancelled },
    ];
    const bundle = { resourceType: 'Bundle', type: 'transaction', entry };
    expect((await clinic.a.request('POST', '', bundle)).status).toBe(200);
    expect([await statusOf(item), await statusOf(wrong)]).toEqual(['billed', 'cancelled']);
    expect((await clinic.a.request('POST', '/Invoice', invoiceFor(clinic.patient, [charged]))).status).toBe(409);
  });

  test('is on one live Invoice at a time: 409, until that is cancelled, deleted, or has it no more', async () => {
    const item = await made(clinic.a, itemOf(newCode()));
    const charged = { ...lineOf(item), priceComponent: [base(40)] };
    const again = () => clinic.a.request('POST', '/Invoice', invoiceFor(clinic.patient, [charged]));
    const first = await made(clinic.a, invoiceFor(clinic.patient, [charged]));
    expect([(await again()).status, (await again()).json.issue[0].code]).toEqual([409, 'conflict']);
    expect((await put(clinic.a, first, { status: 'cancelled' })).status).toBe(200);
    const second = (await again()).json;
    const { totalGross: _g, totalNet: _n, totalPriceComponent: _p, ...rest } = second;
    expect((await put(clinic.a, rest, { lineItem: [line(base(1))] })).status).toBe(200);
    const third = (await again()).json;
    expect((await clinic.a.request('DELETE', `/Invoice/${third.id}`)).status).toBe(204);
    expect((await again()).status).toBe(201);
  });

  test('is on one of twenty Invoices that are made at once', async () => {
    const item = await made(clinic.a, itemOf(newCode()));
    const one = invoiceFor(clinic.patient, [{ ...lineOf(item), priceComponent: [base(40)] }]);
    const answers = await Promise.all(Array.from({ length: 20 }, () => clinic.a.request('POST', '/Invoice', one)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, ...Array(19).fill(409)]);
  });

  test('that is billed does not change and is not deleted; that is aborted cannot be billed', async () => {
    const item = await made(clinic.a, itemOf(newCode()));
    const draft = await made(clinic.a, invoiceFor(clinic.patient, [{ ...lineOf(item), priceComponent: [base(40)] }]));
    const aborted = await put(clinic.a, item, { status: 'aborted' });
    expect((await put(clinic.a, draft, { status: 'issued' })).status).toBe(422);
    await put(clinic.a, aborted.json, { status: 'billable' });
    expect((await put(clinic.a, draft, { status: 'issued' })).status).toBe(200);
    const billed = await current(clinic.a, item);
    expect((await put(clinic.a, billed, { status: 'billable' })).status).toBe(409);
    expect((await clinic.a.request('DELETE', `/ChargeItem/${item.id}`)).status).toBe(409);
    expect((await put(clinic.a, billed, { note: [{ text: 'done well' }] })).status).toBe(200);
  });
});

describe('ChargeItemDefinition/[id]/$apply', () => {
  const parameters = (item: { id: string }, account?: string) => ({
    resourceType: 'Parameters',
    parameter: [
      { name: 'chargeItem', valueReference: { reference: `ChargeItem/${item.id}` } },
      ...(account === undefined ? [] : [{ name: 'account', valueReference: { reference: account } }]),
    ],
  });

  test('gives the ChargeItem its price, definition and account; an Invoice charges that', async () => {
    const definition = await made(clinic.a, priceOf(newCode(), [base(10), discount(0.1), tax(0.2)]));
    const item = await made(clinic.a, itemOf(newCode(), { quantity: { value: 2 } }));
    const answer = await clinic.a.request(
      'POST',
      `/ChargeItemDefinition/${definition.id}/$apply`,
      parameters(item, 'Account/1'),
    );
    expect([answer.status, answer.json.resourceType, answer.json.id]).toEqual([200, 'ChargeItem', item.id]);
    expect(answer.json).toMatchObject({
      priceOverride: usd(18),
      definitionCanonical: [definition.url],
      account: [{ reference: 'Account/1' }],
    });
    expect(answer.json.extension.map((one: { extension: Json[] }) => one.extension.at(-1)?.valueMoney)).toEqual(
      [20, -2, 3.6].map(usd),
    );
    expect(await current(clinic.a, item)).toEqual(answer.json);
    expect((await made(clinic.a, invoiceFor(clinic.patient, [lineOf(item)]))).totalGross).toEqual(usd(21.6));
  });

  test('of what is no price for it is 422: a draft, another time, another currency, a tax, a billed item', async () => {
    const item = await made(clinic.a, itemOf(newCode(), { occurrenceDateTime: '2026-11-20' }));
    const definitions = [
      priceOf(newCode(), [base(10)], { status: 'draft' }),
      priceOf(newCode(), [base(10)], { effectivePeriod: { end: '2025-01-01' } }),
      priceOf(newCode(), [{ type: 'base', amount: { value: 1, currency: 'EUR' } }]),
      priceOf(newCode(), [tax(0.2)]),
    ];
    for (const definition of definitions) {
      const { id } = await made(clinic.a, definition);
      expect((await clinic.a.request('POST', `/ChargeItemDefinition/${id}/$apply`, parameters(item))).status).toBe(422);
    }
    const good = await made(clinic.a, priceOf(newCode(), [base(10)]));
    const billed = await made(clinic.a, itemOf(newCode(), { status: 'billed' }));
    expect((await clinic.a.request('POST', `/ChargeItemDefinition/${good.id}/$apply`, parameters(billed))).status).toBe(
      422,
    );
    const foreign = await clinic.server.b.request('POST', `/ChargeItemDefinition/${good.id}/$apply`, parameters(item));
    expect(foreign.status).toBe(404);
    expect(
      (await clinic.a.request('POST', `/ChargeItemDefinition/${good.id}/$apply`, parameters({ id: 'nobody' }))).status,
    ).toBe(404);
  });
});

describe('taxes', () => {
  test('inside a listed price are taken out, split without losing a unit, and may be sent back as they came', async () => {
    const code = newCode();
    const inclusive = { extension: [{ url: `${x}/tax-inclusive`, valueBoolean: true }] };
    await made(clinic.a, priceOf(code, [base(9.99), tax(0.07, 'city'), tax(0.19, 'state')], inclusive));
    const draft = await made(clinic.a, invoiceFor(clinic.patient, [{ chargeItemCodeableConcept: code }]));
    expect([draft.totalNet, draft.totalGross]).toEqual([usd(7.93), usd(9.99)]);
    const { json } = await put(clinic.a, draft, { status: 'issued' });
    expect(json.lineItem).toEqual(draft.lineItem);
    expect(extensionOf(json, 'outstanding').valueMoney).toEqual(usd(9.99));
    expect(await ledgerOf(clinic.server, clinic.a, draft.id)).toEqual({ '1200': 999, '2200': -206, '2400': -793 });
  });
});
