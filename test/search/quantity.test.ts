// Numbers and quantities: precision, prefixes, units: https://hl7.org/fhir/R4/search.html#number, https://hl7.org/fhir/R4/search.html#quantity

import { describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { orderedNumber, readNumber } from '../../src/search/exact-number.ts';
import { numberPrefixes } from '../../src/search/number-range.ts';
import { queryIdentity } from '../../src/search/query-identity.ts';
import { finds, isCandidate, parse, queryOf } from './evaluate.ts';

const seed = 20_261_120;
const ucum = 'http://unitsofmeasure.org';

function assessment(probability: unknown): Resource {
  return { resourceType: 'RiskAssessment', prediction: [{ probabilityDecimal: probability }] } as unknown as Resource;
}

function observation(valueQuantity: object): Resource {
  return { resourceType: 'Observation', valueQuantity } as unknown as Resource;
}

const byProbability = (asked: string, stored: unknown) =>
  finds(parse('RiskAssessment', queryOf(['probability', asked])), assessment(stored));
const byValue = (asked: string, quantity: object) =>
  finds(parse('Observation', queryOf(['value-quantity', asked])), observation(quantity));

describe('the precision a number is written in, as the table of R4 has it', () => {
  test.each([
    ['100', 99.5, 100.5],
    ['100.00', 99.995, 100.005],
    ['1e2', 95, 105],
    ['0', -0.5, 0.5],
    ['-100', -100.5, -99.5],
    ['0.0054', 0.00535, 0.00545],
    ['5.40e-3', 0.00535, 0.00545],
    ['5.4E-3', 0.00535, 0.00545],
    ['5.43e-3', 0.005425, 0.005435],
  ])('%s is [%d ... %d)', (asked, low, high) => {
    const near = Math.abs(high - low) / 100;
    const inside = [low, high - near, (low + high) / 2];
    const outside = [low - near, high, high + near];
    expect(inside.map((stored) => byProbability(asked, stored))).toEqual([true, true, true]);
    expect(outside.map((stored) => byProbability(asked, stored))).toEqual([false, false, false]);
    expect([...inside, ...outside].map((stored) => byProbability(`ne${asked}`, stored))).toEqual(
      [...inside, ...outside].map((stored) => !byProbability(asked, stored)),
    );
  });

  test.each([
    ['lt100', 99.999, 100],
    ['le100', 100, 100.001],
    ['gt100', 100.001, 100],
    ['ge100', 100, 99.999],
    ['sa100', 100.001, 100],
    ['eb100', 99.999, 100],
    ['ap100', 90, 89.9],
    ['ap100', 110, 110.1],
    ['ap0', 0.5, 0.6],
    ['ap-100', -110, -111],
  ])('%s is exact whatever the digits: %d is found, %d is not', (asked, found, missed) => {
    expect([byProbability(asked, found), byProbability(asked, missed)]).toEqual([true, false]);
  });

  test('digits beyond those of a double count', () => {
    expect(byProbability('ge0.10000000000000000001', '0.10000000000000000001')).toBe(true);
    expect(byProbability('gt0.1', '0.10000000000000000001')).toBe(true);
    expect(byProbability('lt0.10000000000000000001', 0.1)).toBe(true);
  });

  test.each(['', 'x', 'lt', '1,', '1e9999', '--1', '0x10', '1.', '5|', '5|a', '5|a|b|c'])('%j is an error', (asked) => {
    expect(() => parse('Observation', queryOf(['value-quantity', asked]))).toThrow();
  });
});

const decimal = fc
  .tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.integer({ min: 0, max: 4 }))
  .map(([digits, places]) => (digits / 10 ** places).toFixed(places));

/** The same rule in whole hundred-thousandths, with nothing of the code under test. */
function agrees(prefix: string, asked: string, stored: string): boolean {
  const unit = (text: string) =>
    BigInt(
      text
        .replace('-', '')
        .replace('.', '')
        .padEnd(digitsOf(text) + 6 - placesOf(text), '0'),
    ) * (text.startsWith('-') ? -1n : 1n);
  const [value, own] = [unit(asked), unit(stored)];
  const half = (5n * 10n ** 6n) / 10n ** BigInt(placesOf(asked) + 1);
  const size = value < 0n ? -value : value;
  const slack = size / 10n > half ? size / 10n : half;
  const within = own >= value - half && own < value + half;
  const rules: Record<string, boolean> = {
    eq: within,
    ne: !within,
    gt: own > value,
    sa: own > value,
    lt: own < value,
    eb: own < value,
    ge: own >= value,
    le: own <= value,
    ap: own >= value - slack && own <= value + slack,
  };
  return rules[prefix] as boolean;
}

const placesOf = (text: string) => text.split('.')[1]?.length ?? 0;
const digitsOf = (text: string) => text.replace(/[-.]/g, '').length;

describe('properties', () => {
  test('stored and asked numbers compare as decimals do, with each prefix', () => {
    const counts = { yes: 0, no: 0 };
    const near = fc.tuple(decimal, fc.integer({ min: -60, max: 60 }), fc.integer({ min: 0, max: 3 }));
    fc.assert(
      fc.property(fc.constantFrom(...numberPrefixes), near, fc.boolean(), (prefix, [asked, step, places], isNear) => {
        const moved = Number(asked) + step / 10 ** places;
        const stored = isNear ? moved.toFixed(5) : String(step);
        const found = byProbability(`${prefix}${asked}`, Number(stored));
        counts[found ? 'yes' : 'no']++;
        expect([prefix, asked, stored, found]).toEqual([prefix, asked, stored, agrees(prefix, asked, stored)]);
      }),
      { seed, numRuns: 4000 },
    );
    expect(Math.min(counts.yes, counts.no)).toBeGreaterThan(1000);
  });

  test('the text under which a number is stored sorts as the number does', () => {
    const wide = fc.tuple(decimal, fc.integer({ min: -30, max: 30 })).map(([digits, power]) => `${digits}e${power}`);
    const text = (written: string) => orderedNumber(readNumber(written)?.value as never);
    fc.assert(
      fc.property(wide, wide, (a, b) => {
        const [first, second] = [text(a), text(b)];
        const order = Math.sign(Number(a) - Number(b));
        expect([a, b, first < second, first > second]).toEqual([a, b, order < 0, order > 0]);
      }),
      { seed, numRuns: 4000 },
    );
  });
});

describe('units', () => {
  const glucose = { value: 90, unit: 'mg/dL', system: ucum, code: 'mg/dL' };

  test.each([
    ['90', true],
    ['90|http://unitsofmeasure.org|mg/dL', true],
    ['0.90|http://unitsofmeasure.org|g/L', true],
    ['ge0.9|http://unitsofmeasure.org|g/L', true],
    ['gt0.9|http://unitsofmeasure.org|g/L', false],
    ['0.80|http://unitsofmeasure.org|g/L', false],
    ['90|http://unitsofmeasure.org|mmol/L', false],
    ['90|urn:other|mg/dL', false],
    ['90||mg/dL', true],
    ['90||g/L', false],
    ['91||mg/dL', false],
  ])('R4: 90 mg/dL and value-quantity=%s', (asked, isFound) => {
    expect(byValue(asked, glucose)).toBe(isFound);
  });

  test.each([
    ['37', 'Cel', 'ge98.6', '[degF]', true],
    ['37', 'Cel', 'lt98.6', '[degF]', false],
    ['60', '/min', 'le1', 'Hz', true],
    ['60', '/min', 'gt1', 'Hz', false],
    ['10', '[in_i]', 'ge25.4', 'cm', true],
    ['1000', 'mL', '1.0', 'L', true],
    ['120', 'mm[Hg]', '16.0', 'kPa', true],
    ['7.40', '[pH]', 'gt7.35', '[pH]', true],
    ['5', '[iU]/mL', 'ge5', '[iU]/mL', true],
    ['5', 'k[iU]/L', 'ge5', '[iU]/mL', false],
    ['5', 'no-unit', '5', 'no-unit', true],
  ])('UCUM: %s %s and %s %s', (value, code, asked, askedCode, isFound) => {
    const quantity = { value: Number(value), system: ucum, code };
    expect(byValue(`${asked}|${ucum}|${askedCode}`, quantity)).toBe(isFound);
  });

  test('what is no unit gets into no log, whatever it is', () => {
    const printed: unknown[] = [];
    const { log } = console;
    console.log = (...words: unknown[]) => printed.push(words);
    const codes = ['Karl Muster', '', '()', "x().'", '('.repeat(99), '__proto__', 'constructor', 'm'.repeat(10_000)];
    const found = codes.map((code) => byValue(`5||${code || 'x'}`, { value: 5, system: ucum, code }));
    console.log = log;
    expect([printed, found]).toEqual([[], codes.map((code) => code !== '')]);
  });

  test('R4: without a system the code or the name for people may be meant', () => {
    const pressure = { value: 120, unit: 'mmHg', system: ucum, code: 'mm[Hg]' };
    expect(['120||mmHg', '120||mm[Hg]', '120||kPa'].map((asked) => byValue(asked, pressure))).toEqual([
      true,
      true,
      false,
    ]);
    const bare = { value: 2, unit: 'tablets' };
    expect(['2', '2||tablets', `2|${ucum}|tablets`].map((asked) => byValue(asked, bare))).toEqual([true, true, false]);
  });

  test('of several quantities one has the number and the unit', () => {
    const component = [
      { code: { text: 'a' }, valueQuantity: { value: 1, unit: 'mg' } },
      { code: { text: 'b' }, valueQuantity: { value: 2, unit: 'ml' } },
    ];
    const resource = { resourceType: 'Observation', component } as unknown as Resource;
    const query = (asked: string) => parse('Observation', queryOf(['component-value-quantity', asked]));
    expect([finds(query('1||mg'), resource), finds(query('1||ml'), resource)]).toEqual([true, false]);
    expect(isCandidate(query('1||ml'), resource)).toBe(true);
    expect(finds(parse('Observation', queryOf(['combo-value-quantity', '2||ml'])), resource)).toBe(true);
  });

  test('money has its currency as unit', () => {
    const invoice = { resourceType: 'Invoice', totalNet: { value: 120.5, currency: 'EUR' } } as Resource;
    const found = ['ge120', 'gt100|urn:iso:std:iso:4217|EUR', '120.50||EUR', 'gt100|urn:iso:std:iso:4217|USD'].map(
      (asked) => finds(parse('Invoice', queryOf(['totalnet', asked])), invoice),
    );
    expect(found).toEqual([true, true, true, false]);
  });
});

describe('stored ranges', () => {
  const condition = (onset: object) => ({ resourceType: 'Condition', ...onset }) as unknown as Resource;
  const byAge = (asked: string, onset: object) =>
    finds(parse('Condition', queryOf(['onset-age', asked])), condition(onset));
  const years = (value: number) => ({ value, unit: 'a', system: ucum, code: 'a' });
  const range = { onsetRange: { low: years(40), high: years(50) } };

  // https://hl7.org/fhir/R4/search.html#prefix
  test.each([
    ['45', false],
    ['ne45', true],
    ['gt45', true],
    ['gt50', false],
    ['lt45', true],
    ['lt40', false],
    ['ge50', false],
    ['ge40', true],
    ['le50', true],
    ['le40', false],
    ['sa39', true],
    ['sa40', false],
    ['eb51', true],
    ['eb50', false],
    ['ap45', true],
    ['ap30', false],
    ['5e1', false],
    [`gt480|${ucum}|mo`, true],
    [`sa480|${ucum}|mo`, false],
  ])('a Range of 40 to 50 years and onset-age=%s', (asked, isFound) => {
    expect(byAge(asked, range)).toBe(isFound);
  });

  test('a Range without an end is open there', () => {
    const open = { onsetRange: { low: years(40) } };
    expect(['gt1000', 'lt41', 'lt40', 'eb2000'].map((asked) => byAge(asked, open))).toEqual([true, true, false, false]);
  });

  test('an Age is one number', () => {
    expect(['45', 'ge45', 'gt45'].map((asked) => byAge(asked, { onsetAge: years(45) }))).toEqual([true, true, false]);
  });

  test.each([
    ['<', 'lt5', true],
    ['<', 'ge5', false],
    ['<', 'gt4', true],
    ['<', '5', false],
    ['<=', 'ge5', false],
    ['<=', 'sa5', false],
    ['>', 'sa5', true],
    ['>', 'le5', false],
    ['>=', 'sa5', false],
    ['>=', 'gt1000', true],
  ])('a value of %s 5 and value-quantity=%s', (comparator, asked, isFound) => {
    expect(byValue(asked, { value: 5, comparator })).toBe(isFound);
  });

  test('sampled data are found by the bounds of their values', () => {
    const valueSampledData = {
      origin: { value: 10, system: ucum, code: 'mV' },
      period: 1,
      factor: 0.5,
      dimensions: 1,
      data: '2 -4 E 6',
    };
    const resource = { resourceType: 'Observation', valueSampledData } as unknown as Resource;
    const found = ['ge13', 'gt13', 'le8', 'lt8', `gt0.012|${ucum}|V`].map((asked) =>
      finds(parse('Observation', queryOf(['value-quantity', asked])), resource),
    );
    expect(found).toEqual([false, false, false, false, true]);
    expect(finds(parse('Observation', queryOf(['value-quantity', 'ap11'])), resource)).toBe(true);
  });
});

describe('several criteria', () => {
  test('of a single value all hold at once, and alternatives each', () => {
    const query = (...values: string[]) =>
      parse('Observation', queryOf(...values.map((value) => ['value-quantity', value] as [string, string])));
    const stored = observation({ value: 6 });
    expect(
      [['gt5', 'lt7'], ['gt5', 'lt6'], ['1,6'], ['gt5', '1,2']].map((values) => finds(query(...values), stored)),
    ).toEqual([true, false, true, false]);
  });

  test('queries that ask for different numbers are not the same', () => {
    const identities = ['ap5', 'ap6', '5', '5.0'].map((value) =>
      queryIdentity(parse('Observation', queryOf(['value-quantity', value]))),
    );
    expect(new Set(identities).size).toBe(4);
  });
});
