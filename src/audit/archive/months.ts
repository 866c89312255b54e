// Months by their names, and the tables that are partitioned by them.

export const archivedTables = ['audit_event', 'history'] as const;
export type ArchivedTable = (typeof archivedTables)[number];

const monthSyntax = /^\d{4}-(0[1-9]|1[0-2])$/;

/** `2025-10`. */
export function isMonth(text: string): boolean {
  return monthSyntax.test(text);
}

export function monthOf(time: Date): string {
  return time.toISOString().slice(0, 7);
}

/** A month so many before or, where it is negative, after this one. */
export function monthBefore(month: string, count: number): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return monthOf(new Date(Date.UTC(year, number - 1 - count)));
}

export function firstMsOf(month: string): number {
  return Date.parse(`${month}-01T00:00:00Z`);
}

export function partitionOf(table: ArchivedTable, month: string): string {
  return `store.${table}_${month.replace('-', '_')}`;
}
