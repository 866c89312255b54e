// Media types and lists in headers: RFC 9110 sections 5.6 and 8.3.1

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parsePair, splitHeader } from '../../src/http/header-list.ts';
import { parseMediaType, unspoken } from '../../src/http/media-type.ts';

const seed = 20_260_731;

describe('a media type', () => {
  test.each([
    ['application/fhir+json', 'application/fhir+json', []],
    [' Application/FHIR+JSON ; Charset=UTF-8;', 'application/fhir+json', [['charset', 'UTF-8']]],
    [
      'text/plain;a="b;c\\"d" ; e',
      'text/plain',
      [
        ['a', 'b;c"d'],
        ['e', ''],
      ],
    ],
    ['xml', 'application/fhir+xml', []],
    ['JSON;fhirVersion=4.0', 'application/fhir+json', [['fhirversion', '4.0']]],
    [';a=b', '', []],
    [';', '', []],
    ['', '', []],
  ])('%s', (text, name, parameters) => {
    const type = parseMediaType(text);
    expect([type.name, [...type.parameters]]).toEqual([name, parameters]);
  });

  test.each([
    ['a/b;charset=utf-8;fhirVersion=4.0', undefined],
    ['a/b;charset="UTF8"', undefined],
    ['a/b;profile=x', undefined],
    ['a/b;charset=us-ascii', 'charset'],
    ['a/b;charset=', 'charset'],
    ['a/b;fhirVersion=4.0.1', undefined],
    ['a/b;fhirVersion=4.3', 'fhirVersion'],
    ['a/b;fhirVersion=3.0', 'fhirVersion'],
  ])('of the parameters of %s this server does not speak %s (http.html#version-parameter)', (text, wrong) => {
    expect(unspoken(parseMediaType(text))).toBe(wrong);
  });
});

describe('a list in a header', () => {
  const item = fc.string({ unit: fc.constantFrom(...'ab=;/ '), minLength: 1 }).filter((one) => one.trim() !== '');
  const quoted = fc
    .string({ unit: fc.constantFrom(...'a,;\\" ') })
    .map((one) => `x="${one.replaceAll(/[\\"]/g, '\\$&')}"`);

  test('is parted where it was put together, quoted strings and all', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(item, quoted)), (items) => {
        expect(splitHeader(items.join(' , ,'), ',')).toEqual(items.map((one) => one.trim()));
      }),
      { seed },
    );
  });

  test('gives quoted values as they were meant', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'a,;\\" ') }), (value) => {
        expect(parsePair(`Name = "${value.replaceAll(/[\\"]/g, '\\$&')}"`)).toEqual(['name', value]);
      }),
      { seed },
    );
  });
});
