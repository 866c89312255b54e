// How a number is compared with a stored one, or with a stored range of them: https://hl7.org/fhir/R4/search.html#prefix

/** Ends as texts of exact-number.ts, both inclusive. */
export interface NumberRange {
  readonly low: string;
  readonly high: string;
}

export const numberPrefixes = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'] as const;
export type NumberPrefix = (typeof numberPrefixes)[number];

/** The range a value stands for by its precision, or by `ap`; with the other prefixes both ends are the number itself. */
export interface NumberTest extends NumberRange {
  readonly prefix: NumberPrefix;
}

/** One end of what is stored against one end of what is asked. */
export interface EndTest {
  readonly stored: keyof NumberRange;
  readonly operator: '<' | '<=' | '>' | '>=';
  readonly asked: keyof NumberRange;
}

const fromLow: EndTest = { stored: 'low', operator: '>=', asked: 'low' };
const toHigh: EndTest = { stored: 'high', operator: '<=', asked: 'high' };
const beforeLow: EndTest = { stored: 'low', operator: '<', asked: 'low' };
const afterHigh: EndTest = { stored: 'high', operator: '>', asked: 'high' };

/** Of one of these lists all tests hold. */
const ofRanges: Readonly<Record<NumberPrefix, readonly (readonly EndTest[])[]>> = {
  eq: [[fromLow, toHigh]],
  ne: [[beforeLow], [afterHigh]],
  gt: [[afterHigh]],
  lt: [[beforeLow]],
  ge: [[afterHigh], [fromLow]],
  le: [[beforeLow], [toHigh]],
  sa: [[{ stored: 'low', operator: '>', asked: 'high' }]],
  eb: [[{ stored: 'high', operator: '<', asked: 'low' }]],
  ap: [
    [
      { stored: 'low', operator: '<=', asked: 'high' },
      { stored: 'high', operator: '>=', asked: 'low' },
    ],
  ],
};

/** The same where both ends are one number: nothing is asked twice, so that an index has one stretch to read. */
const ofNumbers: typeof ofRanges = {
  ...ofRanges,
  ge: [[fromLow]],
  le: [[toHigh]],
};

export function testsOfNumber(prefix: NumberPrefix): readonly (readonly EndTest[])[] {
  return ofNumbers[prefix];
}

export function testsOfRange(prefix: NumberPrefix): readonly (readonly EndTest[])[] {
  return ofRanges[prefix];
}

export function passesNumber(test: NumberTest, stored: NumberRange): boolean {
  return ofRanges[test.prefix].some((list) => list.every((end) => holds(end, test, stored)));
}

function holds({ stored, operator, asked }: EndTest, test: NumberTest, range: NumberRange): boolean {
  const [left, right] = [range[stored], test[asked]];
  switch (operator) {
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
  }
}
