// The class that a resource is counted in tells, for every search by bound codes alone, whether it is a match:
// https://hl7.org/fhir/R4/search.html#total

import { describe, expect, test } from '@jest/globals';
import type { Patient, Resource, Task } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { askedClasses, classText } from '../../src/search/count-classes.ts';
import { createExtractor } from '../../src/search/extract.ts';
import { meetsCriteria } from '../../src/search/meets-criteria.ts';
import { parseSearch } from '../../src/search/parse.ts';
import type { Criterion } from '../../src/search/search-query.ts';

const definitions = loadDefinitions();
const extract = createExtractor(definitions);

function criteriaOf(type: string, text: string): readonly Criterion[] {
  const options = { handling: 'strict', baseUrl: 'http://hpms.test', now: 0 } as const;
  return parseSearch(definitions, type, new URLSearchParams(text), options).criteria;
}

/** Undefined where the classes do not tell; each class must be on one side or the other. */
function isAsked(resource: Resource, criteria: readonly Criterion[]): boolean | undefined {
  const classes = askedClasses(definitions, resource.resourceType, criteria);
  const own = classText(definitions, resource) ?? '';
  const sides = [classes?.asked.includes(own), classes?.others.includes(own)];
  expect([
    [undefined, undefined],
    [true, false],
    [false, true],
  ]).toContainEqual(sides);
  return sides[0];
}

const gender = fc.constantFrom('male', 'female', 'other', 'unknown');
const patient = fc.record(
  { active: fc.boolean(), gender, deceasedBoolean: fc.boolean(), birthDate: fc.constant('2001-02-03') },
  { requiredKeys: [] },
);
const codes = (value: fc.Arbitrary<string>) => fc.array(value, { minLength: 1, maxLength: 3 }).map((all) => all.join());
const administrativeGender = 'http://hl7.org/fhir/administrative-gender';
const parameter = fc.oneof(
  codes(fc.constantFrom('true', 'false')).map((value) => ['active', value]),
  codes(gender).map((value) => ['gender', value]),
  gender.map((value) => ['gender', `${administrativeGender}|${value}`]),
  gender.map((value) => ['gender', `http://example.org/others|${value}`]),
  codes(gender).map((value) => ['gender:not', value]),
  fc.tuple(fc.constantFrom('active:missing', 'gender:missing'), fc.constantFrom('true', 'false')),
  fc.boolean().map((value) => ['deceased', String(value)]),
);
const search = fc
  .array(parameter, { minLength: 1, maxLength: 3 })
  .map((pairs) => new URLSearchParams(pairs as [string, string][]).toString());

describe('the class of a resource', () => {
  test('tells what the index tells, for every resource and every search by bound codes', () => {
    fc.assert(
      fc.property(patient, search, (members, text) => {
        const resource = { resourceType: 'Patient', id: '1', ...members } as Patient;
        const criteria = criteriaOf('Patient', text);
        const entries = extract(resource);
        const unstored = {
          ...{ id: '1', lastUpdated: new Date(0), resource },
          tokens: new Set(entries.flatMap((entry) => (entry.kind === 'token' ? [entry.text] : []))),
          ...{ dates: [], ranges: [] },
        };
        const wanted = meetsCriteria(criteria)(unstored);
        expect(isAsked(resource, criteria)).toBe(wanted);
      }),
      { seed: 20_261_124, numRuns: 500 },
    );
  });

  test.each([
    ['gender=male&birthdate=2001-02-03', 'a parameter that is none of bound codes'],
    ['gender=divers', 'a code that is not on the list: what is stored beside it is counted as one'],
    ['gender:not=divers', 'its opposite'],
    ['', 'nothing: all are counted by type'],
  ])('does not tell of %p, %s', (text) => {
    expect(
      isAsked({ resourceType: 'Patient', gender: 'male' } as Patient, criteriaOf('Patient', text)),
    ).toBeUndefined();
  });

  test('counts a code that is not on the list with none that is, and as not missing', () => {
    const strange = { resourceType: 'Patient', gender: 'divers' } as unknown as Patient;
    const told = (text: string) => isAsked(strange, criteriaOf('Patient', text));
    expect([told('gender=male'), told('gender:not=male'), told('gender:missing=true')]).toEqual([false, true, false]);
  });

  test('has the status before other codes, where all together would be too many classes', () => {
    const told = ['status=requested', 'priority=urgent', 'intent=order'].map((text) =>
      isAsked({ resourceType: 'Task', status: 'requested' } as Task, criteriaOf('Task', text)),
    );
    expect(told).toEqual([true, false, undefined]);
  });

  test('is one of 256 at most, for every type but AuditEvents, which nothing counts', () => {
    const counted = [...definitions.resourceTypes].flatMap((type) => {
      const [, code] =
        /:class\|\w+\.([\w-]+)=/.exec(classText(definitions, { resourceType: type } as Resource) ?? '') ?? [];
      return code === undefined ? [] : [[type, `${code}:missing=true`] as const];
    });
    expect(counted.length).toBeGreaterThan(100);
    for (const [type, text] of counted) {
      const { asked = [], others = [] } = askedClasses(definitions, type, criteriaOf(type, text)) ?? {};
      expect(asked.length + others.length).toBeLessThanOrEqual(256);
      expect(isAsked({ resourceType: type } as Resource, criteriaOf(type, text))).toBe(true);
    }
    expect(classText(definitions, { resourceType: 'AuditEvent' } as Resource)).toBeUndefined();
  });
});
