// Takes the next numbers of a series inside the transaction of the write that bears them, so that a refused write leaves no gap: contract.md 45.

import type { SeriesCode } from '../../people/number-series.ts';
import type { Session } from '../../repository/session.ts';
import { TransactionMemo } from '../transaction-memo.ts';
import { formatNumber, periodOf } from './pattern.ts';

/**
 * Of these series many transactions take numbers at the same time, so numbers are laid out ahead and each transaction takes
 * the lowest that nobody else holds; what is aborted gives them back. Those of the others, which move money one at a time,
 * lock their series until they end: README, Decisions.
 */
const laidOutAhead: Partial<Record<SeriesCode, number>> = { PAT: 200, APT: 200 };

/** In ascending order, written as the series' pattern says. */
export async function takeNumbers({ trx, at }: Session, code: SeriesCode, count: number): Promise<string[]> {
  if (count === 0) return [];
  const ahead = laidOutAhead[code] ?? 0;
  const free = ahead > 0 ? await takeFree(trx, code, count) : nothingFree;
  if (free.series && free.numbers.length === count) {
    const period = periodOf(free.series, at);
    if (period === free.series.period) return written(free.numbers, free.series.pattern, period);
  }
  return await takeCounted({ trx, at }, { code, count, ahead, free });
}

/** Locks a series that is not laid out ahead, in the next message: whoever takes its numbers then waits for nothing. */
export function foreseeNumbers({ trx }: Pick<Session, 'trx'>, code: SeriesCode): void {
  // A failure is told to whoever takes numbers.
  lockSeries(trx, code).catch(() => undefined);
}

/** A series as it is stored. */
interface Series {
  readonly pattern: string;
  readonly period: string;
  readonly timezone: string | null;
  /** Numbers that were laid out in an earlier one are nobody's. */
  readonly epoch: number;
}

interface Free {
  readonly numbers: readonly number[];
  /** Absent where there was nothing to take. */
  readonly series?: Series;
}

const nothingFree: Free = { numbers: [] };

/**
 * The lowest that no other transaction holds. An array, for as a subquery it could be evaluated again for each row, and take
 * other numbers each time.
 */
async function takeFree(trx: Session['trx'], code: SeriesCode, count: number): Promise<Free> {
  const rows = await trx.query<Series & { number: number }>({
    name: 'take-numbers',
    text: `DELETE FROM free_number f USING number_series s
           WHERE s.code = $1 AND f.code = $1 AND f.epoch = s.epoch AND f.number = ANY (ARRAY(
             SELECT number FROM free_number
             WHERE code = $1 AND epoch = (SELECT epoch FROM number_series WHERE code = $1)
             ORDER BY number LIMIT $2 FOR UPDATE SKIP LOCKED))
           RETURNING f.number::float8 AS number, s.pattern, s.period, s.epoch, ${timezone}`,
    values: [code, count],
  });
  const [series] = rows;
  return series ? { numbers: rows.map(({ number }) => number), series } : nothingFree;
}

/** In the same statement, so that it costs no message of its own. */
const timezone = "(SELECT value #>> '{}' FROM setting WHERE key = 'timezone') AS timezone";

interface Wanted {
  readonly code: SeriesCode;
  readonly count: number;
  readonly ahead: number;
  /** Taken already. */
  readonly free: Free;
}

/** Counts on under the lock of the series, and lays out some for those who come next. */
async function takeCounted(
  { trx, at }: Pick<Session, 'trx' | 'at'>,
  { code, count, ahead, free }: Wanted,
): Promise<string[]> {
  const series = await lockSeries(trx, code);
  const period = periodOf(series, at);
  const begins = series.period !== '' && period !== series.period;
  const epoch = begins ? series.epoch + 1 : series.epoch;
  // What was laid out before the count began again stays where it is: others may hold some of it, and wait for the series.
  if (begins) sweepEpochs(trx, code, epoch);
  const numbers = free.series?.epoch === epoch ? [...free.numbers] : [];
  // Whoever held the lock before has laid out some.
  if (ahead > 0 && !begins) numbers.push(...(await takeFree(trx, code, count - numbers.length)).numbers);
  const first = begins ? 1 : series.next;
  const missing = count - numbers.length;
  for (let step = 0; step < missing; step++) numbers.push(first + step);
  if (missing > 0 || period !== series.period) {
    const laidOut = missing > 0 ? ahead : 0;
    const next = first + missing;
    keepCount(trx, { code, next, ahead: laidOut, period, epoch });
    lockedSeries.keep({ trx }, [[code, { ...series, period, epoch, next: next + laidOut }]]);
  }
  return written(numbers, series.pattern, period);
}

interface LockedSeries extends Series {
  readonly next: number;
}

/** Until a transaction ends its series are nobody else's. */
const lockedSeries = new TransactionMemo<LockedSeries>();

async function lockSeries(trx: Session['trx'], code: SeriesCode): Promise<LockedSeries> {
  const found = await lockedSeries.read({ trx }, [code], async () => {
    trx.execute({
      name: 'begin-number-series',
      text: 'INSERT INTO number_series (code, pattern) VALUES ($1, $2) ON CONFLICT (tenant_id, code) DO NOTHING',
      values: [code, `${code}-{yyyy}-{00000}`],
    });
    const rows = await trx.query<LockedSeries>({
      name: 'lock-number-series',
      text: `SELECT pattern, period, epoch, next_number::float8 AS next, ${timezone} FROM number_series
             WHERE code = $1 FOR UPDATE OF number_series`,
      values: [code],
    });
    return new Map(rows.map((row) => [code, row]));
  });
  const series = found.get(code);
  if (!series) throw new Error('A number series is not there.');
  return series;
}

interface Count {
  readonly code: SeriesCode;
  readonly next: number;
  readonly ahead: number;
  readonly period: string;
  readonly epoch: number;
}

function keepCount(trx: Session['trx'], { code, next, ahead, period, epoch }: Count): void {
  trx.execute({
    name: 'keep-number-series',
    text: 'UPDATE number_series SET next_number = $2, period = $3, epoch = $4 WHERE code = $1',
    values: [code, next + ahead, period, epoch],
  });
  if (ahead === 0) return;
  trx.execute({
    name: 'lay-out-numbers',
    text: 'INSERT INTO free_number (code, epoch, number) SELECT $1, $2, generate_series($3::bigint, $4::bigint)',
    values: [code, epoch, next, next + ahead - 1],
  });
}

function sweepEpochs(trx: Session['trx'], code: SeriesCode, epoch: number): void {
  trx.execute({
    text: `DELETE FROM free_number WHERE code = $1 AND (epoch, number) IN (
             SELECT epoch, number FROM free_number WHERE code = $1 AND epoch < $2 FOR UPDATE SKIP LOCKED)`,
    values: [code, epoch],
  });
}

function written(numbers: readonly number[], pattern: string, period: string): string[] {
  return numbers.toSorted((a, b) => a - b).map((number) => formatNumber(pattern, period, number));
}
