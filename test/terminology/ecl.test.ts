// The expression constraint language of SNOMED CT: what is read as what, what is refused by name, and that the answer is what a
// plain reading of each operator gives: https://confluence.ihtsdotools.org/display/DOCECL

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Doors, openDoors } from '../../src/doors.ts';
import { FhirError } from '../../src/fhir/outcome.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { conceptsThatFit } from '../../src/terminology/ecl/evaluate.ts';
import { type Expression, type Refinement, relativesOperators } from '../../src/terminology/ecl/expression.ts';
import { parseExpression } from '../../src/terminology/ecl/parse.ts';
import { findSystem } from '../../src/terminology/find-system.ts';
import { indexSystem } from '../../src/terminology/index-system.ts';
import type { SourceConcept } from '../../src/terminology/source-system.ts';
import { storeSystems } from '../../src/terminology/store-systems.ts';
import { SystemReader } from '../../src/terminology/system-reader.ts';
import { createTestDatabase, type TestDatabase, testKeys } from '../support/database.ts';

const seed = 20_261_120;
const concept = (code: string): Expression => ({ kind: 'concept', code });
const relatives = (operator: '<' | '<<' | '>' | '>>', of: Expression): Expression => ({
  kind: 'relatives',
  operator,
  of,
});
const [a, b, c] = ['100001', '100002', '100003'].map(concept) as [Expression, Expression, Expression];
const attribute = (name: Expression, value: Expression): Refinement => ({ kind: 'attribute', name, value });

describe('reading', () => {
  test.each<[string, Expression]>([
    ['100001', a],
    [' 100001 |A term, of (any) < kind| ', a],
    ['100001 /* said */', a],
    ['*', { kind: 'any' }],
    ['< 100001', relatives('<', a)],
    ['<<100001|x|', relatives('<<', a)],
    ['>>100001', relatives('>>', a)],
    ['^100001', { kind: 'members', of: a }],
    ['< ^ 100001', relatives('<', { kind: 'members', of: a })],
    ['100001 AND 100002 and 100003', { kind: 'and', parts: [a, b, c] }],
    ['100001, 100002', { kind: 'and', parts: [a, b] }],
    ['100001 OR 100002', { kind: 'or', parts: [a, b] }],
    ['100001 MINUS 100002', { kind: 'minus', from: a, without: b }],
    ['(100001 OR 100002) MINUS 100003', { kind: 'minus', from: { kind: 'or', parts: [a, b] }, without: c }],
    ['100001: 100002 = 100003', { kind: 'refined', of: a, by: attribute(b, c) }],
    ['100001: {100002 = <<100003}', { kind: 'refined', of: a, by: attribute(b, relatives('<<', c)) }],
    [
      '*: 100001 = *, (100002 = 100003 OR <100002 = 100001)',
      {
        kind: 'refined',
        of: { kind: 'any' },
        by: {
          kind: 'and',
          parts: [
            attribute(a, { kind: 'any' }),
            { kind: 'or', parts: [attribute(b, c), attribute(relatives('<', b), a)] },
          ],
        },
      },
    ],
  ])('%s', (text, expression) => expect(parseExpression(text)).toEqual(expression));

  const refusalOf = (text: string) => {
    try {
      parseExpression(text);
    } catch (error) {
      return (error as FhirError).issues[0];
    }
    throw new Error(`${text} was read`);
  };

  test.each([
    ['', '1'],
    ['<', '2'],
    ['12345', '1'],
    ['0123456', '1'],
    ['100001 100002', '8'],
    ['100001 term', '8'],
    ['(100001', '8'],
    ['100001)', '7'],
    ['100001: 100002', '15'],
    ['100001: 100002 = ', '18'],
    ['100001 |open', '8'],
    ['< < 100001', '3'],
    ['100001; DROP', '7'],
    ['100001 AND 100002 OR 100003', '19'],
    ['100001 MINUS 100002 MINUS 100003', '21'],
  ])('%s is no expression from character %s on', (text, place) => {
    expect(refusalOf(text)).toMatchObject({
      code: 'invalid',
      diagnostics: expect.stringMatching(`character ${place}\\b`),
    });
  });

  test.each([
    ['< 100001 {{ term = "x" }}', 'double braces'],
    ['100001 . 100002', 'dotted'],
    ['100001: [1..3] 100002 = 100003', 'cardinality'],
    ['100001: R 100002 = 100003', 'reversed'],
    ['100001: 100002 != 100003', '!='],
    ['100001: 100002 = #5', 'number'],
    ['100001: 100002 >= #5', 'numbers'],
    ['100001: 100002 = "x"', 'text'],
    ['100001: {100002 = 100003, 100003 = 100001}', 'group of several'],
    ['!!< 100001', '!!<'],
  ])('%s is refused by name', (text, what) => {
    expect(refusalOf(text)).toMatchObject({ code: 'not-supported', diagnostics: expect.stringContaining(what) });
  });

  test.each([
    ['characters', `100001${' '.repeat(4_000)}`],
    ['words', Array.from({ length: 300 }, () => '100001').join(' OR ')],
    ['parentheses', `${'('.repeat(21)}100001${')'.repeat(21)}`],
  ])('too many %s are too costly', (_, text) => expect(refusalOf(text)?.code).toBe('too-costly'));

  test('texts of any kind are read or refused, in time that grows with their length', () => {
    const piece = fc.constantFrom(
      '100001',
      '<',
      '<<',
      '^',
      '*',
      '(',
      ')',
      ':',
      '=',
      '{',
      '|t|',
      'AND',
      ',',
      '/*',
      'R',
      '\u{1f600}',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 300 }), (pieces) => {
        try {
          parseExpression(pieces.join(' '));
        } catch (error) {
          expect(error).toBeInstanceOf(FhirError);
        }
      }),
      { seed, numRuns: 500 },
    );
  });
});

describe('the concepts that fit', () => {
  const attributeNames = [1, 2, 3];
  const sets = [4, 5];

  /** A concept's number is its place in the list. */
  interface Drawn {
    readonly parents: readonly number[];
    readonly inactive: boolean;
    readonly attributes: readonly (readonly [name: number, value: number])[];
    readonly memberOf: readonly number[];
  }

  const codeOf = (number: number) => `${100_000 + number}`;

  function draw(size: number): Drawn[] {
    let state = seed;
    const below = (max: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * max);
    };
    const some = <T>(max: number, make: () => T) => Array.from({ length: below(max + 1) }, make);
    return Array.from({ length: size }, (_, number) => ({
      parents: number === 0 ? [] : [...new Set([below(number), ...some(2, () => below(number))])],
      inactive: below(10) === 0,
      attributes: some(3, () => [attributeNames[below(3)] as number, below(size)] as const),
      memberOf: [...new Set(some(2, () => sets[below(2)] as number))],
    }));
  }

  const toConcept = ({ parents, inactive, attributes, memberOf }: Drawn, number: number): SourceConcept => ({
    code: codeOf(number),
    parents: parents.map(codeOf),
    inactive,
    properties: [
      ...attributes.map(([name, value]) => ({ code: codeOf(name), type: 'code' as const, value: codeOf(value) })),
      ...memberOf.map((set) => ({ code: 'memberOf', type: 'code' as const, value: codeOf(set) })),
    ],
  });

  /** By the words of the specification, on the list itself. */
  class PlainReading {
    readonly #all: readonly Drawn[];
    /** Parents have smaller numbers. */
    readonly #ancestors: Set<number>[] = [];

    constructor(all: readonly Drawn[]) {
      this.#all = all;
      for (const { parents } of all) {
        const further = parents.map((parent) => this.#ancestors[parent] as Set<number>);
        this.#ancestors.push(further.reduce((x, y) => x.union(y), new Set(parents)));
      }
    }

    codes(expression: Expression): string[] {
      return [...this.#fitting(expression)]
        .filter((number) => !this.#all[number]?.inactive)
        .map(codeOf)
        .sort();
    }

    #fitting(expression: Expression): Set<number> {
      switch (expression.kind) {
        case 'any':
          return new Set(this.#all.keys());
        case 'concept':
          return new Set([Number(expression.code) - 100_000]);
        case 'and':
          return expression.parts.map((part) => this.#fitting(part)).reduce((x, y) => x.intersection(y));
        case 'or':
          return expression.parts.map((part) => this.#fitting(part)).reduce((x, y) => x.union(y));
        case 'minus':
          return this.#fitting(expression.from).difference(this.#fitting(expression.without));
        case 'members':
          return this.#members(this.#fitting(expression.of));
        case 'refined':
          return this.#fitting(expression.of).intersection(this.#having(expression.by));
        default: {
          const starts = this.#fitting(expression.of);
          const { operator } = expression;
          const own = operator.startsWith('<<') || operator.startsWith('>>') ? starts : new Set<number>();
          const isNear = operator.endsWith('!');
          const found = [...starts].map((start) =>
            operator[0] === '<' ? this.#below(start, isNear) : this.#above(start, isNear),
          );
          return found.reduce((all: Set<number>, one) => all.union(one), new Set(own));
        }
      }
    }

    #where(numbers: Iterable<number>, test: (number: number) => boolean): Set<number> {
      return new Set([...numbers].filter(test));
    }

    #members(of: ReadonlySet<number>): Set<number> {
      const found = this.#where(
        this.#all.keys(),
        (number) => this.#all[number]?.memberOf.some((one) => of.has(one)) === true,
      );
      if (found.size === 0) throw new Error('not-supported');
      return found;
    }

    #above(start: number, isNear: boolean): ReadonlySet<number> {
      return isNear ? new Set(this.#all[start]?.parents) : (this.#ancestors[start] as Set<number>);
    }

    #below(start: number, isNear: boolean): ReadonlySet<number> {
      return this.#where(this.#all.keys(), (number) => this.#above(number, isNear).has(start));
    }

    #having(refinement: Refinement): Set<number> {
      if (refinement.kind === 'attribute') {
        const [names, values] = [this.#fitting(refinement.name), this.#fitting(refinement.value)];
        return this.#where(
          this.#all.keys(),
          (number) =>
            this.#all[number]?.attributes.some(([name, value]) => names.has(name) && values.has(value)) === true,
        );
      }
      const sets = refinement.parts.map((part) => this.#having(part));
      return sets.reduce((x, y) => (refinement.kind === 'and' ? x.intersection(y) : x.union(y)));
    }
  }

  const text = (expression: Expression): string => {
    switch (expression.kind) {
      case 'any':
        return '*';
      case 'concept':
        return `${expression.code} |term|`;
      case 'members':
        return `^ ${inner(expression.of)}`;
      case 'relatives':
        return `${expression.operator} ${expression.of.kind === 'members' ? text(expression.of) : inner(expression.of)}`;
      case 'minus':
        return `${inner(expression.from)} MINUS ${inner(expression.without)}`;
      case 'refined':
        return `${inner(expression.of)}: ${refinementText(expression.by)}`;
      default:
        return expression.parts.map(inner).join(` ${expression.kind.toUpperCase()} `);
    }
  };
  const inner = (expression: Expression) =>
    expression.kind === 'any' || expression.kind === 'concept' ? text(expression) : `(${text(expression)})`;
  const refinementText = (refinement: Refinement): string =>
    refinement.kind === 'attribute'
      ? `${refinement.name.kind === 'concept' ? text(refinement.name) : `<< ${codeOf(0)}`} = ${inner(refinement.value)}`
      : refinement.parts
          .map((part) => (part.kind === 'attribute' ? refinementText(part) : `(${refinementText(part)})`))
          .join(refinement.kind === 'or' ? ' OR ' : ' , ');

  const expressionsOf = (size: number): fc.Arbitrary<Expression> => {
    const leaf = fc.nat(size - 1).map((number): Expression => concept(codeOf(number)));
    const name = fc.constantFrom(...attributeNames).map((number) => concept(codeOf(number)));
    const { tree } = fc.letrec<{ tree: Expression; value: Refinement; by: Refinement }>((tie) => {
      const parts = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: 2, maxLength: 3 });
      const operator = fc.constantFrom(...relativesOperators);
      const refinement = fc.record({ kind: fc.constant('attribute' as const), name, value: tie('tree') });
      return {
        tree: fc.oneof(
          { maxDepth: 3, depthSize: 'medium', withCrossShrink: true },
          leaf,
          fc.constant<Expression>({ kind: 'any' }),
          fc.record({ kind: fc.constant('relatives' as const), operator, of: leaf }),
          fc.record({ kind: fc.constant('relatives' as const), operator, of: tie('tree') }),
          fc.record({
            kind: fc.constant('members' as const),
            of: fc.constantFrom(...sets).map((set) => concept(codeOf(set))),
          }),
          fc.record({ kind: fc.constantFrom('and' as const, 'or' as const), parts: parts(tie('tree')) }),
          fc.record({ kind: fc.constant('minus' as const), from: tie('tree'), without: tie('tree') }),
          fc.record({ kind: fc.constant('refined' as const), of: tie('tree'), by: tie('by') }),
        ) as fc.Arbitrary<Expression>,
        value: refinement,
        by: fc.oneof(
          { maxDepth: 1 },
          tie('value'),
          fc.record({ kind: fc.constantFrom('and' as const, 'or' as const), parts: parts(tie('value')) }),
        ) as fc.Arbitrary<Refinement>,
      };
    });
    return tree;
  };

  let database: TestDatabase;
  let doors: Doors;
  let tenantId: number;
  beforeAll(async () => {
    database = await createTestDatabase();
    doors = openDoors({ databaseUrl: database.url, ...testKeys, onIdleError: () => undefined });
    ({ tenantId } = await createTenant(doors, { name: 'a' }));
  });
  afterAll(async () => {
    await doors.close();
    await database.drop();
  });

  async function store(url: string, drawn: readonly Drawn[]): Promise<void> {
    const facts = {
      version: '',
      title: url,
      content: 'complete',
      subsumes: true,
      caseSensitive: true,
      properties: [],
    } as const;
    const system = await indexSystem({ url, ...facts, concepts: drawn.map(toConcept) });
    await doors.tenantDoor(tenantId, (trx) => storeSystems(trx, 'tenant', [{ resourceId: null, system }]));
  }

  const codesOf = async (url: string, expression: string): Promise<string[]> =>
    await doors.tenantDoor(
      tenantId,
      async (trx) => {
        const system = await findSystem(trx, url);
        if (!system) throw new Error(url);
        const reader = new SystemReader(trx, system);
        const found = await conceptsThatFit(reader, expression);
        return (await reader.byIds(found.slice(0, found.count), true)).map(({ code }) => code).sort();
      },
      'read',
    );

  test.each([
    ['a small code system, read whole', 40, 400],
    ['one whose sets are stored', 1_100, 100],
  ])('%s', async (name, size, numRuns) => {
    const drawn = draw(size);
    await store(`urn:${name}`, drawn);
    const reading = new PlainReading(drawn);
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(expressionsOf(size), async (expression) => {
        expect(parseExpression(text(expression))).toEqual(expression);
        const found = await codesOf(`urn:${name}`, text(expression)).catch((error: FhirError) => {
          if (error.issues?.[0]?.code !== 'too-costly') throw error;
          return undefined;
        });
        if (!found) return;
        answered++;
        expect(found).toEqual(reading.codes(expression));
      }),
      { seed, numRuns },
    );
    expect(answered).toBeGreaterThan(numRuns / 2);
  });

  test('of what is not there nothing is told', async () => {
    await store('urn:few', draw(20));
    for (const [expression, code] of [
      ['<< 900001', 'code-invalid'],
      ['^ 100009', 'not-supported'],
      ['*: * = 100001', 'not-supported'],
      ['< *', undefined],
    ] as const) {
      const answer = codesOf('urn:few', expression);
      if (code === undefined) await expect(answer).resolves.not.toContain(codeOf(0));
      else await expect(answer.catch((error: FhirError) => error.issues[0]?.code)).resolves.toBe(code);
    }
  });
});
