// The ledger over HTTP: transactions are found and read as Basic resources, written by nobody, and listed by account
// (contract.md 41 to 43; domain.md 3.7, S2-FR-B02, S3-M3, I5)

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Account, Bundle, Parameters, ParametersParameter } from '@medplum/fhirtypes';
import { deposit, type LedgerWorld, openLedgerWorld, today } from '../clinic/ledger/ledger-world.ts';

const canonical = 'https://hpms.example/fhir';
const ledgerCode = { coding: [{ system: `${canonical}/CodeSystem/basic-code`, code: 'ledger-transaction' }] };

let world: LedgerWorld;
let id = '';
beforeAll(async () => {
  world = await openLedgerWorld();
  const [posted] = await world.a.post(deposit(12_000n));
  id = posted?.id ?? '';
});
afterAll(() => world.close());

const ask = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  world.a.tenant.request(method, path, body, headers);

describe('a transaction of the ledger (contract 41)', () => {
  test('is a Basic resource that shows type, source and entries, amounts with all their decimals', async () => {
    const { status, json, text } = await ask('GET', `/Basic/${id}`);
    const [drawer, credits] = await Promise.all([
      world.a.accountOf('1010/Location/drawer'),
      world.a.accountOf('2100/Patient/p1'),
    ]);
    expect(status).toBe(200);
    const { meta, ...basic } = json;
    expect(meta.versionId).toBe('1');
    const extension = (name: string, value: object) => ({ url: `${canonical}/StructureDefinition/${name}`, ...value });
    const usd = (value: number) => ({ valueMoney: { value, currency: 'USD' } });
    expect(basic).toEqual({
      resourceType: 'Basic',
      id,
      code: ledgerCode,
      subject: { reference: 'Patient/p1' },
      created: today,
      extension: [
        extension('ledger-type', { valueCode: 'DEPOSIT' }),
        extension('source', { valueReference: { reference: 'Patient/p1/_history/1' } }),
        extension('entry', {
          extension: [
            { url: 'account', valueReference: { reference: `Account/${drawer.id}` } },
            { url: 'amount', ...usd(120) },
            { url: 'balanceAfter', ...usd(120) },
            { url: 'seq', valueInteger: 1 },
          ],
        }),
        extension('entry', {
          extension: [
            { url: 'account', valueReference: { reference: `Account/${credits.id}` } },
            { url: 'amount', ...usd(-120) },
            { url: 'balanceAfter', ...usd(-120) },
            { url: 'seq', valueInteger: 1 },
            { url: 'party', valueReference: { reference: 'Patient/p1' } },
          ],
        }),
      ],
    });
    expect(text).toContain('"value":-120.00');
  });

  test.each([
    ['code', `code=${canonical}/CodeSystem/basic-code|ledger-transaction`],
    ['patient', 'patient=p1'],
    ['subject', 'subject=Patient/p1'],
    ['created', `created=${today}`],
    ['ledger-type', 'ledger-type=DEPOSIT'],
    ['ledger-source', 'ledger-source=Patient/p1'],
    ['all of them', `code=ledger-transaction&patient=p1&created=ge${today}&ledger-type=DEPOSIT`],
  ])('is found by %s', async (_, query) => {
    const { json } = await ask('GET', `/Basic?${query}`);
    expect(json.entry.map(({ resource }: { resource: { id: string } }) => resource.id)).toEqual([id]);
  });

  test('is found by an account, which can be included, and has a history of one version', async () => {
    const drawer = await world.a.accountOf('1010/Location/drawer');
    const { json } = await ask('GET', `/Basic?ledger-account=Account/${drawer.id}&_include=Basic:ledger-account`);
    const found = json.entry.map(
      ({ resource, search }: { resource: { resourceType: string }; search: { mode: string } }) => [
        resource.resourceType,
        search.mode,
      ],
    );
    expect(found).toEqual([
      ['Basic', 'match'],
      ['Account', 'include'],
      ['Account', 'include'],
    ]);
    const history = await ask('GET', `/Basic/${id}/_history`);
    expect(history.json.entry).toHaveLength(1);
  });

  test('has the profile of the house', async () => {
    const { json } = await ask('GET', `/Basic/${id}`);
    const profile = `${canonical}/StructureDefinition/hpms-ledger-transaction`;
    const { json: outcome } = await ask('POST', `/Basic/$validate?profile=${encodeURIComponent(profile)}`, json);
    const errors = outcome.issue.filter(({ severity }: { severity: string }) => severity === 'error');
    expect(errors).toEqual([]);
  });

  test('is unknown to the other clinic, whose ledger begins at its own first number', async () => {
    expect((await world.b.tenant.request('GET', `/Basic/${id}`)).status).toBe(404);
    expect((await world.b.tenant.request('GET', '/Basic?code=ledger-transaction')).json.entry).toBeUndefined();
    const [posted] = await world.b.post(deposit(100n));
    expect(posted?.seq).toBe(1);
    const other = await world.b.accountOf('1010/Location/drawer');
    expect((await ask('GET', `/Account/${other.id}/$ledger`)).status).toBe(404);
  });
});

const metaParameters = {
  resourceType: 'Parameters',
  parameter: [{ name: 'meta', valueMeta: { tag: [{ system: 'https://hpms.test/tag', code: 'mine' }] } }],
};

describe('writes of clients (contract 41, I5)', () => {
  const forged = { resourceType: 'Basic', code: ledgerCode, created: today };

  test.each<[string, string, () => string, () => unknown, Record<string, string>?]>([
    ['POST', 'POST', () => '/Basic', () => forged],
    ['POST of an invalid one', 'POST', () => '/Basic', () => ({ ...forged, created: 'yesterday', nonsense: 1 })],
    ['conditional POST', 'POST', () => '/Basic', () => forged, { 'If-None-Exist': 'created=1900-01-01' }],
    ['PUT of a new id', 'PUT', () => '/Basic/mine', () => ({ ...forged, id: 'mine' })],
    ['PUT', 'PUT', () => `/Basic/${id}`, () => ({ ...forged, id })],
    ['PUT that takes the code away', 'PUT', () => `/Basic/${id}`, () => ({ ...forged, id, code: { text: 'note' } })],
    ['conditional PUT', 'PUT', () => `/Basic?ledger-type=DEPOSIT`, () => forged],
    ['DELETE', 'DELETE', () => `/Basic/${id}`, () => undefined],
    ['conditional DELETE', 'DELETE', () => '/Basic?patient=p1', () => undefined],
    ['$meta-add', 'POST', () => `/Basic/${id}/$meta-add`, () => metaParameters],
  ])('%s is 405 not-supported', async (_, method, path, body, ...[headers]) => {
    const { status, json } = await ask(method, path(), body(), headers);
    expect([status, json.issue[0].code]).toEqual([405, 'not-supported']);
  });

  test('PATCH is 405 not-supported', async () => {
    const patch = JSON.stringify([{ op: 'replace', path: '/created', value: '2020-01-01' }]);
    const { status } = await ask('PATCH', `/Basic/${id}`, patch, { 'Content-Type': 'application/json-patch+json' });
    expect(status).toBe(405);
  });

  test.each(['transaction', 'batch'])('in a %s they are 405 too', async (type) => {
    const entry = [{ resource: forged, request: { method: 'POST', url: 'Basic' } }];
    const { status, json } = await ask('POST', '/', { resourceType: 'Bundle', type, entry });
    expect(type === 'batch' ? json.entry[0].response.status : String(status)).toMatch(/^405/);
  });

  test('other Basic resources are free', async () => {
    const note = { resourceType: 'Basic', code: { text: 'note' }, created: today };
    const { status, json } = await ask('POST', '/Basic', note);
    expect(status).toBe(201);
    expect((await ask('DELETE', `/Basic/${json.id}`)).status).toBe(204);
  });

  test('a balance that a client writes is 405; it is the ledger that says it', async () => {
    const url = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-Account.balance';
    const extension = [{ url, extension: [{ url: 'amount', valueMoney: { value: 1_000_000, currency: 'USD' } }] }];
    expect((await ask('POST', '/Account', { resourceType: 'Account', status: 'active', extension })).status).toBe(405);
    const { id: accountId, ...account } = await world.a.accountOf('1010/Location/drawer');
    const put = (more: object) => ask('PUT', `/Account/${accountId}`, { id: accountId, ...account, ...more });
    expect((await put({ extension })).status).toBe(405);
    // What was read may be written back, and is not kept.
    const same = [{ url, extension: [{ url: 'amount', valueMoney: { value: 120, currency: 'USD' } }] }];
    expect((await put({ extension: same })).json.extension).toBeUndefined();
  });

  test('an account of the ledger is not deleted, and its number and place stay', async () => {
    const control = await world.a.accountOf('1010');
    expect((await ask('DELETE', `/Account/${control.id}`)).status).toBe(409);
    const drawer = (await world.a.accountOf('1010/Location/drawer')) as { id: string; identifier: object[] };
    expect((await ask('DELETE', `/Account/${drawer.id}`)).status).toBe(409);
    const { extension: _, ...plain } = drawer as { id: string; extension?: unknown };
    const renumbered = { ...plain, identifier: [{ system: `${canonical}/sid/gl-account`, value: '9999' }] };
    expect((await ask('PUT', `/Account/${drawer.id}`, renumbered)).status).toBe(422);
    expect((await ask('PUT', `/Account/${drawer.id}`, { ...plain, partOf: undefined })).status).toBe(422);
    const subject = [{ reference: 'Patient/p2' }];
    expect((await ask('PUT', `/Account/${drawer.id}`, { ...plain, subject })).status).toBe(422);
    expect((await ask('PUT', `/Account/${drawer.id}`, { ...plain, description: 'At the door' })).status).toBe(200);
  });

  test('a number is given once; new ones of four digits may be added', async () => {
    const account = (value: string) => ({
      ...{ resourceType: 'Account', status: 'active', name: 'More revenue' },
      identifier: [{ system: `${canonical}/sid/gl-account`, value }],
    });
    expect((await ask('POST', '/Account', account('1010'))).status).toBe(409);
    expect((await ask('POST', '/Account', account('1010/Location/other'))).status).toBe(422);
    const added = await ask('POST', '/Account', account('4050'));
    expect(added.status).toBe(201);
    expect((await ask('DELETE', `/Account/${added.json.id}`)).status).toBe(409);
    expect((await ask('POST', '/Account', account('4050'))).status).toBe(409);
  });
});

describe('$ledger (contract 43)', () => {
  const ledger = (accountId: string, query = '') => ask('GET', `/Account/${accountId}/$ledger${query}`);
  const moneyOf = (bundle: Bundle, name: string) => {
    const account = bundle.entry?.find(({ search }) => search?.mode === 'include')?.resource as Account;
    return account.extension?.find(({ url }) => url.endsWith(name))?.valueMoney;
  };
  const createdOf = (bundle: Bundle) =>
    (bundle.entry ?? []).flatMap(({ resource }) => (resource?.resourceType === 'Basic' ? [resource.created] : []));
  let accountId = '';

  beforeAll(async () => {
    const days = ['2026-01-31', '2026-01-10', '2026-02-01', '2026-01-20'];
    const other = { account: { number: '6020' }, amountMinor: -100n };
    const lines = [{ account: { number: '1050' }, amountMinor: 100n }, other];
    for (const businessDate of days) await world.a.post({ type: 'OVER_SHORT', businessDate, lines });
    accountId = (await world.a.accountOf('1050')).id;
  });

  test('lists postings by business date, and the Account with its balances before and behind them', async () => {
    const { status, json, text } = await ledger(accountId, '?start=2026-01-15&end=2026-01-31');
    expect([status, json.type]).toEqual([200, 'searchset']);
    expect(createdOf(json)).toEqual(['2026-01-20', '2026-01-31']);
    expect(moneyOf(json, 'opening-balance')).toEqual({ value: 1, currency: 'USD' });
    expect(moneyOf(json, 'closing-balance')).toEqual({ value: 3, currency: 'USD' });
    expect(text).toContain('"value":3.00');
  });

  test('begins with nothing, and goes to the last day that a month or a year means', async () => {
    const { json } = await ledger(accountId, '?end=2026-01');
    expect(createdOf(json)).toHaveLength(3);
    expect(moneyOf(json, 'opening-balance')).toEqual({ value: 0, currency: 'USD' });
    expect(createdOf((await ledger(accountId, '?start=2026')).json)).toHaveLength(4);
  });

  test('stands as it was at the end of a day; a day to come is 422', async () => {
    const { json } = await ledger(accountId, '?asOf=2026-01-25');
    expect(moneyOf(json, 'closing-balance')).toEqual({ value: 2, currency: 'USD' });
    expect((await ledger(accountId, '?asOf=2999-01-01')).status).toBe(422);
  });

  test('has pages with the same balances on each, which together are all', async () => {
    const seen: string[] = [];
    let { json } = await ledger(accountId, '?_count=3&end=2026-12-31');
    for (;;) {
      seen.push(...(createdOf(json) as string[]));
      expect(moneyOf(json, 'closing-balance')).toEqual({ value: 4, currency: 'USD' });
      const next = json.link.find(({ relation }: { relation: string }) => relation === 'next');
      if (!next) break;
      ({ json } = await ask('GET', next.url.replace(world.a.tenant.baseUrl, '')));
    }
    expect(seen).toEqual(['2026-01-10', '2026-01-20', '2026-01-31', '2026-02-01']);
  });

  test('of an account of the chart has what was posted below it', async () => {
    const control = await world.a.accountOf('1010');
    const { json } = await ledger(control.id);
    expect(createdOf(json)).toEqual([today]);
    expect(moneyOf(json, 'closing-balance')).toEqual({ value: 120, currency: 'USD' });
  });

  test('can be asked for some types only', async () => {
    const { id: control } = await world.a.accountOf('1010');
    expect(createdOf((await ledger(control, '?type=CHARGE&type=REFUND')).json)).toEqual([]);
    expect(createdOf((await ledger(control, '?type=CHARGE&type=DEPOSIT')).json)).toEqual([today]);
  });

  test.each([
    ['?start=2026-02-01&end=2026-01-01', 400],
    ['?_count=0', 400],
    ['?_count=x', 400],
    ['?_cursor=x', 400],
    ['?_cursor=2026-99-99.1', 400],
    ['?start=soon', 400],
    ['?unknown=1', 400],
  ])('%s is %i', async (query, status) => {
    expect((await ledger(accountId, query)).status).toBe(status);
  });

  test('an Account that is none of the ledger has none', async () => {
    const { json } = await ask('POST', '/Account', { resourceType: 'Account', status: 'active' });
    expect((await ledger(json.id)).status).toBe(422);
    expect((await ledger('unknown')).status).toBe(404);
  });
});

describe('$trial-balance (I2)', () => {
  const trial = (query = '') => ask('GET', `/Account/$trial-balance${query}`);
  const partOf = ({ part }: ParametersParameter, name: string) => part?.find((one) => one.name === name);
  const rowsOf = ({ parameter }: Parameters, name: string) => (parameter ?? []).filter((one) => one.name === name);

  test('shows each account of the chart as a debit or a credit, and totals that are equal', async () => {
    const { status, json } = await trial();
    expect(status).toBe(200);
    const rows = rowsOf(json, 'account').map((row) => [
      partOf(row, 'number')?.valueCode,
      partOf(row, 'debit')?.valueMoney?.value,
      partOf(row, 'credit')?.valueMoney?.value,
    ]);
    expect(rows).toEqual([
      ['1010', 120, undefined],
      ['1050', 4, undefined],
      ['2100', undefined, 120],
      ['6020', undefined, 4],
    ]);
    const [total] = rowsOf(json, 'total');
    expect(partOf(total!, 'debit')?.valueMoney).toEqual({ value: 124, currency: 'USD' });
    expect(partOf(total!, 'credit')?.valueMoney).toEqual({ value: 124, currency: 'USD' });
  });

  test('of an earlier day, and not of one to come', async () => {
    const { json } = await trial('?asOf=2026-01-31');
    expect(rowsOf(json, 'account').map((row) => partOf(row, 'debit')?.valueMoney?.value)).toEqual([3, undefined]);
    expect((await trial('?asOf=2999-01-01')).status).toBe(422);
  });

  test('of the other clinic is its own', async () => {
    const { json } = await world.b.tenant.request('GET', '/Account/$trial-balance');
    expect(partOf(rowsOf(json, 'total')[0]!, 'debit')?.valueMoney).toEqual({ value: 1, currency: 'USD' });
  });
});

describe('the balance of an Account (contract 42)', () => {
  const shown = (number: string) => world.a.accountOf(number);

  test('is shown wherever the Account is read, found or included, with all decimals, and is another one after a posting', async () => {
    const drawer = await shown('1010/Location/drawer');
    const balance = (value: number) => [
      {
        url: 'http://hl7.org/fhir/5.0/StructureDefinition/extension-Account.balance',
        extension: [{ url: 'amount', valueMoney: { value, currency: 'USD' } }],
      },
    ];
    const read = await ask('GET', `/Account/${drawer.id}`);
    expect(read.json.extension).toEqual(balance(120));
    expect(read.text).toContain('"value":120.00');
    expect(drawer.extension).toEqual(balance(120));
    expect((await shown('1010')).extension).toEqual(balance(120));
    expect((await shown('2100')).extension).toEqual(balance(-120));
    expect((await shown('1020')).extension).toEqual(balance(0));
    const included = await ask('GET', `/Basic?_id=${id}&_include=Basic:ledger-account`);
    const accounts = included.json.entry.filter(
      ({ search }: { search: { mode: string } }) => search.mode === 'include',
    );
    expect(accounts.every(({ resource }: { resource: object }) => 'extension' in resource)).toBe(true);
    await world.a.post(deposit(50n));
    const etag = { 'If-None-Match': read.headers.get('ETag') ?? '' };
    const later = await ask('GET', `/Account/${drawer.id}`, undefined, etag);
    expect([later.status, later.json.extension]).toEqual([200, balance(120.5)]);
  });

  test('is in no version, and in no Account that is none of the ledger', async () => {
    const drawer = await shown('1010/Location/drawer');
    expect((await ask('GET', `/Account/${drawer.id}/_history/1`)).json.extension).toBeUndefined();
    const { json } = await ask('POST', '/Account', { resourceType: 'Account', status: 'active' });
    expect((await ask('GET', `/Account/${json.id}`)).json.extension).toBeUndefined();
  });
});
