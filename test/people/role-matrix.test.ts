// Every role against every interaction on every type of R4, made from the role definitions: contract.md 48, domain.md section 5

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Caller, Permission } from '../../src/access/caller.ts';
import { may } from '../../src/access/may.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { type Rights, rightsOfRoles } from '../../src/people/role-rights.ts';
import { type Role, type RoleSlug, roles, typeGroups } from '../../src/people/roles.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { openTenantDatabase, type TenantDatabase } from '../tenants/tenant-database.ts';

let database: TenantDatabase;
let tenantId: number;
beforeAll(async () => {
  database = await openTenantDatabase();
  tenantId = (await createTenant(database, { name: 'a' })).tenantId;
});
afterAll(() => database.close());

const slugs = Object.keys(roles) as RoleSlug[];
const types = [...loadDefinitions().resourceTypes].sort();
const letters: readonly Permission[] = ['c', 'r', 'u', 'd', 's'];
const rightsOf = (held: readonly string[]) => database.tenantDoor(tenantId, (trx) => rightsOfRoles(trx, held));

function callerWith({ grants, operations }: Rights, fhirUser: string | undefined): Caller {
  return {
    tenantId,
    clientId: 'matrix',
    kind: 'staff',
    agent: { display: 'matrix' },
    grants,
    operations,
    roles: new Set(),
    ...(fhirUser === undefined ? {} : { fhirUser }),
  };
}

/** `Patient.rus`, one for each type that the role reaches, straight from the text of the definition. */
function reachOf({ grants }: Role, isOwn: boolean): Map<string, Set<string>> {
  const reach = new Map<string, Set<string>>();
  for (const grant of grants) {
    const [target = '', allowed = ''] = grant
      .replace('own:', '')
      .replace(/[?[].*/, '')
      .split('.');
    if (grant.startsWith('own:') !== isOwn) continue;
    const group: readonly string[] = Object.hasOwn(typeGroups, target)
      ? typeGroups[target as keyof typeof typeGroups]
      : [target];
    for (const type of group) reach.set(type, new Set([...(reach.get(type) ?? []), ...allowed]));
  }
  return reach;
}

describe.each(slugs)('the role %s', (slug) => {
  test('allows what its definition says on every type of R4, and nothing else', async () => {
    const rights = await rightsOf([slug]);
    const plain = reachOf(roles[slug], false);
    const nobody = callerWith(rights, undefined);
    const wrong = types.flatMap((type) =>
      letters.filter((letter) => may(nobody, letter, type) !== (plain.get(type)?.has(letter) ?? false)),
    );
    expect(wrong).toEqual([]);
    expect(rights.operations).toEqual(new Set(roles[slug].operations));
  });

  test('allows nothing on its own rows that the definition does not say', async () => {
    const rights = await rightsOf([slug]);
    const [plain, own] = [reachOf(roles[slug], false), reachOf(roles[slug], true)];
    const person = callerWith(rights, slug === 'patient' ? 'Patient/1' : 'Practitioner/1');
    const wider = types.flatMap((type) =>
      letters
        .filter((letter) => may(person, letter, type))
        .filter((letter) => !plain.get(type)?.has(letter) && !own.get(type)?.has(letter))
        .map((letter) => `${type}.${letter}`),
    );
    expect(wider).toEqual([]);
    const reached = [...own].filter(([type, allowed]) =>
      [...allowed].some((letter) => may(person, letter as Permission, type)),
    );
    if (own.size > 0) expect(reached.length).toBeGreaterThan(0);
  });
});

describe('the table of domain.md section 5, cell by cell where it matters most', () => {
  const cells: readonly (readonly [RoleSlug, string, string])[] = [
    ['clinic-admin', 'PaymentReconciliation', 'rs'],
    ['clinic-admin', 'Patient', 'cruds'],
    ['clinic-admin', 'Observation', 'rs'],
    ['system-admin', 'Patient', ''],
    ['system-admin', 'AuditEvent', 'rs'],
    ['nurse', 'Observation', 'crus'],
    ['nurse', 'Invoice', ''],
    ['front-desk', 'Condition', ''],
    ['front-desk', 'PaymentReconciliation', 'crs'],
    ['cashier', 'Invoice', 'crus'],
    ['cashier', 'Condition', ''],
    ['cashier', 'AuditEvent', ''],
    ['billing-manager', 'Account', 'rs'],
    ['billing-manager', 'Patient', 'rs'],
    // Of prescriptions who prescribes has the own ones: test/api/role-limits.test.ts.
    ['provider', 'MedicationRequest', ''],
    ['provider', 'VisionPrescription', ''],
    ['nurse', 'MedicationRequest', 'rs'],
    ['cashier', 'MedicationRequest', 'rs'],
    ['clinic-admin', 'MedicationRequest', 'rs'],
    ['pharmacist', 'MedicationRequest', 'rus'],
    ['pharmacist', 'VisionPrescription', 'rus'],
    ['pharmacist', 'MedicationDispense', 'crus'],
    ['pharmacist', 'AllergyIntolerance', 'rs'],
    ['pharmacist', 'Appointment', ''],
    ['optical-staff', 'VisionPrescription', 'rs'],
    ['optical-staff', 'MedicationRequest', ''],
    ['lab-technician', 'DiagnosticReport', 'crus'],
    ['lab-technician', 'Composition', ''],
    ['lab-technician', 'Observation', 'crus'],
    ['lab-manager', 'DiagnosticReport', 'crus'],
    ['inventory-manager', 'Organization', 'crus'],
    ['inventory-manager', 'Location', 'rs'],
    ['inventory-manager', 'Patient', ''],
    ['inventory-manager', 'Medication', 'crus'],
    ['auditor', 'Invoice', 'rs'],
    ['auditor', 'AuditEvent', 'rs'],
    ['patient', 'Organization', ''],
    ['patient', 'AuditEvent', ''],
    ['patient', 'Appointment', ''],
    ['patient', 'Schedule', 'rs'],
    ['patient', 'Slot', 'rs'],
    // Of the Tasks only some: test/api/role-tasks.test.ts.
    ['clinic-admin', 'Task', 'crus'],
    ['front-desk', 'Task', 'rus'],
    ['billing-staff', 'Task', 'rus'],
    ['provider', 'Task', 'rs'],
    ['auditor', 'Task', 'rs'],
    ['pharmacist', 'Task', ''],
    ['patient', 'Task', ''],
  ];

  test.each(cells)('%s may do on %s: "%s"', async (slug, type, allowed) => {
    const caller = callerWith(await rightsOf([slug]), undefined);
    expect(letters.filter((letter) => may(caller, letter, type)).join('')).toBe(allowed);
  });

  test.each([
    ['provider', 'MedicationRequest', 'crus'],
    ['provider', 'VisionPrescription', 'crus'],
    ['patient', 'Appointment', 'crus'],
  ] as const)('%s may do on the own %s: "%s"', async (slug, type, allowed) => {
    const caller = callerWith(await rightsOf([slug]), slug === 'patient' ? 'Patient/1' : 'Practitioner/1');
    expect(letters.filter((letter) => may(caller, letter, type)).join('')).toBe(allowed);
  });

  test('a pharmacist’s update is of the status alone: no other right to update has elements', async () => {
    for (const slug of slugs) {
      const { grants } = await rightsOf([slug]);
      const limited = grants.filter(({ elements }) => elements !== undefined);
      expect([slug, limited.map(({ type, permissions, elements }) => [type, [...permissions], elements])]).toEqual([
        slug,
        slug === 'pharmacist'
          ? [
              ['MedicationRequest', ['u'], ['status', 'statusReason']],
              ['VisionPrescription', ['u'], ['status']],
            ]
          : [],
      ]);
    }
  });

  test('several roles: the union of each pair, on every type', async () => {
    for (const [index, one] of slugs.entries()) {
      const other = slugs[(index + 1) % slugs.length] as RoleSlug;
      const callers = [await rightsOf([one]), await rightsOf([other]), await rightsOf([one, other])].map((rights) =>
        callerWith(rights, undefined),
      ) as [Caller, Caller, Caller];
      for (const type of types) {
        for (const letter of letters) {
          const [first, second, both] = callers.map((caller) => may(caller, letter, type));
          expect(both).toBe(first || second);
        }
      }
    }
  });

  test('no role, and roles that are unknown, allow nothing', async () => {
    for (const held of [[], ['emperor'], ['__proto__', 'constructor']]) {
      expect(await rightsOf(held)).toEqual({ grants: [], operations: new Set() });
    }
  });
});
