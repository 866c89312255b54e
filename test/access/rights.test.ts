// What scopes and roles allow together, and which rows that reaches: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Caller, Grant, Permission } from '../../src/access/caller.ts';
import { may } from '../../src/access/may.ts';
import { ownParametersOf } from '../../src/access/own-rows.ts';
import { patientTypes, reachOfPatient } from '../../src/access/patient-types.ts';
import { intersectGrants } from '../../src/access/rights.ts';
import { rowRule } from '../../src/access/row-rule.ts';
import { houseDefinitions } from '../../src/search/own/house-definitions.ts';
import { indexedParameters } from '../../src/search/search-parameters.ts';

const definitions = houseDefinitions();
const letters: readonly Permission[] = ['c', 'r', 'u', 'd', 's'];
const types = ['Patient', 'Observation', 'Organization', 'Task'];
const grantOf = (contexts: readonly Grant['context'][]): fc.Arbitrary<Grant> =>
  fc
    .record({
      context: fc.constantFrom(...contexts),
      type: fc.constantFrom('*', ...types),
      permissions: fc.subarray([...letters], { minLength: 1 }).map((some) => new Set(some)),
      constraints: fc.option(fc.subarray(['category=a', 'status=final'], { minLength: 1 }), { nil: undefined }),
      isOwn: fc.option(fc.constant(true as const), { nil: undefined }),
    })
    .map(({ constraints, isOwn, ...rest }) => ({
      ...rest,
      ...(constraints && { constraints }),
      ...(isOwn && { isOwn }),
    }));
const grants = (...contexts: Grant['context'][]) => fc.array(grantOf(contexts), { maxLength: 4 });
const asked = [
  ...([grants('patient', 'user'), grants('user')] as const),
  ...([fc.constantFrom(...letters), fc.constantFrom(...types)] as const),
] as const;
const runs = { seed: 20_261_120, numRuns: 1_000 };

const callerWith = (some: readonly Grant[], rest: Partial<Caller> = {}): Caller => ({
  ...{ tenantId: 1, clientId: 'c', kind: 'client', agent: { display: 'c' }, roles: new Set() },
  grants: some,
  ...rest,
});
const inContext = (some: readonly Grant[]) => callerWith(some, { patient: 'p', fhirUser: 'Practitioner/1' });

describe('scopes and roles', () => {
  test('allow together what each of them allows', () => {
    fc.assert(
      fc.property(...asked, (scopes, held, letter, type) => {
        const both = may(inContext(intersectGrants(scopes, held)), letter, type);
        const each = may(inContext(scopes), letter, type) && may(inContext(held), letter, type);
        if (both) expect(each).toBe(true);
        // What is own may be nothing in a patient's context, so that only plain rights are sure to meet.
        if (each && ![...scopes, ...held].some(({ isOwn }) => isOwn)) expect(both).toBe(true);
      }),
      runs,
    );
  });

  test('restrict together: whoever reaches all rows by both reaches all by each', () => {
    fc.assert(
      fc.property(...asked, (scopes, held, letter, type) => {
        if (rowRule(inContext(intersectGrants(scopes, held)), letter, type) !== 'all') return;
        expect(rowRule(inContext(scopes), letter, type)).toBe('all');
        expect(rowRule(inContext(held), letter, type)).toBe('all');
      }),
      runs,
    );
  });

  test('keep the context of the scope and the constraints of both', () => {
    const scope: Grant = {
      context: 'patient',
      type: '*',
      permissions: new Set(['r', 's']),
      constraints: ['status=final'],
    };
    const held: Grant = {
      context: 'user',
      type: 'Observation',
      permissions: new Set(['c', 'r']),
      constraints: ['category=a'],
      isOwn: true,
    };
    expect(intersectGrants([scope], [held])).toEqual([
      {
        context: 'patient',
        type: 'Observation',
        permissions: new Set(['r']),
        constraints: ['category=a', 'status=final'],
        isOwn: true,
      },
    ]);
  });
});

test('a right to some elements stays one to these in every scope, and together they are those of both', () => {
  const scope: Grant = { context: 'user', type: '*', permissions: new Set(letters) };
  const held: Grant = {
    ...scope,
    type: 'MedicationRequest',
    permissions: new Set(['u']),
    elements: ['status', 'note'],
  };
  expect(intersectGrants([scope], [held])).toEqual([held]);
  expect(intersectGrants([{ ...scope, elements: ['status', 'text'] }], [held])).toEqual([
    { ...held, elements: ['status'] },
  ]);
  expect(intersectGrants([scope], [held, { ...held, elements: ['note'] }])).toHaveLength(2);
});

describe('the rule on rows', () => {
  test('is there exactly where the right is', () => {
    fc.assert(
      fc.property(
        grants('patient', 'user', 'system'),
        fc.boolean(),
        fc.constantFrom(...letters),
        fc.constantFrom(...types),
        (some, hasContext, letter, type) => {
          const caller = hasContext ? inContext(some) : callerWith(some);
          const rule = rowRule(caller, letter, type);
          expect(rule === 'all' || rule.length > 0).toBe(may(caller, letter, type));
        },
      ),
      runs,
    );
  });

  test('a patient scope without a patient gives nothing: security.md 26', () => {
    const caller = callerWith([{ context: 'patient', type: '*', permissions: new Set(letters) }], {
      fhirUser: 'Patient/p',
    });
    for (const type of definitions.resourceTypes)
      for (const letter of letters) expect(may(caller, letter, type)).toBe(false);
  });

  test('one grant that reaches all makes the rule all', () => {
    const all: Grant = { context: 'user', type: 'Observation', permissions: new Set(['r']) };
    const own: Grant = { ...all, isOwn: true };
    expect(rowRule(inContext([own, all]), 'r', 'Observation')).toBe('all');
    expect(rowRule(inContext([own]), 'r', 'Observation')).toEqual([
      [{ kind: 'own', reference: 'Practitioner/1', parameters: ['performer'] }],
    ]);
  });
});

describe('a person who is a patient', () => {
  const all: Grant = { context: 'user', type: '*', permissions: new Set(letters) };
  const person = callerWith([all], { kind: 'patient', fhirUser: 'Patient/p' });
  const notKeptBack = { kind: 'constraint', query: '_security:not=NOPAT' };

  test('reaches its own records alone, and those that are open to every patient', () => {
    expect(rowRule(person, 'r', 'Appointment')).toEqual([[{ kind: 'patient', id: 'p' }, notKeptBack]]);
    expect(rowRule(person, 'r', 'AuditEvent')).toEqual([[{ kind: 'patient', id: 'p' }]]);
    expect(rowRule(person, 'r', 'Binary')).toEqual([[{ kind: 'context', isOfPatient: false }, notKeptBack]]);
    expect(rowRule(person, 'r', 'Slot')).toBe('all');
    for (const type of ['Group', 'Task', 'PaymentNotice', '*']) expect(may(person, 'r', type)).toBe(false);
  });

  test('sees results and notes that are released, also as a relative and as a client; staff see all of the patient', () => {
    const released = { kind: 'constraint', query: 'status=final,amended,corrected' };
    const inCompartment = { kind: 'patient', id: 'p' };
    expect(rowRule(person, 's', 'Observation')).toEqual([[inCompartment, notKeptBack, released]]);
    const relative = callerWith([{ ...all, isOwn: true }], { kind: 'patient', fhirUser: 'RelatedPerson/r' });
    expect(rowRule(relative, 'r', 'Composition')).toEqual([
      [expect.objectContaining({ kind: 'own' }), notKeptBack, { kind: 'constraint', query: 'status=final,amended' }],
    ]);
    const client = callerWith([{ ...all, isOwn: true }], { fhirUser: 'Patient/p' });
    expect(rowRule(client, 's', 'Observation')).toEqual([[inCompartment, notKeptBack, released]]);
    const staff = callerWith([{ ...all, context: 'patient' }], {
      kind: 'staff',
      patient: 'p',
      fhirUser: 'Practitioner/1',
    });
    expect(rowRule(staff, 's', 'Observation')).toEqual([[inCompartment]]);
  });

  test('without a resource of its own reaches none', () => {
    for (const type of ['Patient', 'Appointment'])
      expect(may(callerWith([all], { kind: 'patient' }), 'r', type)).toBe(false);
  });
});

describe('the tables', () => {
  test('of patients: their own types are R4’s compartment but for those that are left out on purpose', () => {
    const compartment = Object.keys(definitions.compartment('Patient')?.parameters ?? {});
    expect(compartment.filter((type) => !patientTypes.has(type)).sort()).toEqual(['Group', 'Schedule']);
    expect([...patientTypes].filter((type) => !compartment.includes(type))).toEqual(['Device']);
  });

  test('of patients: every type is decided on, and no name is misspelt', () => {
    const open = [...definitions.resourceTypes].filter((type) => reachOfPatient(type) === 'any');
    expect(open).toHaveLength(30);
    expect(reachOfPatient('constructor')).toBeUndefined();
    expect(reachOfPatient('Task')).toBeUndefined();
  });

  test('of what is own: each parameter is one that a search takes', () => {
    for (const type of definitions.resourceTypes) {
      for (const parameter of ownParametersOf(type, 'Practitioner/1') ?? []) {
        const [code = '', linkedType, linkedCode = ''] = parameter.split('.');
        expect([type, code, indexedParameters(definitions, type).get(code)?.kind]).toEqual([type, code, 'reference']);
        if (linkedType) expect(indexedParameters(definitions, linkedType).has(linkedCode)).toBe(true);
      }
    }
  });
});
