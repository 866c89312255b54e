// Conditions on numbers in SQL: as a test of one resource, and as a start from the index on range_value.

import { type EndTest, type NumberTest, testsOfNumber, testsOfRange } from '../number-range.ts';
import type { Condition, RangeAlternative } from './condition.ts';
import { isOfType, type SqlContext } from './sql.ts';

export type RangeCondition = Condition & { kind: 'range' };

/** True where the row of `alias` has an entry that passes: all its entries of the parameters are read, each once, until one does. */
export function rangeTest({ anyOf }: RangeCondition, alias: string, context: SqlContext): string {
  if (anyOf.length === 0) return 'false';
  const tests = groupsOf(anyOf).map((group) => {
    const { wanted, columns, parameters } = wantedRows(group, context);
    const passes = rowTests(group, testsOfRange, columns).map((list) => `(${list.join(' AND ')})`);
    return `EXISTS (SELECT FROM range_value v WHERE ${isOfType('v', context)} AND v.id = ${alias}.id AND v.parameter = ANY(${parameters})
      AND EXISTS (SELECT FROM ${wanted} WHERE w.parameter = v.parameter AND w.unit = v.unit AND (${passes.join(' OR ')}) OFFSET 0) OFFSET 0)`;
  });
  return tests.length === 1 ? (tests[0] as string) : `(${tests.join(' OR ')})`;
}

/**
 * Gives `id` and `is_beyond`: each resource once, unless so many rows pass that there may be more of them than were read; then
 * each row, so that whoever counts them sees it. One number is sought on the index on low ends; ranges, which are
 * few, have a partial index on high ends.
 */
export function rangeStart({ anyOf }: RangeCondition, limit: number | undefined, context: SqlContext): string {
  const bound = limit === undefined ? '' : ` LIMIT ${limit}`;
  const rows = groupsOf(anyOf).flatMap((group) => {
    const { wanted, columns } = wantedRows(group, context);
    return [
      ...rowTests(group, testsOfNumber, columns).map((list) =>
        rowsOf(wanted, ['v.low = v.high', ...list.map(onLow)], bound, context),
      ),
      ...rowTests(group, testsOfRange, columns).map((list) =>
        rowsOf(wanted, ['v.low < v.high', ...list], bound, context),
      ),
    ];
  });
  if (rows.length === 0) return 'SELECT NULL::text AS id, false AS is_beyond WHERE false';
  const found = `SELECT s.id FROM (${rows.join('\n      UNION ALL ')}) s${bound}`;
  if (limit === undefined) return `SELECT DISTINCT f.id, false AS is_beyond FROM (${found}) f`;
  return `SELECT n.id, n.is_beyond FROM (
      SELECT f.id, row_number() OVER (PARTITION BY f.id) AS place, count(*) OVER () >= ${limit} AS is_beyond FROM (
      ${found}) f) n
    WHERE n.place = 1 OR n.is_beyond`;
}

function rowsOf(wanted: string, tests: readonly string[], bound: string, context: SqlContext): string {
  return `SELECT v.id FROM ${wanted} CROSS JOIN LATERAL (
        SELECT v.id FROM range_value v WHERE ${isOfType('v', context)} AND v.parameter = w.parameter AND v.unit = w.unit
          AND ${tests.join(' AND ')}${bound === '' ? ' OFFSET 0' : bound}) v`;
}

/** Both ends are the same then, and the low one is what the index begins with. */
function onLow(test: string): string {
  return test.replace(/^v\.high /, 'v.low ');
}

/** Alternatives that differ only in their values: one statement text, however many there are. */
function groupsOf(anyOf: readonly RangeAlternative[]): RangeAlternative[][] {
  const groups = new Map<string, RangeAlternative[]>();
  for (const alternative of anyOf) {
    const shape = alternative.tests.map(({ prefix }) => prefix).join(' ');
    groups.set(shape, [...(groups.get(shape) ?? []), alternative]);
  }
  return [...groups.values()];
}

/** Columns `parameter`, `unit` and the ends of each test; and the array of the parameters. */
function wantedRows(group: readonly RangeAlternative[], { values, tokenOf }: SqlContext) {
  const parameters = `${values.bind(group.map(({ parameter }) => parameter))}::text[]`;
  const units = values.bind(`{${group.map(({ unit }) => tokenOf(unit)).join(',')}}`);
  const lists = [parameters, `${units}::bigint[]`];
  const names = ['parameter', 'unit'];
  const columns = (group[0]?.tests ?? []).map((_, index) => {
    const ends = { low: `low${index}`, high: `high${index}` };
    for (const end of ['low', 'high'] as const) {
      lists.push(`${values.bind(group.map(({ tests }) => tests[index]?.[end]))}::text[]`);
      names.push(ends[end]);
    }
    return { low: `w.${ends.low}`, high: `w.${ends.high}` };
  });
  return { wanted: `unnest(${lists.join(', ')}) AS w(${names.join(', ')})`, columns, parameters };
}

type Columns = Readonly<Record<keyof Pick<NumberTest, 'low' | 'high'>, string>>;

/** All tests of an alternative, multiplied out: one of the lists must hold. */
function rowTests(
  [first]: readonly RangeAlternative[],
  testsOf: (prefix: NumberTest['prefix']) => readonly (readonly EndTest[])[],
  columns: readonly Columns[],
): string[][] {
  let lists: string[][] = [[]];
  for (const [index, { prefix }] of (first?.tests ?? []).entries()) {
    const ways = testsOf(prefix).map((ends) =>
      ends.map(({ stored, operator, asked }) => `v.${stored} ${operator} ${columns[index]?.[asked]}`),
    );
    lists = lists.flatMap((list) => ways.map((way) => [...list, ...way]));
  }
  return lists;
}
