// JSON is taken and given without silent loss: https://hl7.org/fhir/R4/json.html and RFC 8259

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseJson, parseLongJson, serializeJson } from '../../src/fhir/json.ts';
import { FhirError } from '../../src/fhir/outcome.ts';

const seed = 20_261_120;

function refusal(text: string): string {
  try {
    parseJson(text);
  } catch (error) {
    if (error instanceof FhirError && error.status === 400) return error.message;
    throw error;
  }
  return 'accepted';
}

function roundTrip(text: string): string {
  const { value, exactNumbers } = parseJson(text);
  return serializeJson(value, exactNumbers);
}

describe('what is refused, with its place', () => {
  test.each([
    ['', 'an early end of the text at line 1, column 1'],
    ['{"a":1', 'an early end of the text at line 1, column 7'],
    ['{"a":\n  x}', 'an unexpected character at line 2, column 3'],
    ['{"a":1,}', 'an unexpected } at line 1, column 8'],
    ['[1,]', 'an unexpected ] at line 1, column 4'],
    ['{"a" 1}', 'an unexpected character at line 1, column 6'],
    ['{}{}', 'text after the end of the JSON value at line 1, column 3'],
    ['{"a":NaN}', 'an unexpected character at line 1, column 6'],
    ['[01]', 'a number with a leading zero at line 1, column 2'],
    ['[1.]', 'a number without digits at line 1, column 4'],
    ['["a\tb"]', 'a control character in a string at line 1, column 4'],
    ['["a', 'the end of the text inside a string at line 1, column 4'],
    ['["\\x"]', 'an unknown escape in a string at line 1, column 3'],
    ['["\\u12g4"]', 'a \\u escape without four hexadecimal digits at line 1, column 3'],
    ['\ufeff{}', 'an unexpected character at line 1, column 1'],
  ])('RFC 8259: %j is malformed', (text, place) => {
    expect(refusal(text)).toBe(`The JSON cannot be accepted: ${place}.`);
  });

  test.each([
    ['{"a":{"status":1,"status":2}}', '("status") at line 1, column 26'],
    ['{"b":1,\n"\\u0062":2}', '("b") at line 2, column 9'],
    ['{"a":{"x":[1,{}]},"a":0}', '("a") at line 1, column 22'],
  ])('RFC 8259 section 4: %j has the same key twice, also when it is written differently', (text, place) => {
    expect(refusal(text)).toContain(`the same key twice ${place}`);
  });

  test('a key that is no element name is not repeated in the error', () => {
    expect(refusal('{"Mrs Jones":1,"Mrs Jones":2}')).not.toContain('Jones');
  });

  test.each(['{"__proto__":{}}', '{"a":[{"__pro\\u0074o__":1}]}'])('the key __proto__ in %j', (text) => {
    expect(refusal(text)).toContain('the key __proto__');
  });

  test.each(['["\\u0000"]', '["\\ud800"]', '["\\udc00\\ud800"]', '["\\ud800\\n"]', '["\ud800"]'])(
    'U+0000 and half surrogate pairs, escaped or not: %j',
    (text) => {
      expect(refusal(text)).toMatch(/U\+0000|half a surrogate pair/);
    },
  );

  test('nesting beyond 64 levels, however deep', () => {
    expect(refusal('['.repeat(65))).toContain('nesting deeper than 64 levels at line 1, column 65');
    expect(refusal('{"a":'.repeat(200_000))).toContain('nesting deeper than 64 levels');
    expect(parseJson('['.repeat(64) + ']'.repeat(64)).value).toHaveLength(1);
  });

  test.each(['1e400', '-1e309', '1e-400', `1e${'9'.repeat(40)}`])(
    'the number %s, which JavaScript would make infinite or zero',
    (text) => {
      expect(refusal(`{"a":${text}}`)).toContain('a number out of range at line 1, column 6');
    },
  );

  test('numbers of more than 40 digits', () => {
    expect(refusal(`[${'1'.repeat(41)}]`)).toContain('a number of more than 40 digits');
    expect(refusal(`[0.${'1'.repeat(10_000)}]`)).toContain('a number of more than 40 digits');
    expect(roundTrip(`[-${'1'.repeat(20)}.${'1'.repeat(20)}]`)).toBe(`[-${'1'.repeat(20)}.${'1'.repeat(20)}]`);
  });

  test('what costs far more memory than its text: millions of values, of keys, of decimals', () => {
    expect(refusal(`[${'[],'.repeat(4_000_001)}0]`)).toContain('more than 4000000 values');
    expect(refusal(`{${Array.from({ length: 1001 }, (_, i) => `"k${i}":0`).join()}}`)).toContain(
      'more than 1000 members',
    );
    expect(refusal(`[${'1.0,'.repeat(300_000)}0]`)).toContain('one decimal too many');
    expect(refusal(`{"${'k'.repeat(100_000)}":[${'1.0,'.repeat(300)}0]}`)).toContain('one decimal too many');
  });
});

describe('decimals keep their text (https://hl7.org/fhir/R4/datatypes.html#decimal)', () => {
  test('only where it says more than the number', () => {
    const { value, exactNumbers } = parseJson(
      '{"a":[1.10,1.5,{"b/~c":9007199254740993}],"d":1e2,"e":-0,"f":100,"g":0.5}',
    );
    expect(value).toEqual({ a: [1.1, 1.5, { 'b/~c': 9007199254740992 }], d: 100, e: -0, f: 100, g: 0.5 });
    expect([...(exactNumbers ?? [])]).toEqual([
      ['/a/0', '1.10'],
      ['/a/2/b~1~0c', '9007199254740993'],
      ['/d', '1e2'],
      ['/e', '-0'],
    ]);
    expect(parseJson('{"a":[1,-2,0,123456789012345,0.25]}').exactNumbers).toBeUndefined();
  });

  test.each([
    '9007199254740993',
    '1.10',
    '1.00',
    '1e2',
    '-0',
    '0.0',
    '1E+2',
    '0.000000000000000001',
    '123456789012345678.90',
  ])('%s comes back as it was', (text) => {
    expect(roundTrip(`{"a":{"b":[0,${text}]}}`)).toBe(`{"a":{"b":[0,${text}]}}`);
    expect(roundTrip(text)).toBe(text);
  });

  test('a text is not used where the tree holds another number by now', () => {
    const { value, exactNumbers } = parseJson('{"amount":{"value":1.10},"other":[2.0]}');
    const tree = value as { amount: { value: number }; other?: number[] };
    tree.amount.value = 2;
    delete tree.other;
    expect(serializeJson(tree, exactNumbers)).toBe('{"amount":{"value":2}}');
  });

  test('serializing leaves the tree as it was', () => {
    const { value, exactNumbers } = parseJson('{"a":{"b":[1.0,2.0]}}');
    expect(serializeJson(value, exactNumbers)).toBe('{"a":{"b":[1.0,2.0]}}');
    expect(value).toEqual({ a: { b: [1, 2] } });
  });
});

describe(`for all texts (seed ${seed})`, () => {
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 18 });
  const numberText = fc
    .tuple(fc.constantFrom('', '-'), digits, fc.option(digits), fc.option(fc.integer({ min: -99, max: 99 })))
    .map(([sign, whole, decimals, exponent]) => {
      const integer = whole.replace(/^0+(?=\d)/, '');
      return `${sign}${integer}${decimals === null ? '' : `.${decimals}`}${exponent === null ? '' : `e${exponent}`}`;
    });

  test('numbers come back letter by letter', () => {
    const property = fc.property(fc.array(numberText), fc.string(), (numbers, key) => {
      fc.pre(key !== '__proto__');
      const text = `{${JSON.stringify(key)}:[${numbers.join()}]}`;
      expect(roundTrip(text)).toBe(text);
    });
    fc.assert(property, { seed, numRuns: 500 });
  });

  test('what is accepted is read as JSON.parse reads it', () => {
    const property = fc.property(
      fc.jsonValue({ maxDepth: 6 }),
      fc.constantFrom(undefined, 1, '\t'),
      (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        fc.pre(
          !text.includes('__proto__') &&
            !text.includes('\\u0000') &&
            !/\\ud[89a-f]/.test(text) &&
            !/e-3\d\d/.test(text),
        );
        const parsed = parseJson(text);
        expect(parsed.value).toEqual(JSON.parse(text));
        expect(serializeJson(parsed.value, parsed.exactNumbers)).toBe(JSON.stringify(JSON.parse(text)));
      },
    );
    fc.assert(property, { seed, numRuns: 500 });
  });

  test('runs of any length end where they end, and what may not be in them is found in its place', () => {
    const run = fc
      .tuple(fc.constantFrom('a', '/', 'é', '\u{1f600}'), fc.nat(300), fc.constantFrom('', '\\n', '\\"', '\\u00e9'))
      .map(([one, length, end]) => one.repeat(length) + end);
    const blanks = fc.tuple(fc.constantFrom(' ', '\t'), fc.nat(300)).map(([one, length]) => one.repeat(length));
    const property = fc.property(fc.array(run, { maxLength: 4 }), blanks, blanks, (runs, before, behind) => {
      const [string, start] = [`"${runs.join('')}"`, `${before}[${behind}`];
      const text = `${start}${string}${behind}]${before}`;
      expect(parseJson(text).value).toEqual(JSON.parse(text));
      const column = start.length + string.length;
      expect(refusal(start + string.slice(0, -1))).toMatch(
        `the end of the text inside a string at line 1, column ${column}.`,
      );
      expect(refusal(`${start}${string.slice(0, -1)}\u001f"]`)).toMatch(
        `a control character in a string at line 1, column ${column}.`,
      );
      expect(refusal(`${start}${string}${behind}x`)).toMatch(
        `an unexpected character at line 1, column ${column + behind.length + 1}.`,
      );
    });
    fc.assert(property, { seed, numRuns: 500 });
  });

  test('in pieces it is read or refused as at once', async () => {
    const keys = fc.constantFrom('a', 'b', '__proto__');
    const text = fc
      .array(fc.tuple(keys, numberText), { maxLength: 4 })
      .map((members) => `{${members.map(([key, number]) => `"${key}":${number}`).join()}}`);
    const property = fc.asyncProperty(fc.oneof(text, fc.json(), fc.string()), async (one) => {
      let pauses = 0;
      const pause = async () => void pauses++;
      const read = await parseLongJson(one, pause).then(JSON.stringify, (error: Error) => error.message);
      const answer = refusal(one);
      expect(read).toBe(answer === 'accepted' ? JSON.stringify(parseJson(one)) : answer);
      if (answer === 'accepted') expect(pauses).toBe(2);
    });
    await fc.assert(property, { seed, numRuns: 500 });
  });

  test('a text with one character changed is read like JSON.parse or refused, never with another error', () => {
    const base = '{"a":[1.5,-2e1,true,null,"x\\u00e9\\n"],"b":{"c":{}}}';
    const anyCharacter = fc.constantFrom(...'{}[]:,"\\ utfn019.-+eE\u0000\ud800');
    const property = fc.property(fc.nat(base.length), fc.nat(2), anyCharacter, (at, length, character) => {
      const text = base.slice(0, at) + character + base.slice(at + length);
      const answer = refusal(text);
      if (answer === 'accepted') expect(parseJson(text).value).toEqual(JSON.parse(text));
      else expect(answer).toMatch(/^The JSON cannot be accepted: .* at line 1, column \d+\.$/);
    });
    fc.assert(property, { seed, numRuns: 2000 });
  });

  test('every duplicate key is found, at any depth', () => {
    const property = fc.property(fc.jsonValue({ maxDepth: 3 }), fc.nat(30), fc.boolean(), (value, depth, inArray) => {
      const inner = `{"key":${JSON.stringify(value)},"key":1}`;
      const text = (inArray ? '[' : '{"x":').repeat(depth) + inner + (inArray ? ']' : '}').repeat(depth);
      fc.pre(!text.includes('__proto__') && !text.includes('\\u'));
      expect(refusal(text)).toContain('the same key twice ("key")');
    });
    fc.assert(property, { seed, numRuns: 200 });
  });
});
