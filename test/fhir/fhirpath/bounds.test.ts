// Expressions from outside stay within bounds of length, depth, steps and time: security.md 92

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { evaluationLimits } from '../../../src/fhir/fhirpath/compile-bounded.ts';
import { Steps } from '../../../src/fhir/fhirpath/places.ts';
import { FhirError } from '../../../src/fhir/outcome.ts';
import { evaluate, patient } from './language.ts';

const invalid = expect.objectContaining({ issues: [expect.objectContaining({ code: 'invalid' })] });
const tooCostly = expect.objectContaining({ status: 400, issues: [expect.objectContaining({ code: 'too-costly' })] });

const longList = {
  resourceType: 'Patient',
  identifier: Array.from({ length: 2_000 }, (_, index) => ({ value: `v${index}` })),
};

describe('refused before it runs', () => {
  test.each([
    ['too long', `name.where(family = '${'x'.repeat(evaluationLimits.lengthMax)}')`],
    ['too many words', Array(600).fill('1').join('+')],
    ['parentheses too deep', `${'('.repeat(60)}1${')'.repeat(60)}`],
    ['calls too deep', `${'iif(true,'.repeat(60)}1${')'.repeat(60)}`],
    ['indexes too deep', `${'name['.repeat(60)}0${']'.repeat(60)}`],
  ])('%s', (_, source) => {
    expect(() => evaluate(source)).toThrow(invalid);
  });

  test('as deep as the bounds allow, it runs', () => {
    expect(evaluate(Array(499).fill('1').join('+'))).toEqual([499]);
    expect(evaluate(`gender${'.first()'.repeat(240)}`)).toEqual(['male']);
  });
});

describe('stopped while it runs', () => {
  test.each([
    'identifier.where(%resource.identifier.where(value = %resource.identifier.last().value).exists()).count()',
    'identifier.select(%resource.identifier.value).distinct().count()',
    "repeat($this & 'a')",
    "'a'.repeat($this & $this)",
    "identifier.aggregate($total & 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'a').length()",
    "identifier.select(value.replace('', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')).count()",
    'descendants().select(%resource.descendants().count()).count()',
  ])('%s', (source) => {
    expect(() => evaluate(source, longList)).toThrow(tooCostly);
  });

  test('by the clock, whatever the steps', () => {
    const steps = new Steps(Number.MAX_SAFE_INTEGER, 0);
    expect(() => evaluate('identifier.select(value & value).count()', longList, { steps })).toThrow(tooCostly);
  });

  test('by what earlier evaluations left of the steps of one request', () => {
    const steps = new Steps(5_000);
    expect(evaluate('identifier.count()', longList, { steps })).toEqual([2_000]);
    expect(evaluate('identifier.count()', longList, { steps })).toEqual([2_000]);
    expect(() => evaluate('identifier.count()', longList, { steps })).toThrow(tooCostly);
  });
});

describe('patterns', () => {
  const withFamily = (family: string) => ({ ...patient, name: [{ family }] });

  test.each(["'(a+)+$'", "'(a|aa)+$'", "'(a*)*b'", "'^(([a-z])+.)+[A-Z]([a-z])+$'", "'(.*)*\\\\1x'"])(
    '%s is stopped on the text that makes it run away',
    (pattern) => {
      expect(() => evaluate(`name.family.matches(${pattern})`, withFamily(`${'a'.repeat(60)}!`))).toThrow(tooCostly);
    },
  );

  test.each(["'('", "'[z-a]'", "'a{2,1}'", `'${'a'.repeat(501)}'`])('%s is refused', (pattern) => {
    expect(() => evaluate(`name.family.matches(${pattern})`, withFamily('a'))).toThrow(tooCostly);
  });

  test('a text too long for a pattern is refused', () => {
    expect(() => evaluate("name.family.matches('a')", withFamily('a'.repeat(10_001)))).toThrow(tooCostly);
  });

  test.each<[string, string, boolean]>([
    ["'^[A-Za-z]+(-[A-Za-z]+)*$'", 'Smith-Jones', true],
    ["'^\\\\d{3}-\\\\d{2}$'", '123-45', true],
    ["'^(Mr|Ms)\\\\. '", 'Dr. X', false],
  ])('a well-behaved one answers: %s', (pattern, family, expected) => {
    expect(evaluate(`name.family.matches(${pattern})`, withFamily(family))).toEqual([expected]);
  });
});

describe('whatever is sent', () => {
  const words = [
    ...'name given family use telecom value birthDate period start contained id Patient HumanName true false 1 2.5 -3 { } ( ) [ ] , .'.split(
      ' ',
    ),
    ...'| = != ~ < <= + - * / div mod & and or xor implies in contains is as $this $index $total %resource %ucum'.split(
      ' ',
    ),
    ...[
      "'a'",
      "''",
      '@2012-01',
      '@T10:00',
      "4 'mg'",
      '2 days',
      '.where(',
      '.select(',
      '.first()',
      '.exists()',
      '.count()',
      '.not()',
    ],
    ...[
      '.toString()',
      '.toInteger()',
      '.children()',
      '.descendants()',
      '.repeat(',
      '.aggregate(',
      ".matches('a+')",
      '.is(',
      '.as(',
      ')',
    ],
    ...[
      'iif(',
      ".extension('x')",
      '.resolve()',
      '.type()',
      '.distinct()',
      '.substring(',
      '.indexOf(',
      '.toQuantity()',
      '.abs()',
      '.round(1)',
    ],
    ...[
      '.union(',
      '.combine(',
      '.intersect(',
      '.take(1)',
      '.skip(',
      '.all(',
      '.toDate()',
      '.join()',
      '.split(',
      '.power(',
      '.hasValue()',
    ],
  ];

  const answersOrRefuses = (source: string) => {
    try {
      evaluate(source, patient, { steps: new Steps(20_000) });
      return true;
    } catch (error) {
      if (error instanceof FhirError) return false;
      throw new Error(`${source}: ${String(error)}`);
    }
  };

  test('there are values or a FhirError, and nothing else', () => {
    const soup = fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 12 }).map((parts) => parts.join(' '));
    fc.assert(
      fc.property(soup, (source) => void answersOrRefuses(source)),
      { seed: 20_261_120, numRuns: 3_000 },
    );
  });

  test('also where it is well-formed', () => {
    const { expression } = fc.letrec<{ expression: string; path: string }>((tie) => ({
      path: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(
          'name',
          'telecom',
          'birthDate',
          '$this',
          '%resource',
          "'abc'",
          '5',
          '2.5',
          '@2012-01',
          "1 'mg'",
          '{}',
          'true',
        ),
        fc
          .tuple(tie('path'), fc.constantFrom(...words.filter((word) => /^\.\w+\(.*\)$/.test(word))))
          .map(([of, call]) => `(${of})${call}`),
        fc
          .tuple(
            tie('path'),
            fc.constantFrom(...words.filter((word) => /^\.\w+\($/.test(word) && !/is|as/.test(word))),
            tie('expression'),
          )
          .map(([of, call, argument]) => `(${of})${call}${argument})`),
      ),
      expression: fc.oneof(
        { maxDepth: 4 },
        tie('path'),
        fc
          .tuple(
            tie('path'),
            fc.constantFrom('|', '=', '!=', '~', '<', '>=', '+', '-', '*', '/', 'div', 'mod', '&', 'and', 'or', 'in'),
            tie('path'),
          )
          .map(([left, operator, right]) => `(${left}) ${operator} (${right})`),
      ),
    }));
    let answerCount = 0;
    const property = fc.property(expression, (source) => {
      if (answersOrRefuses(source)) answerCount++;
    });
    fc.assert(property, { seed: 20_261_120, numRuns: 3_000 });
    expect(answerCount).toBeGreaterThan(1_500);
  });
});
