// Equality, order, types and three-valued logic as tables, and laws that hold for all values: https://hl7.org/fhirpath/N1/#operations

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FhirError } from '../../../src/fhir/outcome.ts';
import { evaluate, holds, patient } from './language.ts';

const seed = 20_261_120;

describe('equality (section 6.1): empty where it cannot be told', () => {
  holds([
    ['1 = 1', true],
    ['1 = 1.0', true],
    ['1.10 = 1.1', true],
    ['0.1 = 0.10000000000000001', false],
    ["'a' = 'a'", true],
    ["'a' = 'A'", false],
    ['true = true', true],
    ['true = false', false],
    ["1 = '1'", false],
    ['1 = {}'],
    ['{} = {}'],
    ['{} != 1'],
    ['1 != 2', true],
    ['name.given = name.given', true],
    ['name.first().given = name.last().given', true],
    ["('a' | 'b') = ('b' | 'a')", false],
    ["('a' | 'b') = 'a'", false],
    ['name.first() = name.first()', true],
    ['name.first() = name.last()', false],
    ['@2012 = @2012', true],
    ['@2012 = @2013', false],
    ['@2012 = @2012-01'],
    ['@2012 = @2013-01', false],
    ['@2012-01-01 = @2012-01-01T00:00:00Z'],
    ['@2012-01-01T10:00:00Z = @2012-01-01T12:00:00+02:00', true],
    ['@2012-01-01T10:30:00+05:30 = @2012-01-01T05:00:00Z', true],
    ['@2012-01-01T10:00:00.0Z = @2012-01-01T10:00:00Z', true],
    ['@2012-01-01T10:00:00.5Z = @2012-01-01T10:00:00Z', false],
    ['@2012-01-01T23:30:00-01:00 = @2012-01-02T00:30:00Z', true],
    ['@2012-01-01T10:00:00Z = @2012-01-01T12:00:00'],
    ['@2012-01-01T10:00:00 = @2012-01-01T12:00:00', false],
    ["1 'kg' != 1 '[lb_av]'", true],
    ['1234567890987654321.0 = 1234567890987654321.1', false],
    ['@T10:00 = @T10:00', true],
    ['@T10:00 = @T10:00:00'],
    ['@T10:00 = @2012', false],
    ['birthDate = @1974-12-25', true],
    ['birthDate = @1974-12'],
    ['birthDate != @1974-12-26', true],
    ["1 'mg' = 1 'mg'", true],
    ["1000 'mg' = 1 'g'", true],
    ["1 'mg' = 2 'mg'", false],
    ["1 'mg' = 1 'Cel'"],
    ['7 days = 1 week', true],
    ["1 'wk' = 7 days", true],
    ["1 year = 1 'a'"],
    ['60 seconds = 1 minute', true],
  ]);
});

describe('equivalence (sections 6.1.3 and 6.1.4): never empty', () => {
  holds([
    ['{} ~ {}', true],
    ['1 ~ {}', false],
    ["'Abc  d' ~ 'aBC d '", true],
    ["'a' ~ 'b'", false],
    ['1.1 ~ 1.10', true],
    ['1.1 ~ 1.14', true],
    ['1.1 ~ 1.16', false],
    ['1 ~ 1.4', true],
    ["('a' | 'b') ~ ('b' | 'A')", true],
    ["('a' | 'b') ~ ('a' | 'c')", false],
    ['@2012 ~ @2012-01', false],
    ['@2012-01 ~ @2012-01', true],
    ["1 year ~ 1 'a'", true],
    ["1000 'mg' ~ 1 'g'", true],
    ["1 'mg' ~ 1 'Cel'", false],
    ["4 'g' ~ 4040 'mg'", true],
    ["4040 'mg' ~ 4 'g'", true],
    ["4.1 'g' ~ 4040 'mg'", false],
    ["1 'kg' ~ 1 's'", false],
    ['name.first() ~ name.first()', true],
    ["'a' !~ 'b'", true],
    ['{} !~ {}', false],
    ['true ~ true', true],
    ["name.where(family ~ 'WINDSOR').use", 'maiden'],
  ]);
});

describe('comparison (section 6.2)', () => {
  holds([
    ['1 < 2', true],
    ['2 <= 2', true],
    ['1.5 > 1', true],
    ['1 >= 1.0001', false],
    ["'abc' < 'abd'", true],
    ["'a' > 'B'", true],
    ['1 < {}'],
    ['{} < {}'],
    ["1 < 'a'"],
    ['true < false'],
    ['@2012 < @2013', true],
    ['@2012 < @2012-05'],
    ['@2012-05 > @2012'],
    ['@2012-05 > @2011', true],
    ['@2012-01-01T10:00:00Z < @2012-01-01T11:30:00+01:00', true],
    ['@2012-01-01T10:00 <= @2012-01-01T10:00', true],
    ['@2012-01-01 < @2012-01-02T00:00:00Z', true],
    ['@T10:00 < @T10:01', true],
    ['@T10 < @T10:30'],
    ['birthDate < @1975', true],
    ['birthDate >= @1974-12-25', true],
    ["1 'mg' < 1 'g'", true],
    ["1 'mg' < 2 'mg'", true],
    ["1 'mg' < 1 'Cel'"],
    ["3 'm' >= 300 'cm'", true],
    ['name.first().period.start <= name.first().period.end', true],
    ['multipleBirth > 1', true],
  ]);
});

describe('types (section 6.3)', () => {
  holds([
    ['1 is Integer', true],
    ['1.0 is Decimal', true],
    ['1 is Decimal', false],
    ["'a' is String", true],
    ['true is System.Boolean', true],
    ['@2012 is Date', true],
    ['@2012T is DateTime', true],
    ['@T10:00 is Time', true],
    ["1 'mg' is Quantity", true],
    ['{} is Integer'],
    ['active is boolean', true],
    ['active is Boolean', false],
    ['active is System.Boolean', false],
    ['active is FHIR.boolean', true],
    ['gender is code', true],
    ['gender is string', true],
    ['gender is id', false],
    ['Patient is Patient', true],
    ['Patient is DomainResource', true],
    ['Patient is Observation', false],
    ['name.first() is HumanName', true],
    ['name.first() is Element', true],
    ['name is HumanName'],
    ['name.first().is(HumanName)', true],
    ['deceased as boolean', false],
    ['deceased as dateTime'],
    ['deceased.as(boolean)', false],
    ['name.as(HumanName).count()', 3],
    ['birthDate is date', true],
    ['birthDate is dateTime', false],
  ]);
});

describe('membership (section 6.4)', () => {
  holds([
    ["'a' in ('a' | 'b')", true],
    ["'c' in ('a' | 'b')", false],
    ["'a' in {}", false],
    ["{} in ('a' | 'b')"],
    ["('a' | 'b') contains 'a'", true],
    ["{} contains 'a'", false],
    ["('a' | 'b') contains {}"],
    ['1.0 in (1 | 2)', true],
    ["gender in ('male' | 'female')", true],
    ['name.first() in name', true],
  ]);
});

describe('boolean logic (section 6.5)', () => {
  const values = ['true', 'false', '{}'] as const;
  const results: Readonly<Record<string, string>> = {
    and: 'true false {} false false false {} false {}',
    or: 'true true true true false {} true {} {}',
    xor: 'false true {} true false {} {} {} {}',
    implies: 'true false {} true true true true {} {}',
  };
  for (const [operator, table] of Object.entries(results)) {
    const expected = table.split(' ').map((word) => (word === '{}' ? [] : [word === 'true']));
    const pairs = values.flatMap((left) => values.map((right) => `${left} ${operator} ${right}`));
    test.each(pairs.map((source, index) => [source, expected[index]] as const))('%s', (source, result) => {
      expect(evaluate(source)).toEqual(result);
    });
  }

  holds([
    ['true.not()', false],
    ['false.not()', true],
    ['{}.not()'],
    ["gender.exists() and 'a'", true],
    ["'a' implies false", false],
    ['false and name.single().exists()', false],
  ]);
});

describe('precedence (section 6.8) and date arithmetic (section 6.7)', () => {
  holds([
    ['true or false and false', true],
    ['false implies false or true', true],
    ['1 + 1 = 2 and 2 * 2 = 4', true],
    ['1 | 2 = 2', false],
    ['-1.abs()', -1],
    ['2 + 3 is Integer', true],
    ["'a' & 'b' = 'ab'", true],
    ['1 < 2 = true', true],
    ["'b' in 'a' | 'b'", true],
    ['@1974-12-25 + 7 days', '@1975-01-01'],
    ['@1973-12-25 + 1 month', '@1974-01-25'],
    ['@2012-02-29 + 1 year', '@2013-02-28'],
    ['@2012-03-31 - 1 month', '@2012-02-29'],
    ['@2012 + 1 year', '@2013'],
    ['@2012 + 24 months', '@2014'],
    ['@2012-05 + 40 days', '@2012-06'],
    ['@2012-01-01T00:00:00Z + 90 minutes', '@2012-01-01T01:30:00Z'],
    ["@2012-01-01T23:59:59.500+02:00 + 1 's'", '@2012-01-02T00:00:00.500+02:00'],
    ['@T23:30 + 45 minutes', '@T00:15'],
    ["@2012-01-01 + 1 'wk'", '@2012-01-08'],
    ["@2012-01-01 + 1 'a'"],
    ['@2012-01-01 + 1'],
    ["@1974-12-25 - 1 'month'", '@1974-11-25'],
    ["@1974-12-25 - 1 'cm'"],
    ['@1973-12-25 + 7.7 days', '@1974-01-01'],
    ['birthDate + 18 years < today()', true],
  ]);
});

describe('what stands in the place of one value', () => {
  test.each([
    "name.given.startsWith('P')",
    'name.given + 1',
    "name.given > 'a'",
    'name.single()',
    '(1 | 2).not()',
    'true and name.use',
    'name.use implies true',
    "'a'.contains(name.given)",
  ])('several there are an error: %s', (source) => expect(() => evaluate(source)).toThrow(FhirError));
});

describe('what is no FHIRPath', () => {
  test.each([
    'Patient.',
    'name.where(',
    'name..given',
    'name given',
    "'open",
    '@2012-02-30',
    '@2012-13',
    '@T25:00',
    '%unknown',
    'nosuch()',
    "name.first('a')",
    'name.take()',
    'name.exists(1, 2)',
    'name.where()',
    '$that',
    '1 +',
    '{ 1 }',
    '#',
    '`open',
    'a is',
    '',
  ])("is refused, and the error is the expression's: %s", (source) => {
    expect(() => evaluate(source)).toThrow(
      expect.objectContaining({ status: 400, issues: [expect.objectContaining({ code: 'invalid' })] }),
    );
  });
});

describe('laws', () => {
  const truth = fc.constantFrom('true', 'false', '{}');
  const number = fc
    .oneof(fc.integer({ min: -1000, max: 1000 }), fc.double({ min: -99, max: 99, noNaN: true }))
    .map((value) => (Number.isInteger(value) ? String(value) : value.toFixed(3)).replace('-', '- '));
  const list = fc
    .array(fc.oneof(fc.integer({ min: 0, max: 5 }).map(String), fc.constantFrom("'a'", "'b'", "'c'")), { maxLength: 5 })
    .map((items) => (items.length === 0 ? '{}' : items.reduce((all, item) => `${all}.combine(${item})`, '{}')));
  const text = fc.stringMatching(/^[a-c ]{0,6}$/).map((value) => `'${value}'`);

  function holdsFor<A extends string[]>(
    title: string,
    values: { [K in keyof A]: fc.Arbitrary<A[K]> },
    make: (...a: A) => string,
  ) {
    test(title, () => {
      const property = fc.property(fc.tuple(...(values as fc.Arbitrary<string>[])), (chosen) => {
        expect([make(...(chosen as A)), evaluate(make(...(chosen as A)))]).toEqual([make(...(chosen as A)), [true]]);
      });
      fc.assert(property, { seed, numRuns: 100 });
    });
  }

  holdsFor('De Morgan', [truth, truth], (a, b) => `((${a} and ${b}).not()) ~ (${a}.not() or ${b}.not())`);
  holdsFor(
    'and distributes over or',
    [truth, truth, truth],
    (a, b, c) => `(${a} and (${b} or ${c})) ~ ((${a} and ${b}) or (${a} and ${c}))`,
  );
  holdsFor('xor is symmetric', [truth, truth], (a, b) => `(${a} xor ${b}) ~ (${b} xor ${a})`);
  holdsFor('implies is not-or', [truth, truth], (a, b) => `(${a} implies ${b}) ~ (${a}.not() or ${b})`);
  holdsFor('a union is distinct', [list, list], (a, b) => `(${a} | ${b}).isDistinct()`);
  holdsFor(
    'a union holds both',
    [list, list],
    (a, b) => `${a}.subsetOf(${a} | ${b}) and (${a} | ${b}).supersetOf(${b})`,
  );
  holdsFor(
    'union, intersect and exclude agree in their counts',
    [list, list],
    (a, b) =>
      `(${a} | ${b}).count() = ${a}.intersect(${b}).count() + ${a}.distinct().exclude(${b}).count() + ${b}.distinct().exclude(${a}).count()`,
  );
  holdsFor('distinct() twice is once', [list], (a) => `${a}.distinct().distinct().count() = ${a}.distinct().count()`);
  holdsFor(
    'take and skip part a list',
    [list, fc.integer({ min: 0, max: 6 }).map(String)],
    (a, n) => `${a}.take(${n}).combine(${a}.skip(${n})).count() = ${a}.count()`,
  );
  holdsFor(
    'addition undoes subtraction, to the last digit',
    [number, number],
    (a, b) => `(${a}) + (${b}) - (${b}) = (${a})`,
  );
  holdsFor(
    'div and mod make the whole',
    [number, number.filter((b) => !/^(- )?0(\.0+)?$/.test(b))],
    (a, b) => `((${a}) div (${b})) * (${b}) + ((${a}) mod (${b})) = (${a})`,
  );
  holdsFor(
    'of two numbers one is less, or they are equal',
    [number, number],
    (a, b) => `((${a}) < (${b})) xor ((${a}) > (${b})) xor ((${a}) = (${b}))`,
  );
  holdsFor(
    'indexOf finds what contains says',
    [text, text],
    (a, b) => `${a}.contains(${b}) = (${a}.indexOf(${b}) >= 0)`,
  );
  holdsFor(
    'what stands at indexOf is the part',
    [text, text.filter((part) => part !== "''")],
    (a, b) => `${a}.indexOf(${b}) < 0 or ${a}.substring(${a}.indexOf(${b})).startsWith(${b})`,
  );
  holdsFor('toChars and join are inverse', [text], (a) => `${a} = '' or ${a}.toChars().join('') = ${a}`);
  holdsFor('upper and lower are equivalent', [text], (a) => `${a}.upper() ~ ${a}.lower()`);
});

describe('decimals of a resource', () => {
  const observation = { resourceType: 'Observation', valueQuantity: { value: 0.1, unit: 'mg' } };

  test('are compared by the text that was sent, not by the nearest binary fraction', () => {
    const exactNumbers = new Map([['/valueQuantity/value', '0.10000000000000001']]);
    expect(evaluate('value.value > 0.1', observation)).toEqual([false]);
    expect(evaluate('value.value > 0.1', observation, { exactNumbers })).toEqual([true]);
    expect(evaluate("value > 0.1 'mg'", observation, { exactNumbers })).toEqual([true]);
    expect(evaluate('value.value.toString()', observation, { exactNumbers })).toEqual(['0.10000000000000001']);
  });

  test('a text that stands for another number is an old one', () => {
    const exactNumbers = new Map([['/valueQuantity/value', '7.0']]);
    expect(evaluate('value.value = 0.1', observation, { exactNumbers })).toEqual([true]);
  });

  test('a Quantity with a comparator is none that could be compared', () => {
    const resource = { ...observation, valueQuantity: { value: 5, unit: 'mg', comparator: '<' } };
    expect(evaluate("value < 6 'mg'", resource)).toEqual([]);
  });
});

test('one compiled expression serves one evaluation within another', () => {
  const hooks = {
    conformsTo: (): boolean => evaluate('%resource.name.count() = 3').length === 1,
  };
  expect(evaluate("name.where(%resource.conformsTo('x')).count()", patient, { hooks })).toEqual([3]);
});
