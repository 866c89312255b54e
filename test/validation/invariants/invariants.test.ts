// Every invariant of R4 is broken by something and kept by something, and what is said of it can be acted on:
// https://hl7.org/fhir/R4/conformance-rules.html#constraints

import { describe, expect, test } from '@jest/globals';
import { constraintErrata } from '../../../src/fhir/definitions/constraint-errata.ts';
import type { Constraint } from '../../../src/fhir/definitions/snapshot.ts';
import { compileInvariants } from '../../../src/validation/invariants/compile-invariants.ts';
import { type Json, randomResource } from '../random-resource.ts';
import { buildAt, definitions } from './build-at.ts';
import { datatypeExamples, definitionExamples, resourceExamples } from './examples.ts';

const check = compileInvariants(definitions);
const examples = [...datatypeExamples, ...resourceExamples, ...definitionExamples];

function keysAt(path: string, node: unknown): string[] {
  const { resource, expression } = buildAt(path, node);
  const issues = check(resource).filter((issue) => issue.expression?.[0] === expression);
  return issues.map(({ details }) => details.text);
}

/** All of R4, by key and expression. */
function allConstraints(): Map<string, Constraint> {
  const found = new Map<string, Constraint>();
  const add = (constraints: readonly Constraint[] = []) => {
    for (const constraint of constraints) found.set(`${constraint.key} ${constraint.expression}`, constraint);
  };
  const visited = new Set<string>();
  const visit = (type: string | undefined): void => {
    const definition = type === undefined || visited.has(type) ? undefined : definitions.typeDefinition(type);
    if (!definition) return;
    visited.add(definition.name);
    add(definition.constraints);
    visit(definition.base);
    for (const { constraints, types } of definition.elements) {
      add(constraints);
      for (const { code } of types) visit(code);
    }
  };
  for (const type of definitions.resourceTypes) visit(type);
  return found;
}

describe('is broken, and kept', () => {
  test.each(examples.map((example) => [example[0], example[1], example] as const))(
    '%s at %s',
    (key, path, [, , broken, kept]) => {
      expect(keysAt(path, broken)).toContain(key);
      expect(keysAt(path, kept)).not.toContain(key);
    },
  );

  test('more than sixty keys by hand', () => {
    expect(new Set(examples.map(([key]) => key)).size).toBeGreaterThan(60);
  });
});

describe('all of them', () => {
  /** The structure is refused before: see provenByStructure. */
  const proven = ['ele-1', 'ext-1', 'dom-2', 'txt-1', 'txt-2', 'ref-1'];
  /**
   * As published nothing can break them: system 'something' is nobody's, exists() is true of a list of falses, and
   * ChargeItemDefinition has no name.
   */
  const inert = ['cid-0', 'ppc-2', 'ppc-3', 'ppc-4', 'ppc-5', 'eld-11'];

  test('R4 has 239 (key and expression), each broken by an example or by a resource made by chance', () => {
    const constraints = allConstraints();
    expect(constraints.size).toBe(239);
    const broken = new Set(examples.map(([key]) => key));
    for (const type of definitions.resourceTypes) {
      for (let seed = 1; seed <= 40; seed++) {
        for (const { details } of check(randomResource(definitions, type, seed * 31 + 7))) broken.add(details.text);
      }
    }
    const keys = new Set([...constraints.values()].map(({ key }) => key));
    expect([...keys].filter((key) => !broken.has(key)).sort()).toEqual([...proven, ...inert].sort());
  });

  test('each erratum is about an invariant that R4 has', () => {
    const published = new Set([...allConstraints().values()].map(({ expression }) => expression));
    expect([...constraintErrata.keys()].filter((expression) => !published.has(expression))).toEqual([]);
  });
});

describe('what is said', () => {
  const only = (resource: Json, key: string) => check(resource).filter(({ details }) => details.text === key);

  test('severity, code, key, place and a sentence without values', () => {
    const patient = { resourceType: 'Patient', name: [{ text: 'Eva' }, { period: { start: '2020-02', end: '2019' } }] };
    expect(check(patient)).toEqual([
      {
        severity: 'warning',
        code: 'invariant',
        details: { text: 'dom-6' },
        diagnostics: 'dom-6: A resource should have narrative for robust management. Found no text.',
        expression: ['Patient'],
      },
      {
        severity: 'error',
        code: 'invariant',
        details: { text: 'per-1' },
        diagnostics: 'per-1: If present, start SHALL have a lower value than end. Found start, end.',
        expression: ['Patient.name[1].period'],
      },
    ]);
  });

  test('in extensions, also those of primitives and of their items', () => {
    const extension = [{ url: 'urn:x', valuePeriod: { start: '2020', end: '2019' } }];
    const resource = {
      resourceType: 'Patient',
      _birthDate: { extension },
      name: [{ given: ['a', null], _given: [null, { extension }] }],
    };
    expect(only(resource, 'per-1').map(({ expression }) => expression?.[0])).toEqual([
      'Patient.birthDate.extension[0].value',
      'Patient.name[0].given[1].extension[0].value',
    ]);
  });

  test('in contained resources, whose container speaks for them where a narrative is wanted', () => {
    const contained = [{ resourceType: 'Organization', id: 'o', telecom: [{ use: 'home', system: 'phone' }] }];
    const resource = { resourceType: 'Patient', contained, managingOrganization: { reference: '#o' } };
    expect(check(resource).map(({ details, expression }) => [details.text, expression?.[0]])).toEqual([
      ['dom-6', 'Patient'],
      ['org-1', 'Patient.contained[0]'],
      ['org-3', 'Patient.contained[0].telecom[0]'],
    ]);
  });

  test('in the resources of a Bundle and of Parameters, each of which is %resource for itself', () => {
    const observation = {
      resourceType: 'Observation',
      code: { coding: [{ system: 'urn:s', code: 'a' }] },
      valueString: 'x',
      component: [{ code: { coding: [{ system: 'urn:s', code: 'a' }] } }],
    };
    const bundle = { resourceType: 'Bundle', type: 'collection', entry: [{ resource: observation }] };
    expect(only(bundle, 'obs-7').map(({ expression }) => expression)).toEqual([['Bundle.entry[0].resource']]);
    const parameters = { resourceType: 'Parameters', parameter: [{ name: 'x', resource: observation }] };
    expect(only(parameters, 'obs-7').map(({ expression }) => expression)).toEqual([
      ['Parameters.parameter[0].resource'],
    ]);
  });

  test('all at once, and warnings never instead of errors', () => {
    const entry = Array.from({ length: 150 }, () => ({ resource: { resourceType: 'Basic' } }));
    const bundle = { resourceType: 'Bundle', type: 'batch', total: 1, entry };
    const contact = Array.from({ length: 150 }, () => ({ gender: 'male' }));
    const issues = check({
      resourceType: 'Bundle',
      type: 'collection',
      entry: [...entry, { resource: { resourceType: 'Patient', contact } }],
    });
    expect(issues.filter(({ severity }) => severity === 'warning')).toHaveLength(100);
    expect(issues.filter(({ severity }) => severity === 'error')).toHaveLength(100);
    expect(
      check(bundle)
        .filter(({ severity }) => severity === 'error')
        .map(({ details }) => details.text)
        .sort(),
    ).toEqual(['bdl-1', 'bdl-3']);
  });

  test('without warnings only errors are looked for, in contained and inner resources too', () => {
    const patient = { resourceType: 'Patient', contact: [{ relationship: [{ text: 'x' }] }] };
    const resource = { resourceType: 'Bundle', type: 'collection', entry: [{ resource: patient }] };
    const keysOf = (warnings: boolean) => check(resource, undefined, { warnings }).map(({ details }) => details.text);
    expect([keysOf(true).sort(), keysOf(false)]).toEqual([['dom-6', 'pat-1'], ['pat-1']]);
  });

  test('a member that is undefined is not there', () => {
    const keys = check({ resourceType: 'Bundle', type: 'collection', entry: undefined }).map(
      ({ details }) => details.text,
    );
    expect(keys).toEqual([]);
  });

  test('decimals are compared by the text that was sent', () => {
    const prediction = [{ probabilityDecimal: 100 }];
    const resource = { resourceType: 'RiskAssessment', prediction };
    const keys = (text: string) =>
      check(resource, new Map([['/prediction/0/probabilityDecimal', text]])).map(({ details }) => details.text);
    expect(keys('100.0')).not.toContain('ras-2');
    expect(keys('100.000000000000001')).toContain('ras-2');
  });
});
