// Escapes in search values come back as they went in: https://hl7.org/fhir/R4/search.html#escaping

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { escapeValue, splitValue, unescapeValue } from '../../src/search/parse/split.ts';

const text = fc.string({ unit: fc.constantFrom('a', 'é', ',', '|', '$', '\\', ' ') });

test('what is escaped and joined is split and unescaped to the same values', () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1 }), fc.constantFrom(',' as const, '|' as const), (values, separator) => {
      const joined = values.map(escapeValue).join(separator);
      expect(splitValue(joined, separator).map(unescapeValue)).toEqual(values);
    }),
    { seed: 20_261_120, numRuns: 2000 },
  );
});

test('inner separators survive the split at outer ones', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { minLength: 1 }), (pairs) => {
      const joined = pairs.map(([a, b]) => `${escapeValue(a)}|${escapeValue(b)}`).join(',');
      const split = splitValue(joined, ',').map((part) => splitValue(part, '|').map(unescapeValue));
      expect(split).toEqual(pairs);
    }),
    { seed: 20_261_120, numRuns: 1000 },
  );
});

test.each([
  ['a\\,b,c', ['a\\,b', 'c']],
  ['a\\\\,b', ['a\\\\', 'b']],
  ['a\\', ['a\\']],
  ['', ['']],
])('%j is split at its free commas', (value, parts) => {
  expect(splitValue(value, ',')).toEqual(parts);
});

test('a backslash before any other character is a backslash', () => {
  expect(unescapeValue('C:\\temp\\,x')).toBe('C:\\temp,x');
});
