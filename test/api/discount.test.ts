// Discounts within the limits of roles, and who answers for them: domain.md S4-M11, S4-C09, setting discounts.limits.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createClient } from '../../src/people/clients.ts';
import { fetchToken, send, startTestServer, type TestServer, type TestTenant } from '../support/server.ts';
import { base, discount, extensionOf, invoiceFor, line, made, newPatient, put, usd, x } from './invoice-world.ts';

type Requester = Pick<TestTenant, 'request'>;

let server: TestServer;
let cashier: Requester;
let manager: Requester;
let admin: Requester;
let patient: string;

beforeAll(async () => {
  server = await startTestServer();
  patient = await newPatient(server.a);
  cashier = await person('cashier', 'Practitioner/cashier');
  manager = await person('billing-manager', 'Practitioner/manager');
  admin = await person('clinic-admin', 'Practitioner/admin');
});

afterAll(() => server.close());

/** A client that holds a role and stands for somebody (contract.md 47). */
async function person(role: string, fhirUser: string): Promise<Requester> {
  const { doors } = server.app;
  const { a, origin } = server;
  const cipher = await doors.keyRing.cipherOf(a.id);
  const scope = 'user/*.cruds';
  const { clientId, clientSecret } = await doors.tenantDoor(a.id, async (trx) =>
    createClient(trx, cipher, { name: role, grantTypes: ['client_credentials'], scope, roles: [role], fhirUser }),
  );
  const token = await fetchToken(origin, a.name, clientId, clientSecret);
  return {
    request: (method, path, body, headers = {}) =>
      send(`${origin}/t/${a.name}/fhir${path}`, method, body, { Authorization: `Bearer ${token}`, ...headers }),
  };
}

const draftOf = (...components: Parameters<typeof line>) => invoiceFor(patient, [line(...components)]);

describe('a discount', () => {
  test('within the limit of the role is taken, and names who gave it', async () => {
    const draft = await made(cashier, draftOf(base(100), discount(0.1)));
    expect(draft.totalGross).toEqual(usd(90));
    expect(extensionOf(draft, 'approved-by').valueReference).toEqual({ reference: 'Practitioner/cashier' });
  });

  test('above it is 403, as factor, as amount, and in sum over the lines', async () => {
    const amount = { type: 'discount', amount: usd(-10.01) };
    for (const lines of [
      [line(base(100), discount(0.1001))],
      [line(base(100), amount)],
      [line(base(100), discount(0.2)), line(base(80), discount(0.05))],
    ]) {
      for (const status of ['draft', 'issued']) {
        const answer = await cashier.request('POST', '/Invoice', invoiceFor(patient, lines, { status }));
        expect([answer.status, answer.json.issue[0].code]).toEqual([403, 'forbidden']);
      }
    }
    const even = invoiceFor(patient, [line(base(100), discount(0.15)), line(base(100), discount(0.05))]);
    expect((await cashier.request('POST', '/Invoice', even)).status).toBe(201);
  });

  test('grows by no steps above the limit', async () => {
    const draft = await made(
      cashier,
      invoiceFor(patient, [line(base(100), discount(0.1)), line(base(100), discount(0.1))]),
    );
    const { totalNet: _n, totalGross: _g, totalPriceComponent: _p, ...rest } = draft;
    const more = await put(cashier, rest, { lineItem: [line(base(100), discount(0.15)), draft.lineItem[1]] });
    expect(more.status).toBe(403);
  });

  test('that an approver has written stands, whatever others change beside it', async () => {
    const draft = await made(cashier, draftOf(base(100)));
    const { totalNet: _n, totalGross: _g, totalPriceComponent: _p, ...rest } = draft;
    const lineItem = [line(base(100), discount(0.4))];
    expect((await put(cashier, rest, { lineItem })).status).toBe(403);
    const { json: approved } = await put(manager, rest, { lineItem });
    expect(extensionOf(approved, 'approved-by').valueReference).toEqual({ reference: 'Practitioner/manager' });
    const { totalNet: _n2, totalGross: _g2, totalPriceComponent: _p2, ...open } = approved;
    const added = await put(cashier, open, { lineItem: [...approved.lineItem, line(base(5))] });
    expect([added.status, added.json.totalGross]).toEqual([200, usd(65)]);
    expect(extensionOf(added.json, 'approved-by').valueReference).toEqual({ reference: 'Practitioner/manager' });
    expect((await put(cashier, added.json, { status: 'issued' })).status).toBe(200);
  });

  test('is approved by nobody in somebody else’s name: 403', async () => {
    const approvedBy = (who: string) => ({
      extension: [{ url: `${x}/approved-by`, valueReference: { reference: `Practitioner/${who}` } }],
    });
    const forged = { ...draftOf(base(100), discount(0.4)), ...approvedBy('manager') };
    expect((await cashier.request('POST', '/Invoice', forged)).status).toBe(403);
    const within = { ...draftOf(base(100), discount(0.05)), ...approvedBy('manager') };
    expect((await cashier.request('POST', '/Invoice', within)).status).toBe(403);
    const own = { ...draftOf(base(100), discount(0.4)), ...approvedBy('manager') };
    expect((await manager.request('POST', '/Invoice', own)).status).toBe(201);
  });

  test('has no limit for clinic administrators, and that of a setting for others at once', async () => {
    expect((await admin.request('POST', '/Invoice', draftOf(base(100), discount(1)))).status).toBe(201);
    expect((await manager.request('POST', '/Invoice', draftOf(base(100), discount(0.51)))).status).toBe(403);
    const { a, origin } = server;
    const value = { 'billing-manager': 60 };
    const settings = `${origin}/t/${a.name}/admin/settings/discounts.limits`;
    const headers = { Authorization: `Bearer ${a.token}`, 'Content-Type': 'application/json' };
    expect((await send(settings, 'PUT', { value }, headers)).status).toBeLessThan(300);
    expect((await manager.request('POST', '/Invoice', draftOf(base(100), discount(0.51)))).status).toBe(201);
    expect((await cashier.request('POST', '/Invoice', draftOf(base(100), discount(0.01)))).status).toBe(403);
    await send(settings, 'PUT', { value: { cashier: 10, 'billing-manager': 50, 'clinic-admin': 100 } }, headers);
  });
});

describe('a price below the list', () => {
  const code = { coding: [{ system: 'urn:visit', code: 'listed' }] };
  const priced = (...priceComponent: object[]) =>
    invoiceFor(patient, [{ chargeItemCodeableConcept: code, priceComponent }]);

  test('is a discount like any other: written lower, or overridden in the ChargeItem', async () => {
    await made(server.a, {
      resourceType: 'ChargeItemDefinition',
      url: 'urn:price:listed',
      status: 'active',
      code,
      propertyGroup: [{ priceComponent: [base(100)] }],
    });
    expect((await cashier.request('POST', '/Invoice', priced(base(89)))).status).toBe(403);
    expect((await cashier.request('POST', '/Invoice', priced(base(90)))).status).toBe(201);
    const item = { resourceType: 'ChargeItem', status: 'billable', code, subject: { reference: patient } };
    const cheap = await made(cashier, { ...item, priceOverride: usd(50) });
    const lineItem = [{ chargeItemReference: { reference: `ChargeItem/${cheap.id}` } }];
    expect((await cashier.request('POST', '/Invoice', invoiceFor(patient, lineItem))).status).toBe(403);
    const approved = await made(manager, invoiceFor(patient, lineItem));
    expect(approved.totalGross).toEqual(usd(50));
  });
});
