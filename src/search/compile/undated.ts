// The end of a walk by date: resources without one come last, in the order of their ids: https://hl7.org/fhir/R4/search.html#sort

import { noSpan } from '../date-span.ts';
import { calendarText } from '../token-text.ts';
import { all, candidatesMax } from './candidates.ts';
import { missingKey, readsDown } from './sort.ts';
import { isOfType, tokenTests } from './sql.ts';
import { type ParameterWalk, walkMax } from './walk-bounds.ts';

/** Where one in fifty has no date, so many resources hold a page of those. */
const nearMax = 1_000;

export interface UndatedSteps {
  /** Behind `dated`, each with a comma. */
  readonly ctes: string;
  /** Selects what they found. */
  readonly rows: string;
  /** True where that is not all. */
  readonly isBeyond: string;
}

/**
 * They are looked for among the resources that follow, when the dated ones do not fill the page (backward they are what comes
 * first); then by their token, unless so many have it that a walk soon has a page of them. Undefined where none can be meant.
 */
export function undatedSteps(walk: ParameterWalk): UndatedSteps | undefined {
  const { page, limit, context } = walk;
  const { order, after, rowsMax = walkMax } = page;
  const isAmong = after?.keys[0] === missingKey(walk.parameter, order.idDescends);
  if (order.isReversed && after && !isAmong) return undefined;
  const sign = readsDown(order) ? '<' : '>';
  const place = all([isOfType('r', context), ...(isAmong ? [`r.id ${sign} ${context.values.bind(after.id)}`] : [])]);
  const found = undatedRows(walk, place);
  const count = (name: string) => `(SELECT count(*) FROM ${name})`;
  const isWanted = order.isReversed ? 'true' : `${count('dated')} < ${limit}`;
  const isMany = `${count('others')} > ${candidatesMax}`;
  return {
    ctes: `near AS MATERIALIZED (${found.among(Math.min(nearMax, rowsMax), isWanted)}),
  others AS MATERIALIZED (${found.byToken(`${isWanted} AND ${count('near')} < ${limit}`)}),
  walked AS MATERIALIZED (${found.among(rowsMax, isMany)}),
  `,
    rows: `SELECT * FROM near WHERE ${count('near')} >= ${limit}
      UNION ALL SELECT * FROM others WHERE NOT ${isMany} UNION ALL SELECT * FROM walked`,
    isBeyond: `(${isMany} AND ${count('walked')} < ${limit} AND EXISTS (
      SELECT FROM resource r WHERE ${place} ORDER BY ${found.inOrder} OFFSET ${rowsMax} LIMIT 1))`,
  };
}

function undatedRows({ parameter, page, tests, limit, context }: ParameterWalk, place: string) {
  const [none = ''] = tokenTests([{ kind: 'tokens', anyOf: [[calendarText(parameter.key, noSpan)]] }], 'r', context);
  const columns = `r.id, r.last_updated, '${missingKey(parameter, page.order.idDescends)}'::timestamptz AS k1`;
  const inOrder = `r.id${readsDown(page.order) ? ' DESC' : ''}`;
  return {
    inOrder,
    byToken: (isWanted: string) => `
    SELECT ${columns} FROM resource r
    WHERE ${isWanted} AND ${none} AND ${place} AND ${tests} LIMIT ${candidatesMax + 1}`,
    among: (rows: number, isWanted: string) => `
    SELECT ${columns} FROM (
      SELECT r.* FROM resource r WHERE ${isWanted} AND ${place} ORDER BY ${inOrder} LIMIT ${rows}) r
    WHERE ${none} AND ${tests} ORDER BY ${inOrder} LIMIT ${limit}`,
  };
}
