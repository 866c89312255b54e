// The AuditEvent of a change is valid R4 and says who did what to which version: https://hl7.org/fhir/R4/auditevent.html, contract.md 46

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Caller, inRequest, serverCaller } from '../../src/access/caller.ts';
import { buildChangeAudit } from '../../src/access/change-audit.ts';
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

const change = fc.record(
  {
    id: fc.uuid(),
    recorded: fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }),
    action: fc.constantFrom('create' as const, 'update' as const, 'delete' as const),
    caller: fc.constantFrom(
      staff,
      serverCaller(1, 'auto-invoice'),
      inRequest(staff, { id: 'request-1', address: '192.0.2.7' }),
    ),
    version: fc.constant('Observation/o1/_history/3'),
    patients: fc.constantFrom([], ['Patient/p1'], ['Patient/p1', 'Patient/p2']),
    patch: fc.constantFrom('[]', 'too-long' as const),
    site: fc.constant('https://hpms.example'),
  },
  { requiredKeys: ['id', 'recorded', 'action', 'caller', 'version', 'patients'] },
);

describe('the AuditEvent of a change', () => {
  test('is valid R4 whoever did whatever', () => {
    fc.assert(
      fc.property(change, (one) => {
        const event = buildChangeAudit(one);
        expect(validate(event)).toEqual([]);
        expect(event.action).toBe({ create: 'C', update: 'U', delete: 'D' }[one.action]);
        expect(event.recorded).toBe(one.recorded.toISOString());
        expect(event.entity?.[0]?.what?.reference).toBe(one.version);
        const ofPatients = event.entity?.filter(({ role }) => role?.code === '1') ?? [];
        expect(ofPatients.map(({ what }) => what?.reference)).toEqual(one.patients);
        expect(event.agent.map(({ requestor }) => requestor).filter(Boolean)).toHaveLength(1);
      }),
      { seed: 20_261_120, numRuns: 200 },
    );
  });

  const build = (caller: Caller, patch?: string) =>
    buildChangeAudit({
      ...{ id: 'x', recorded: new Date(0), action: 'update', caller, version: 'Patient/1/_history/2' },
      ...{ patients: ['Patient/1'], site: 'https://hpms.example', ...(patch !== undefined && { patch }) },
    });

  test('names the person who asked, the app by which, from where, and this server', () => {
    const { agent, entity, source } = build(inRequest(staff, { id: 'request-1', address: '192.0.2.7' }));
    expect(agent).toMatchObject([
      { requestor: true, who: { reference: 'Practitioner/p1', display: 'Dr. Karl Arzt' }, name: 'Dr. Karl Arzt' },
      { requestor: false, who: { reference: 'Device/app' }, network: { address: '192.0.2.7', type: '2' } },
      { requestor: false, who: { display: 'HPMS' }, network: { address: 'https://hpms.example', type: '5' } },
    ]);
    expect(agent).toHaveLength(3);
    expect(agent[0]?.role?.[0]?.coding?.[0]?.code).toBe('provider');
    expect(source).toMatchObject({ site: 'https://hpms.example', observer: { display: 'HPMS' } });
    expect(entity?.at(-1)).toMatchObject({ what: { identifier: { value: 'request-1' } } });
  });

  test('names on whose behalf a client acts that stands for somebody', () => {
    const client: Caller = { ...staff, kind: 'client', agent: { reference: 'Device/app', display: 'App' } };
    expect(build({ ...client, fhirUser: 'Practitioner/p2' }).agent).toMatchObject([
      { requestor: true, who: { reference: 'Device/app' } },
      { requestor: false, who: { reference: 'Practitioner/p2' } },
      { requestor: false, who: { display: 'HPMS' } },
    ]);
  });

  test('holds the patch of an update, or says that it is too long', () => {
    const detailOf = (patch?: string) => build(staff, patch).entity?.[0]?.detail;
    const [detail] = detailOf('[{"op":"add"}]') ?? [];
    expect(detail?.type).toBe('json-patch');
    expect(Buffer.from(detail?.valueBase64Binary ?? '', 'base64').toString()).toBe('[{"op":"add"}]');
    expect(detailOf('too-long')?.[0]?.valueString).toMatch(/history/);
    expect(detailOf()).toBeUndefined();
  });
});
