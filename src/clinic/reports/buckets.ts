// How old a debt is, in the steps of thirty days that statements and reminders count by (domain.md `$statement`).

export const buckets = ['0-30', '31-60', '61-90', '90+'] as const;
export type Bucket = (typeof buckets)[number];

const dayMs = 86_400_000;

/** Both `YYYY-MM-DD`. */
export function bucketOf(issuedOn: string, today: string): Bucket {
  const days = (Date.parse(today) - Date.parse(issuedOn)) / dayMs;
  if (days <= 30) return '0-30';
  if (days <= 60) return '31-60';
  return days <= 90 ? '61-90' : '90+';
}
