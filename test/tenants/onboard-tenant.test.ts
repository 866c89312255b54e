// A tenant that a clinic can begin to work in is made in one call, all or nothing, also across crashes and races (domain.md S1-P1-4, 3.1, S5-01; issue 6).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import { serverCaller } from '../../src/access/caller.ts';
import { findAccountByEmail } from '../../src/people/accounts.ts';
import { inSession, type Repository, type Session } from '../../src/repository/session.ts';
import { exportFile } from '../../src/tenants/export-tenant.ts';
import { type OnboardRequest, onboardTenant } from '../../src/tenants/onboard-tenant.ts';
import { createTenantRegistry } from '../../src/tenants/registry.ts';
import { readSettings } from '../../src/tenants/settings.ts';
import { ensureSystemTenant } from '../../src/tenants/system-tenant.ts';
import { type HandMade, makeByHand } from '../repository/hand-made.ts';

let bed: HandMade;
let repository: Repository;
beforeAll(async () => {
  bed = await makeByHand();
  repository = bed.with();
});
afterAll(() => bed.close());

const onboard = (request: OnboardRequest, through: Repository = repository) =>
  onboardTenant({ systemDoor: bed.doors.systemDoor, repository: through }, request);

const clinic = (name: string): OnboardRequest => ({
  name,
  display: 'Clinic by the Sea',
  organization: {
    name: 'Clinic by the Sea Ltd',
    identifier: [{ system: 'https://licences.example', value: 'L-1' }],
    telecom: [{ system: 'phone', value: '+49 30 1' }],
    address: [{ city: 'Kiel', country: 'DE' }],
  },
  currency: 'EUR',
  timezone: 'Europe/Berlin',
  administrator: { email: 'Chief@Example.org', name: 'Chief' },
});

/** The current resources of a type, which each have one version. */
async function resourcesOf(tenantId: number, type: string): Promise<Resource[]> {
  const lines: string[] = [];
  for await (const line of exportFile(repository, tenantId, type)) lines.push(line);
  return lines.map((line) => JSON.parse(line) as Resource);
}

const inTenant = <T>(tenantId: number, work: (session: Session) => Promise<T>) =>
  inSession(repository, serverCaller(tenantId, 'test'), work);

const rowsOf = async (tenantId: number, text: string) =>
  await bed.doors.tenantDoor(tenantId, (trx) => trx.query<Record<string, unknown>>({ text }));

describe('onboarding', () => {
  let made: Awaited<ReturnType<typeof onboard>>;
  beforeAll(async () => {
    made = await onboard(clinic('by-the-sea'));
  });

  test('makes the Organization with licence, telecom, address and time zone: S5-01', async () => {
    const [organization] = await resourcesOf(made.tenantId, 'Organization');
    expect(made.organization).toBe(`Organization/${organization?.id}`);
    expect(organization).toMatchObject({
      name: 'Clinic by the Sea Ltd',
      active: true,
      identifier: [{ value: 'L-1' }],
      telecom: [{ value: '+49 30 1' }],
      address: [{ city: 'Kiel' }],
      extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/timezone', valueCode: 'Europe/Berlin' }],
    });
  });

  test('sets currency and time zone', async () => {
    const settings = await bed.doors.tenantDoor(made.tenantId, readSettings);
    expect(settings).toMatchObject({ currency: 'EUR', timezone: 'Europe/Berlin' });
  });

  test('makes the chart of accounts as a tree under the revenue ledger: domain.md 3.1', async () => {
    const accounts = (await resourcesOf(made.tenantId, 'Account')) as Extract<Resource, { resourceType: 'Account' }>[];
    const numbers = accounts.map(({ identifier }) => identifier?.[0]?.value).sort();
    expect(numbers).toEqual([
      ...['0000', '1010', '1020', '1030', '1040', '1050', '1200', '1210', '1300', '2100', '2200', '2300', '2400'],
      ...['4000', '4010', '4020', '4030', '4090', '4100', '4110'],
      ...['5000', '6000', '6010', '6020', '6030', '6040', '6050', '7000'],
    ]);
    expect(new Set(accounts.map(({ identifier }) => identifier?.[0]?.system))).toEqual(
      new Set(['https://hpms.example/fhir/sid/gl-account']),
    );
    const root = accounts.find(({ partOf }) => partOf === undefined);
    expect(root?.name).toBe('Revenue ledger');
    const below = accounts.filter((account) => account !== root);
    expect(new Set(below.map(({ partOf }) => partOf?.reference))).toEqual(new Set([`Account/${root?.id}`]));
    expect(accounts.every(({ owner }) => owner?.reference === made.organization)).toBe(true);
  });

  test('makes price templates that no visit is charged by, and message templates', async () => {
    const prices = await resourcesOf(made.tenantId, 'ChargeItemDefinition');
    expect(prices.length).toBeGreaterThan(3);
    expect(prices.every((price) => 'status' in price && price.status === 'draft')).toBe(true);
    const messages = await resourcesOf(made.tenantId, 'ActivityDefinition');
    expect(messages.length).toBeGreaterThan(3);
    expect(messages.every((message) => 'kind' in message && message.kind === 'CommunicationRequest')).toBe(true);
  });

  test('starts the number series of contract.md 45', async () => {
    expect(await rowsOf(made.tenantId, 'SELECT code, pattern FROM number_series ORDER BY code')).toEqual(
      ['APT', 'CN', 'INV', 'PAT', 'RCT'].map((code) => ({ code, pattern: `${code}-{yyyy}-{00000}` })),
    );
  });

  test('invites the first administrator by the outbox, which holds no address', async () => {
    const account = await inTenant(made.tenantId, ({ trx, cipher }) =>
      findAccountByEmail(trx, cipher, 'chief@example.org'),
    );
    expect(account).toMatchObject({ id: made.administratorId, roles: ['clinic-admin'], active: true });
    expect(account).not.toHaveProperty('passwordHash');
    const events = await rowsOf(made.tenantId, "SELECT * FROM outbox WHERE topic = 'account.invite'");
    expect(events).toMatchObject([{ resource_id: made.administratorId, status: 'pending' }]);
    expect(JSON.stringify(events)).not.toMatch(/example\.org/i);
  });

  test('leaves an AuditEvent in the tenant', async () => {
    const events = (await resourcesOf(made.tenantId, 'AuditEvent')) as {
      subtype?: { code?: string }[];
      action?: string;
    }[];
    const own = events.filter(({ subtype }) => subtype?.[0]?.code === 'createTenant');
    expect(own).toMatchObject([{ action: 'C' }]);
  });

  test('makes no client unless asked: an administrator of the system reads no patients (S2-R1)', async () => {
    expect(made).not.toHaveProperty('client');
    expect(await rowsOf(made.tenantId, 'SELECT 1 AS n FROM client')).toEqual([]);
    const other = await onboard({ name: 'with-client', hasFirstClient: true });
    expect(other.client).toMatchObject({ clientId: expect.any(String), clientSecret: expect.any(String) });
  });

  test('gives the next tenant its own of everything, with other keys', async () => {
    const other = await onboard(clinic('by-the-lake'));
    const [a, b] = await Promise.all([made, other].map(({ tenantId }) => resourcesOf(tenantId, 'Account')));
    const ids = new Set(a?.map(({ id }) => id));
    expect(b?.length).toBe(a?.length);
    expect(b?.some(({ id }) => ids.has(id))).toBe(false);
  });

  test.each<[string, Partial<OnboardRequest>, number]>([
    ['a taken name', { name: 'by-the-sea' }, 409],
    ["the system tenant's name", { name: 'system' }, 409],
    ['a name with capitals', { name: 'Sea' }, 422],
    ['no currency', { currency: 'XXX' }, 422],
    ['no time zone', { timezone: 'Mars/Olympus' }, 422],
    ['no address', { administrator: { email: 'nobody', name: 'N' } }, 422],
    ['no Organization', { organization: { name: 'N', telecom: [{ system: 'pigeon' as 'phone' }] } }, 422],
  ])('refuses %s', async (_, change, status) => {
    const name = `refused-${status}`;
    await expect(onboard({ ...clinic(name), ...change })).rejects.toMatchObject({ status });
    expect(await createTenantRegistry(bed.doors.systemDoor).find(change.name ?? name)).toEqual(
      change.name === 'by-the-sea' ? expect.anything() : undefined,
    );
  });
});

describe('a crash', () => {
  /** Fails at the nth statement of the tenant's transactions from which on it breaks, as a lost process would. */
  function breakingAt(statements: number): { repository: Repository; hasBroken(): boolean } {
    let left = statements;
    let hasBroken = false;
    const check = () => {
      if (left-- > 0) return;
      hasBroken = true;
      throw new Error('crash');
    };
    return {
      hasBroken: () => hasBroken,
      repository: {
        ...repository,
        tenantDoor: (tenantId, work, kind) =>
          repository.tenantDoor(
            tenantId,
            (trx) =>
              work({
                tenantId: trx.tenantId,
                query(statement) {
                  check();
                  return trx.query(statement);
                },
                execute(statement) {
                  check();
                  trx.execute(statement);
                },
              }),
            kind,
          ),
      },
    };
  }

  test('at any step leaves a tenant that nobody finds, and the same call finishes it', async () => {
    const registry = createTenantRegistry(bed.doors.systemDoor);
    for (let step = 0; ; step++) {
      const name = `crashed-${step}`;
      const breaking = breakingAt(step);
      const outcome = await onboard(clinic(name), breaking.repository).then(
        () => 'made',
        (error: Error) => error.message,
      );
      if (!breaking.hasBroken()) {
        expect(outcome).toBe('made');
        expect(step).toBeGreaterThan(10);
        break;
      }
      expect(outcome).toBe('crash');
      registry.forget();
      expect(await registry.find(name)).toBeUndefined();
      const made = await onboard(clinic(name));
      registry.forget();
      expect(await registry.find(name)).toMatchObject({ id: made.tenantId });
      expect(await rowsOf(made.tenantId, 'SELECT count(*)::int AS n FROM signing_key')).toEqual([{ n: 1 }]);
      expect(await rowsOf(made.tenantId, 'SELECT count(*)::int AS n FROM tenant_key')).toEqual([{ n: 2 }]);
      expect(await resourcesOf(made.tenantId, 'Organization')).toHaveLength(1);
    }
  });
});

test('of 5 who make the same tenant at once one does, and the others are told that it is there', async () => {
  const all = await Promise.allSettled(Array.from({ length: 5 }, () => onboard(clinic('raced'))));
  const made = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  expect(made).toHaveLength(1);
  for (const one of all) if (one.status === 'rejected') expect(one.reason).toMatchObject({ status: 409 });
  const { tenantId } = made[0]!;
  expect(await resourcesOf(tenantId, 'Organization')).toHaveLength(1);
  expect(await rowsOf(tenantId, 'SELECT count(*)::int AS n FROM account')).toEqual([{ n: 1 }]);
});

test('the system tenant is made once, by however many start at once, and holds nothing', async () => {
  await Promise.all(Array.from({ length: 4 }, () => ensureSystemTenant(bed.doors)));
  const system = await createTenantRegistry(bed.doors.systemDoor).find('system');
  expect(await rowsOf(system!.id, 'SELECT count(*)::int AS n FROM signing_key')).toEqual([{ n: 1 }]);
  for (const table of ['resource', 'client', 'account']) {
    expect(await rowsOf(system!.id, `SELECT 1 AS n FROM ${table}`)).toEqual([]);
  }
});
