// A ChargeItem is charged once, to the patient it is for, and costs the same by `$apply` and by the list (domain.md S4-K2, contract.md 24).

import { describe, expect, test } from '@jest/globals';
import {
  base,
  invoiceFor,
  type Json,
  line,
  made,
  newPatient,
  put,
  tax,
  usd,
  useBilling,
} from '../../api/invoice-world.ts';
import { taxInclusive } from './prices.ts';

const clinic = useBilling();

let codes = 0;

async function itemOf(patient: string, priceComponent: Json[] = [base(100), tax(0.19)], more: Json = {}) {
  codes += 1;
  const code = { coding: [{ system: 'urn:once', code: `code-${codes}` }] };
  const price = await made(clinic.a, {
    ...{ resourceType: 'ChargeItemDefinition', url: `urn:price:once-${codes}`, status: 'active', code },
    propertyGroup: [{ priceComponent }],
    ...more,
  });
  const item = { resourceType: 'ChargeItem', status: 'billable', code, subject: { reference: patient } };
  return { price, item: await made(clinic.a, item) };
}

const lineOf = ({ id }: { id: string }) => ({ chargeItemReference: { reference: `ChargeItem/${id}` } });
const refusalOf = ({ status, json }: { status: number; json: { issue?: { code: string }[] } }) => [
  status,
  json.issue?.[0]?.code,
];

describe('an Invoice', () => {
  test('charges a ChargeItem on one line: on two it is 422, as a draft, issued, and added later', async () => {
    const { item } = await itemOf(clinic.patient);
    const twice = [lineOf(item), lineOf(item)];
    const written = twice.map((one) => ({ ...one, priceComponent: [base(100)] }));
    for (const lineItem of [twice, written, [lineOf(item), line(base(1)), lineOf(item)]]) {
      for (const status of ['draft', 'issued']) {
        const answer = await clinic.a.request('POST', '/Invoice', invoiceFor(clinic.patient, lineItem, { status }));
        expect(refusalOf(answer)).toEqual([422, 'business-rule']);
      }
    }
    const draft = await made(clinic.a, invoiceFor(clinic.patient, [lineOf(item)]));
    const { totalNet: _n, totalGross: _g, totalPriceComponent: _p, ...open } = draft;
    expect(refusalOf(await put(clinic.a, open, { lineItem: [...draft.lineItem, lineOf(item)] }))).toEqual([
      422,
      'business-rule',
    ]);
    expect((await put(clinic.a, draft, { status: 'issued' })).json.totalGross).toEqual(usd(119));
  });

  test('charges no ChargeItem of another patient: 422, also where that changes while it is a draft', async () => {
    const other = await newPatient(clinic.a);
    const { item: theirs } = await itemOf(other);
    for (const status of ['draft', 'issued']) {
      const answer = await clinic.a.request(
        'POST',
        '/Invoice',
        invoiceFor(clinic.patient, [lineOf(theirs)], { status }),
      );
      expect(refusalOf(answer)).toEqual([422, 'business-rule']);
    }
    const { item } = await itemOf(clinic.patient);
    const draft = await made(clinic.a, invoiceFor(clinic.patient, [lineOf(item)]));
    await put(clinic.a, item, { subject: { reference: other } });
    expect(refusalOf(await put(clinic.a, draft, { status: 'issued' }))).toEqual([422, 'business-rule']);
    expect((await put(clinic.a, draft, { status: 'cancelled' })).status).toBe(200);
  });
});

test('$apply and the list ask the same of a price that holds its taxes: 10.05 with 19 % stays 10.05', async () => {
  const { price, item } = await itemOf(clinic.patient, [base(10.05), tax(0.19)], { extension: [taxInclusive] });
  const direct = await made(clinic.a, invoiceFor(clinic.patient, [lineOf(item)]));
  expect([direct.totalNet, direct.totalGross]).toEqual([usd(8.45), usd(10.05)]);
  await put(clinic.a, direct, { status: 'cancelled' });
  const parameter = [{ name: 'chargeItem', valueReference: { reference: `ChargeItem/${item.id}` } }];
  const applied = await clinic.a.request('POST', `/ChargeItemDefinition/${price.id}/$apply`, {
    resourceType: 'Parameters',
    parameter,
  });
  expect(applied.json.priceOverride).toEqual(usd(8.45));
  const draft = await made(clinic.a, invoiceFor(clinic.patient, [lineOf(item)]));
  expect([draft.lineItem, draft.totalGross]).toEqual([direct.lineItem, usd(10.05)]);
});
