// Which criteria are the same, and so share a lock and may stand in a transaction once: https://hl7.org/fhir/R4/http.html#ccreate

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { parseSearch } from '../../src/search/parse.ts';
import { queryIdentity } from '../../src/search/query-identity.ts';

const definitions = loadDefinitions();
const baseUrl = 'http://hpms.test/t/a/fhir';

function identityOf(type: string, query: string, now = Date.UTC(2026, 10, 20)): string {
  return queryIdentity(
    parseSearch(definitions, type, new URLSearchParams(query), { handling: 'strict', baseUrl, now }),
  );
}

describe('criteria are the same', () => {
  test.each<[string, string, string, string]>([
    ['in another order', 'Patient', 'identifier=a|1&active=true', 'active=true&identifier=a|1'],
    ['with their alternatives in another order', 'Patient', 'identifier=a|1,b|2', 'identifier=b|2,a|1'],
    ['in another encoding', 'Patient', 'identifier=a|1', 'identifier=%61%7C1'],
    ['said twice', 'Patient', 'identifier=a|1', 'identifier=a|1&identifier=a|1'],
    ['with needless escapes', 'Patient', 'name:exact=a$b', 'name:exact=a%5C$b'],
    ['by names that only case and accents part', 'Patient', 'family=Müller', 'family=MULLER'],
    ['with a type beside the reference', 'Observation', 'subject=Patient/1', 'subject:Patient=1'],
    ['with the own base before it', 'Observation', 'subject=Patient/1', `subject=${baseUrl}/Patient/1`],
    ['by other forms of a time', 'Observation', 'date=2026-01-01T10:00:00Z', 'date=2026-01-01T11:00:00%2B01:00'],
  ])('%s', (_, type, one, other) => {
    expect(identityOf(type, one)).toBe(identityOf(type, other));
  });

  test('whenever they are asked, though what is about the same time depends on it', () => {
    const atTime = (now: number) => identityOf('Observation', 'date=ap2020-05-01', now);
    expect(atTime(Date.UTC(2026, 0, 1))).toBe(atTime(Date.UTC(2027, 5, 6, 7, 8, 9)));
  });

  test('in whatever order parameters and values come', () => {
    const value = fc.stringMatching(/^[a-z0-9|]{0,5}[a-z0-9]$/).filter((text) => text.split('|').length < 3);
    const parameter = fc.tuple(
      fc.constantFrom('identifier', '_tag', 'general-practitioner:identifier'),
      fc.array(value, { minLength: 1, maxLength: 4 }),
    );
    const parameters = fc.array(parameter, { minLength: 1, maxLength: 4 });
    const shuffled = parameters.chain((pairs) =>
      fc.tuple(
        fc.constant(pairs),
        fc
          .shuffledSubarray(pairs, { minLength: pairs.length })
          .chain((moved) =>
            fc.tuple(
              ...moved.map(([name, values]) =>
                fc.tuple(fc.constant(name), fc.shuffledSubarray(values, { minLength: values.length })),
              ),
            ),
          ),
      ),
    );
    const text = (pairs: readonly (readonly [string, string[]])[]) =>
      new URLSearchParams(pairs.map(([name, values]): [string, string] => [name, values.join(',')])).toString();
    fc.assert(
      fc.property(shuffled, ([one, other]) => {
        expect(identityOf('Patient', text(one))).toBe(identityOf('Patient', text(other)));
      }),
      { seed: 20_261_120, numRuns: 500 },
    );
  });
});

describe('criteria are not the same', () => {
  test.each<[string, string, string, string]>([
    ['of another value', 'Patient', 'identifier=a|1', 'identifier=a|2'],
    ['of another system', 'Patient', 'identifier=a|1', 'identifier=1'],
    ['of a value with a comma and of two values', 'Patient', 'identifier=a%5C,b', 'identifier=a,b'],
    ['of all and of any', 'Patient', 'identifier=a&identifier=b', 'identifier=a,b'],
    ['of another parameter', 'Patient', 'given=a', 'family=a'],
    ['of another modifier', 'Patient', 'family=a', 'family:exact=a'],
    ['exact in another case', 'Patient', 'family:exact=a', 'family:exact=A'],
    ['of another precision', 'Observation', 'date=2026', 'date=2026-01-01'],
    ['of another prefix', 'Observation', 'date=ge2026', 'date=gt2026'],
    ['of another target', 'Observation', 'subject=Patient/1', 'subject=Group/1'],
  ])('%s', (_, type, one, other) => {
    expect(identityOf(type, one)).not.toBe(identityOf(type, other));
  });

  test('of another type', () => {
    expect(identityOf('Patient', 'identifier=a')).not.toBe(identityOf('Practitioner', 'identifier=a'));
  });
});
