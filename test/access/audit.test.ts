// The AuditEvent of a change is valid R4 and says who did what to which version: https://hl7.org/fhir/R4/auditevent.html, contract.md 46

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { buildChangeAudit } from '../../src/access/audit.ts';
import { type Caller, serverCaller } from '../../src/access/caller.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { createValidator } from '../../src/validation/validate.ts';

const validate = createValidator(loadDefinitions());
const staff: Caller = {
  tenantId: 1,
  clientId: 'app',
  kind: 'staff',
  agent: { reference: 'Practitioner/p1', display: 'Dr. Karl Arzt' },
  grants: [],
  roles: new Set(['provider']),
};

const change = fc.record({
  id: fc.uuid(),
  recorded: fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }),
  action: fc.constantFrom('create' as const, 'update' as const, 'delete' as const),
  caller: fc.constantFrom(staff, serverCaller(1, 'auto-invoice')),
  version: fc.constant('Observation/o1/_history/3'),
  patient: fc.constantFrom(undefined, 'Patient/p1'),
});

describe('the AuditEvent of a change', () => {
  test('is valid R4 whoever did whatever', () => {
    fc.assert(
      fc.property(change, (one) => {
        const event = buildChangeAudit(one);
        expect(validate(event)).toEqual([]);
        expect(event.action).toBe({ create: 'C', update: 'U', delete: 'D' }[one.action]);
        expect(event.recorded).toBe(one.recorded.toISOString());
        expect(event.entity?.[0]?.what?.reference).toBe(one.version);
        expect(event.entity?.slice(1).map(({ what }) => what?.reference)).toEqual(one.patient ? [one.patient] : []);
      }),
      { seed: 20_261_120, numRuns: 200 },
    );
  });

  test('has one agent, the requestor, who is the caller', () => {
    const [agent, ...others] = buildChangeAudit({
      id: 'x',
      recorded: new Date(0),
      action: 'create',
      caller: staff,
      version: 'Patient/1/_history/1',
      patient: undefined,
    }).agent;
    expect(others).toEqual([]);
    expect(agent).toMatchObject({ requestor: true, who: { reference: 'Practitioner/p1', display: 'Dr. Karl Arzt' } });
  });
});
