// How old a debt is, in the steps of thirty days that statements and reminders count by (domain.md `$statement`).

/** By the days since the Invoice was issued, of which `lastDay` is the last; the oldest have none. */
const steps = [
  { name: '0-30', lastDay: 30 },
  { name: '31-60', lastDay: 60 },
  { name: '61-90', lastDay: 90 },
  { name: '90+', lastDay: undefined },
] as const;

export type Bucket = (typeof steps)[number]['name'];
export const buckets: readonly Bucket[] = steps.map(({ name }) => name);

const dayMs = 86_400_000;

/** Both `YYYY-MM-DD`. */
export function bucketOf(issuedOn: string, today: string): Bucket {
  const days = (Date.parse(today) - Date.parse(issuedOn)) / dayMs;
  return steps.find(({ lastDay }) => lastDay === undefined || days <= lastDay)?.name ?? '90+';
}

/** The same as SQL: for each bucket a test of the days, which `days` gives. */
export function bucketTests(days: string): string[] {
  return steps.map(({ lastDay }, index) => {
    const before = steps[index - 1]?.lastDay;
    const tests = [
      ...(before === undefined ? [] : [`${days} > ${before}`]),
      ...(lastDay === undefined ? [] : [`${days} <= ${lastDay}`]),
    ];
    return tests.join(' AND ');
  });
}
