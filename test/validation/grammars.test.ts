// Codes that follow a grammar: UCUM, language tags, media types, currencies: https://hl7.org/fhir/R4/terminologies-systems.html

import { readFileSync } from 'node:fs';
import { createRequire, findPackageJSON } from 'node:module';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isCurrency } from '../../src/terminology/currency.ts';
import { isLanguageTag } from '../../src/terminology/language-tag.ts';
import { isMediaType } from '../../src/terminology/media-type.ts';
import { isUcumCode } from '../../src/terminology/ucum.ts';

const seed = 20_261_120;

describe('UCUM (https://ucum.org/ucum)', () => {
  const { UcumLhcUtils } = createRequire(import.meta.url)('@lhncbc/ucum-lhc') as {
    UcumLhcUtils: { getInstance(): { validateUnitString(code: string): { status: string; ucumCode: string | null } } };
  };
  const library = UcumLhcUtils.getInstance();
  const folder = path.dirname(findPackageJSON('@lhncbc/ucum-lhc', import.meta.url)!);
  const tables = JSON.parse(readFileSync(path.join(folder, 'data', 'ucumDefs.min.json'), 'utf8'));
  const listed: string[] = tables.units.data.map((row: string[]) => row[2]!.trim());

  test('every unit and every common term of the National Library of Medicine is one', () => {
    expect(listed.length).toBeGreaterThan(700);
    expect(listed.filter((code) => !isUcumCode(code))).toEqual([]);
  });

  test(`what is put together from them is one wherever the library says so (seed ${seed})`, () => {
    const part = fc.oneof(fc.constantFrom(...listed), fc.constantFrom('{x}', '10', '(m)', '2'));
    const joined = fc.array(fc.tuple(part, fc.constantFrom('.', '/')), { minLength: 1, maxLength: 4 });
    const code = joined.map((parts) => parts.map(([one, joint], index) => (index > 0 ? joint : '') + one).join(''));
    fc.assert(
      fc.property(code, (text) => {
        // The library also asks whether units can be multiplied, which a logarithm such as pH cannot.
        if (library.validateUnitString(text).status === 'valid') expect([text, isUcumCode(text)]).toEqual([text, true]);
      }),
      { seed, numRuns: 500 },
    );
  });

  test.each([
    '',
    'mmHg',
    'mg per dL',
    'mg//dL',
    'mg/',
    '.mg',
    '(mg',
    'mg)',
    '{a',
    'a}',
    '{{a}}',
    'm-',
    'years',
    'mEq/L',
    'k[lb_av]',
    'ü',
  ])('%j is none', (code) => {
    expect(isUcumCode(code)).toBe(false);
  });

  test('hostile ones are refused at once', () => {
    for (const code of ['('.repeat(100_000), 'm.'.repeat(100_000), '{'.repeat(100_000), '['.repeat(199)]) {
      expect(isUcumCode(code)).toBe(false);
    }
  });
});

describe('language tags (RFC 5646)', () => {
  test.each([
    ...[
      'de',
      'de-CH',
      'zh-Hant-TW',
      'zh-cmn-Hans-CN',
      'es-419',
      'sl-rozaj-biske-1994',
      'x-a',
      'i-klingon',
      'en-GB-oed',
    ],
    ...[
      'de-DE-u-co-phonebk',
      'en-a-bbb-x-a-ccc',
      'qaa-Qaaa-QM-x-southern',
      'art-lojban',
      'hy-Latn-IT-arevela',
      'x-de-de',
    ],
  ])('%s is one', (tag) => {
    expect(isLanguageTag(tag)).toBe(true);
  });

  test.each([
    ...[
      '',
      'd',
      'de_CH',
      'de-',
      '-de',
      'de--CH',
      'de-419-DE',
      'a-DE',
      'ar-a-aaa-b-bbb-a-ccc',
      'de-1994-1994',
      'x',
      'de-x',
    ],
    ...['deutschland', 'en-u', 'ä', 'de CH', 'i-none', 'de-DE-DE', '1a'],
  ])('%s is none', (tag) => {
    expect(isLanguageTag(tag)).toBe(false);
  });
});

describe('media types (RFC 6838)', () => {
  test.each(['text/plain', 'application/fhir+json;fhirVersion=4.0', 'a/b; c="d;e"; f=g', 'json', 'image/svg+xml'])(
    '%s is one',
    (type) => {
      expect(isMediaType(type)).toBe(true);
    },
  );

  test.each([
    '',
    'text',
    'text/',
    '/plain',
    'text/plain;',
    'text/plain; a',
    'a/b/c',
    'a/b; c="d',
    'a b/c',
    '*/*',
    'a/b\n',
  ])('%j is none', (type) => {
    expect(isMediaType(type)).toBe(false);
  });
});

test('currencies are those of ISO 4217, in capital letters', () => {
  for (const code of ['EUR', 'USD', 'JPY', 'XXX', 'CHE', 'ZWG']) expect(isCurrency(code)).toBe(true);
  for (const code of ['eur', 'XYZ', 'E', '', 'EURO', '978']) expect(isCurrency(code)).toBe(false);
});
