// A clinic's settings: typed, with defaults, each in its own tenant (contract.md 3 and 47).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { createSettingsReader, readSettings, writeSetting } from '../../src/tenants/settings.ts';
import { defaultWorkflowSettings } from '../support/workflow-settings.ts';
import { openTenantDatabase, type TenantDatabase } from './tenant-database.ts';

let database: TenantDatabase;
let a: number;
let b: number;

beforeAll(async () => {
  database = await openTenantDatabase();
  a = (await createTenant(database, { name: 'a' })).tenantId;
  b = (await createTenant(database, { name: 'b' })).tenantId;
});
afterAll(() => database.close());

const defaults = {
  ...defaultWorkflowSettings,
  'references.check': false,
  'clients.dynamic-registration': false,
  'cors.origins': [],
  'profiles.check': 'off',
  'profiles.required': {},
  'second-factor.required': 'none',
  'session.idle-minutes': 30,
};
const write = (tenantId: number, key: string, value: unknown) =>
  database.tenantDoor(tenantId, async (trx) => writeSetting(trx, key, value));

const letters = [...'abcdefghijklm'];
const tooManyTypes = letters.flatMap((first) => letters.map((second) => `T${first}${second}`));

describe('settings', () => {
  test('have defaults until they are set, then hold in their tenant only', async () => {
    expect(await database.tenantDoor(a, readSettings)).toEqual(defaults);
    await write(a, 'currency', 'EUR');
    await write(a, 'timezone', 'Europe/Berlin');
    await write(a, 'references.check', true);
    await write(a, 'currency', 'CHF');
    expect(await database.tenantDoor(a, readSettings)).toEqual({
      ...defaults,
      currency: 'CHF',
      timezone: 'Europe/Berlin',
      'references.check': true,
    });
    expect(await database.tenantDoor(b, readSettings)).toEqual(defaults);
  });

  test('are answered at once the second time, and anew after a notice', async () => {
    const settings = createSettingsReader(database.tenantDoor);
    const first = await settings.of(b);
    expect(settings.of(b)).toBe(first);
    await write(b, 'appointment.strict-transitions', true);
    settings.forget();
    expect((await settings.of(b))['appointment.strict-transitions']).toBe(true);
  });

  test.each<[string, unknown, number]>([
    ['references.check', 'true', 422],
    ['references.check', null, 422],
    ['profiles.check', 'on', 422],
    ['profiles.required', { Patient: 1 }, 422],
    ['profiles.required', { 'no type': 'urn:p' }, 422],
    ['profiles.required', ['urn:p'], 422],
    ['profiles.required', [], 422],
    ['profiles.required', Object.fromEntries(tooManyTypes.map((type) => [type, 'urn:p'])), 422],
    ['currency', 'XXXX', 422],
    ['currency', 'usd', 422],
    ['timezone', 'Mars/Olympus', 422],
    ['timezone', '+01:00', 422],
    ['timezone', 5, 422],
    ['unknown', true, 404],
    ['__proto__', true, 404],
    ['toString', true, 404],
  ])('%s = %j is refused with %i', async (key, value, status) => {
    await expect(write(a, key, value)).rejects.toMatchObject({ status });
  });
});
