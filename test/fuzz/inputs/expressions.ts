// FHIRPath by its grammar, over a resource it is evaluated on: https://hl7.org/fhirpath/N1/

import fc from 'fast-check';
import { anyType, definitions } from './resources.ts';

export interface Expression {
  readonly type: string;
  /** Of the resource. */
  readonly seed: number;
  readonly source: string;
}

const literals = [
  ...[
    "'a'",
    "''",
    "'\\u0041'",
    'true',
    'false',
    '0',
    '1',
    '-1',
    '2.50',
    '99999999999',
    '{}',
    '@2026',
    '@2026-11-20T10:00:00Z',
    '@T10:30',
  ],
  ...["5 'mg'", '2 days', '%resource', '%context', '$this', '$index', '%ucum', "%'vs-x'"],
];
const noArguments =
  'first last tail count exists empty not allTrue anyFalse distinct isDistinct children descendants hasValue toString toInteger toDecimal toQuantity toDateTime toBoolean convertsToInteger length upper lower trim abs ceiling floor round sqrt truncate resolve type toChars ln exp now today'.split(
    ' ',
  );
const oneArgument =
  'where select all exists repeat ofType as is skip take startsWith endsWith contains matches indexOf substring extension intersect exclude union combine subsetOf supersetOf iif trace aggregate split join power log memberOf conformsTo'.split(
    ' ',
  );
const operators = [
  '+',
  '-',
  '*',
  '/',
  'div',
  'mod',
  '&',
  '|',
  '=',
  '!=',
  '~',
  '!~',
  '<',
  '<=',
  '>',
  'and',
  'or',
  'xor',
  'implies',
  'in',
  'contains',
];

/** Paths that lead somewhere in the type, and those that do not. */
function names(type: string): string[] {
  return [...definitions.properties(type).keys()].filter((name) => !name.startsWith('_'));
}

const made = new Map<string, fc.Arbitrary<string>>();

function expressionsOf(type: string): fc.Arbitrary<string> {
  const known = made.get(type) ?? makeExpressions(type);
  made.set(type, known);
  return known;
}

function makeExpressions(type: string): fc.Arbitrary<string> {
  const name = fc.constantFrom(...names(type), 'value', 'coding', 'code', 'reference', 'given', 'extension', type, 'x');
  const { expression } = fc.letrec<{ expression: string; term: string }>((tie) => ({
    term: fc.oneof(
      { maxDepth: 6, depthIdentifier: 'fhirpath' },
      name,
      fc.constantFrom(...literals),
      tie('expression').map((inner) => `(${inner})`),
    ),
    expression: fc.oneof(
      { maxDepth: 6, depthIdentifier: 'fhirpath' },
      name,
      fc.tuple(tie('term'), name).map(([term, next]) => `${term}.${next}`),
      fc.tuple(tie('term'), fc.constantFrom(...noArguments)).map(([term, call]) => `${term}.${call}()`),
      fc
        .tuple(tie('term'), fc.constantFrom(...oneArgument), tie('expression'))
        .map(([term, call, inner]) => `${term}.${call}(${inner})`),
      fc.tuple(tie('term'), fc.constantFrom(...operators), tie('term')).map((parts) => parts.join(' ')),
      fc.tuple(tie('term'), fc.nat(3)).map(([term, at]) => `${term}[${at}]`),
      fc
        .tuple(
          tie('term'),
          fc.constantFrom('is', 'as'),
          fc.constantFrom('string', 'Quantity', 'System.Integer', 'Nothing'),
        )
        .map((parts) => parts.join(' ')),
    ),
  }));
  return expression;
}

const bombs = [
  'descendants().select(%resource.descendants().count()).count()',
  'repeat($this)',
  'repeat(repeat($this))',
  "'a'.repeat($this & $this)",
  `${'('.repeat(1_000)}1${')'.repeat(1_000)}`,
  '('.repeat(300),
  "id.matches('(a+)+$')",
  'children().select(%resource.children().select(%resource.children().count()))',
];

const soup = fc
  .array(
    fc.constantFrom(
      ...literals,
      ...operators,
      ...noArguments,
      '(',
      ')',
      '.',
      '[',
      ']',
      ',',
      '`a b`',
      '//x',
      '/*',
      'name',
      "'",
      '\u0000',
      '\ud800',
    ),
    { maxLength: 15 },
  )
  .map((all) => all.join(''));

/** Once: making it costs more than making an expression. */
const anyText = fc.string();

export const expressions: fc.Arbitrary<Expression> = anyType.chain((type) =>
  fc.record({
    type: fc.constant(type),
    seed: fc.nat(),
    source: fc.oneof(
      { arbitrary: expressionsOf(type), weight: 7 },
      { arbitrary: soup, weight: 2 },
      { arbitrary: anyText, weight: 1 },
      { arbitrary: fc.constantFrom(...bombs), weight: 1 },
    ),
  }),
);
