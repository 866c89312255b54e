// Spans of time in milliseconds since 1970, from the first moment in them to the first after them.

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Back to back is no overlap. */
export function meets(a: Interval, b: Interval): boolean {
  return a.low < b.high && b.low < a.high;
}

export function contains(outer: Interval, inner: Interval): boolean {
  return outer.low <= inner.low && inner.high <= outer.high;
}

/** In order, with those that touch made one. */
export function merged(intervals: readonly Interval[]): Interval[] {
  const result: Interval[] = [];
  for (const { low, high } of [...intervals].sort((a, b) => a.low - b.low)) {
    const last = result.at(-1);
    if (last && low <= last.high) result[result.length - 1] = { low: last.low, high: Math.max(last.high, high) };
    else result.push({ low, high });
  }
  return result;
}
