// The one decision who may do what, over all permissions and types: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Caller, type Grant, type Permission, serverCaller } from '../../src/access/caller.ts';
import { isClosed, may, requireOpen, requirePermission } from '../../src/access/may.ts';

const seed = 20_261_120;
const letters: readonly Permission[] = ['c', 'r', 'u', 'd', 's'];
const types = ['Patient', 'Observation', 'AuditEvent', 'PaymentNotice'];

const grant: fc.Arbitrary<Grant> = fc.record({
  context: fc.constantFrom('system' as const, 'user' as const),
  type: fc.constantFrom(...types, '*'),
  permissions: fc.subarray([...letters]).map((some) => new Set(some)),
});

function callerWith(grants: readonly Grant[]): Caller {
  return { tenantId: 1, clientId: 'c', kind: 'client', agent: { display: 'c' }, grants, roles: new Set() };
}

const statusOf = (work: () => void): number => {
  try {
    work();
    return 200;
  } catch (error) {
    return (error as { status: number }).status;
  }
};

describe('a permission', () => {
  test('is there when one grant has its letter for the type or for all, and never otherwise', () => {
    fc.assert(
      fc.property(
        fc.array(grant, { maxLength: 4 }),
        fc.constantFrom(...letters),
        fc.constantFrom(...types),
        (grants, letter, type) => {
          const expected = grants
            .filter((one) => one.type === type || one.type === '*')
            .some((one) => one.permissions.has(letter));
          expect(may(callerWith(grants), letter, type)).toBe(expected);
          expect(statusOf(() => requirePermission(callerWith(grants), letter, type))).toBe(expected ? 200 : 403);
        },
      ),
      { seed, numRuns: 1_000 },
    );
  });

  test('is not there for a type that only begins or ends like a granted one', () => {
    const caller = callerWith([{ context: 'system', type: 'Medication', permissions: new Set(letters) }]);
    for (const type of ['MedicationRequest', 'medication', 'edication', 'Medication ', '*', ''])
      expect(may(caller, 'r', type)).toBe(false);
  });

  test('names in its refusal what is missing, and no caller', () => {
    expect(() => requirePermission(callerWith([]), 'c', 'Patient')).toThrow(
      'The access token does not allow to create Patient',
    );
  });

  test('the server itself has, in its own tenant', () => {
    const caller = serverCaller(7, 'auto-invoice');
    expect(caller).toMatchObject({ tenantId: 7, kind: 'server', agent: { display: 'auto-invoice' } });
    for (const letter of letters) for (const type of types) expect(may(caller, letter, type)).toBe(true);
  });
});

describe('what no client may do (security.md 42, contract.md 39 and 46)', () => {
  const closed: Record<string, string> = { AuditEvent: 'cud', PaymentNotice: 'cud', Provenance: 'ud' };

  test.each(types)('%s', (type) => {
    const everything = callerWith([{ context: 'system', type: '*', permissions: new Set(letters) }]);
    for (const letter of letters) {
      const isShut = (closed[type] ?? '').includes(letter);
      expect(isClosed(type, letter)).toBe(isShut);
      expect(statusOf(() => requireOpen(everything, letter, type))).toBe(isShut ? 405 : 200);
      expect(statusOf(() => requireOpen(serverCaller(1, 'x'), letter, type))).toBe(200);
    }
  });
});
