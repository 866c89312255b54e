// Dates of birth are looked up by days, months and years; how many of these a search may name is bounded.

import { describe, expect, test } from '@jest/globals';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { compileCriteria } from '../../src/search/compile/criteria.ts';
import { parseSearch } from '../../src/search/parse.ts';

const definitions = loadDefinitions();

function compile(...values: string[]) {
  const pairs = values.map((value): [string, string] => ['birthdate', value]);
  return compileCriteria(parseSearch(definitions, 'Patient', pairs, { handling: 'strict', now: 0 }).criteria);
}

const list = (count: number, dateOf: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => dateOf(n)).join(',');
const dayOf = (n: number) => new Date(Date.UTC(1950, 0, 1 + n * 17)).toISOString().slice(0, 10);

describe('a list of dates of birth', () => {
  test('takes 500 days, and open ranges beside closed ones', () => {
    const [days] = compile(list(500, dayOf)).conditions;
    expect(days?.kind === 'tokens' && days.anyOf).toHaveLength(500);
    expect(
      compile(
        'ge1950',
        'lt1990-05',
        list(20, (n) => `ge${1950 + n},le${1900 + n}`),
      ).conditions,
    ).toHaveLength(2);
  });

  test.each([
    ['open ranges', [list(400, (n) => `ge${1000 + n}`)]],
    ['open ranges that begin within a year', [list(400, (n) => `gt${1000 + n}-05-03`)]],
    ['all but a day', [list(400, (n) => `ne${1000 + n}-05-03`)]],
    ['about long ago', [list(400, (n) => `ap${1000 + n}`)]],
    ['many lists', Array.from({ length: 100 }, () => 'lt1950,ge1990')],
  ])('of hundreds that are %s is too costly, by name', (_, values) => {
    expect(() => compile(...values)).toThrow(
      expect.objectContaining({
        status: 400,
        issues: [expect.objectContaining({ code: 'too-costly', diagnostics: expect.stringContaining('"birthdate"') })],
      }),
    );
  });
});
