// The names of chained and reverse chained parameters, and the bounds on them: https://hl7.org/fhir/R4/search.html#chaining

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FhirError } from '../../src/fhir/outcome.ts';
import { queryIdentity } from '../../src/search/query-identity.ts';
import type { Criterion } from '../../src/search/search-query.ts';
import { finds, parse, queryOf } from './evaluate.ts';

function refusal(type: string, query: string): FhirError {
  try {
    parse(type, query);
  } catch (error) {
    if (error instanceof FhirError) return error;
    throw error;
  }
  throw new Error(`${type}?${query} was not refused.`);
}

const criterionOf = (type: string, query: string) => parse(type, query).criteria[0];

describe('chains', () => {
  test('go through every type of the reference that has the parameter (chaining)', () => {
    const { targets } = criterionOf('Observation', 'subject.name=eva') as Criterion & { kind: 'chain' };
    expect(targets.map(({ type }) => type).sort()).toEqual(['Location', 'Patient']);
  });

  test('go through the type that is named alone', () => {
    expect(criterionOf('Observation', 'subject:Patient.name=eva')).toMatchObject({
      kind: 'chain',
      parameter: 'subject',
      targets: [{ type: 'Patient', criterion: { kind: 'string', texts: ['eva'] } }],
    });
  });

  test('lead on, and end in a parameter with its own modifier', () => {
    expect(criterionOf('Observation', 'patient.organization:Organization.name:exact=Spital')).toMatchObject({
      targets: [{ type: 'Patient', criterion: { kind: 'chain', targets: [{ criterion: { match: 'exact' } }] } }],
    });
  });

  test('may hold a reverse chain, and be held by one (has)', () => {
    expect(criterionOf('Encounter', 'patient._has:Group:member:_id=1')).toMatchObject({
      kind: 'chain',
      targets: [
        { criterion: { kind: 'has', parameter: 'member', source: { type: 'Group', criterion: { ids: ['1'] } } } },
      ],
    });
    expect(criterionOf('Patient', '_has:Observation:patient:_has:Provenance:target:recorded=2026')).toMatchObject({
      kind: 'has',
      source: { type: 'Observation', criterion: { kind: 'has', source: { type: 'Provenance' } } },
    });
    expect(criterionOf('Patient', '_has:Encounter:patient:location.name=ward')).toMatchObject({
      kind: 'has',
      source: { type: 'Encounter', criterion: { kind: 'chain', parameter: 'location' } },
    });
  });
});

describe('what leads nowhere is not supported', () => {
  const requests = [
    ['Observation', 'subject.nothing=1'],
    ['Observation', 'nothing.name=1'],
    ['Observation', 'subject:Encounter.status=a'],
    ['Observation', 'code.name=1'],
    ['Observation', 'subject.=1'],
    ['Observation', '.name=1'],
    ['Observation', 'subject:Patient:Patient.name=1'],
    ['Observation', 'patient.name:nothing=1'],
    // A canonical is no link.
    ['QuestionnaireResponse', 'questionnaire.title=1'],
    ['Bundle', 'composition.title=1'],
    ['Patient', '_has:Observation=1'],
    ['Patient', '_has:Observation:patient=1'],
    ['Patient', '_has:Observation:code:status=1'],
    ['Patient', '_has:Observation:encounter:status=1'],
    ['Patient', '_has:Nothing:patient:status=1'],
    ['Patient', '_has::::=1'],
    // AuditEvents have no rows of references.
    ['AuditEvent', 'patient.name=a'],
    ['Patient', '_has:AuditEvent:patient:action=R'],
    ['Provenance', 'target:AuditEvent.action=R'],
    ['Provenance', 'target:Binary._lastUpdated=2026'],
    ['AuditEvent', '_list=1'],
    ['Patient', '_list=$current-allergies'],
    ['Patient', '_list:missing=true'],
    ['Patient', 'name:not=a'],
    ['Patient', '_filter:not=a'],
  ] as const;

  test.each(requests)('%s?%s', (type, query) => {
    expect(refusal(type, query)).toMatchObject({ status: 400, issues: [{ code: 'not-supported' }] });
    const { criteria, warnings } = parse(type, query, { handling: 'lenient' });
    expect([criteria, warnings.length]).toEqual([[], 1]);
  });

  test('names that are not names are refused and not repeated in errors', () => {
    const parts = fc.constantFrom(
      '_has',
      'Observation',
      'patient',
      "name'; DROP",
      'subject',
      ':',
      '.',
      '"',
      '\0',
      '$1',
      'code',
      '__proto__',
      'constructor',
      '[x]',
    );
    fc.assert(
      fc.property(fc.array(parts, { minLength: 1, maxLength: 8 }), fc.constantFrom(':', '.', ''), (names, glue) => {
        const name = names.join(glue);
        try {
          parse('Patient', queryOf([name, 'x']));
        } catch (error) {
          expect(error).toBeInstanceOf(FhirError);
          expect((error as FhirError).message).not.toMatch(/DROP|\0|\[x\]/);
        }
      }),
      { seed: 20_261_120, numRuns: 500 },
    );
  });
});

describe('bounds', () => {
  const isTooCostly = { status: 400, issues: [{ code: 'too-costly' }] };

  test('five links in a name, and no sixth', () => {
    const chain = (links: number) => `${'partof.'.repeat(links)}name=a`;
    expect(criterionOf('Organization', chain(5))).toMatchObject({ kind: 'chain' });
    expect(refusal('Organization', chain(6))).toMatchObject(isTooCostly);
    expect(refusal('Organization', chain(6)).message).toMatch(/"partof\.partof/);
    expect(refusal('Patient', `${'_has:Patient:link:'.repeat(6)}name=a`)).toMatchObject(isTooCostly);
  });

  test('ten links in a search, and no eleventh', () => {
    const has = '_has:Observation:patient:code=a&';
    expect(parse('Patient', has.repeat(10)).criteria).toHaveLength(10);
    expect(refusal('Patient', has.repeat(11))).toMatchObject(isTooCostly);
  });

  test('a reference to any type wants the type named', () => {
    const { message } = refusal('Observation', 'focus._lastUpdated=2026');
    expect(message).toMatch(/focus:Patient/);
  });
});

describe(':missing and :not', () => {
  const patient = { resourceType: 'Patient', id: 'p', gender: 'male', birthDate: '1980-01-01' } as const;

  test.each([
    ['gender:missing=false', true],
    ['gender:missing=true', false],
    ['name:missing=true', true],
    ['organization:missing=true', true],
    ['birthdate:missing=false', true],
    ['death-date:missing=false', false],
    ['_id:missing=false', true],
    ['_lastUpdated:missing=true', false],
    ['gender:not=female', true],
    ['gender:not=male', false],
    ['gender:not=female,male', false],
    ['language:not=de', true],
    ['_id:not=p', false],
  ])('%s is %s for a man born in 1980 (missing, not)', (query, isFound) => {
    expect(finds(parse('Patient', query), patient)).toBe(isFound);
  });

  test(':missing is for every kind of parameter but composites and words (missing)', () => {
    const location = { resourceType: 'Location', id: 'l', position: { longitude: 1, latitude: 2 } } as const;
    expect(finds(parse('Location', 'near:missing=false'), location)).toBe(true);
    const risk = { resourceType: 'RiskAssessment', id: 'r', status: 'final', subject: { display: 'x' } } as const;
    expect(finds(parse('RiskAssessment', 'probability:missing=true&subject:missing=false'), risk)).toBe(true);
    for (const name of ['code-value-quantity', '_text', '_content']) {
      expect(refusal('Observation', `${name}:missing=true`)).toMatchObject({ issues: [{ code: 'not-supported' }] });
    }
  });

  test.each(['gender:missing=yes', 'gender:missing=true,false', 'gender:missing=1'])('%s is invalid', (query) => {
    expect(refusal('Patient', query)).toMatchObject({ status: 400, issues: [{ code: 'invalid' }] });
  });
});

describe('criteria that ask the same have one identity', () => {
  test.each([
    ['patient.name=EVA', 'patient:Patient.name=eva'],
    ['patient.identifier=a,b', 'patient.identifier=b,a'],
    ['status:not=a,b', 'status:not=b,a'],
    ['_filter=status eq a or status eq b', '_filter=status eq b or status eq a'],
  ])('%s and %s', (one, other) => {
    expect(queryIdentity(parse('Observation', one))).toBe(queryIdentity(parse('Observation', other)));
  });

  test.each([
    ['patient.name=eva', 'performer.name=eva'],
    ['status:not=a', 'status=a'],
    ['code:missing=true', 'code:missing=false'],
    ['patient.name=eva', 'patient.name:exact=eva'],
  ])('%s and %s differ', (one, other) => {
    expect(queryIdentity(parse('Observation', one))).not.toBe(queryIdentity(parse('Observation', other)));
  });
});
