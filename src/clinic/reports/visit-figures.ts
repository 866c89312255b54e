// How visits went, counted from their rows: who came, and who did not (domain.md D10; the no-show rate).

import type { Session } from '../../repository/session.ts';

export const visitDimensions = ['day', 'practitioner', 'department'] as const;
export type VisitDimension = (typeof visitDimensions)[number];

export interface VisitFigure {
  /** Undefined: of the whole period. */
  readonly dimension: VisitDimension | undefined;
  /** Empty where nothing is known of it. */
  readonly value: string;
  /** Of whom it is known whether they came: who has arrived, or not come. */
  readonly due: number;
  readonly missed: number;
}

interface Row {
  readonly parts: (string | null)[];
  readonly due: number;
  readonly missed: number;
}

/** By the local day of the start where a visit takes place. Who cancels has neither come nor stayed away. */
export async function readVisitFigures(
  { trx }: Session,
  { start, end }: { readonly start: string; readonly end: string },
): Promise<VisitFigure[]> {
  const rows = await trx.query<Row>({
    name: 'visit-figures',
    text: `SELECT ARRAY[local_date::text, practitioner, department] AS parts, count(*)::int AS due,
             (count(*) FILTER (WHERE status = 'noshow'))::int AS missed
           FROM (SELECT local_date, practitioner, coalesce('Organization/' || department_id, '') AS department, status FROM visit
                 WHERE local_date BETWEEN $1 AND $2 AND status IN ('arrived', 'checked-in', 'fulfilled', 'noshow')) AS seen
           GROUP BY GROUPING SETS ((), (local_date), (practitioner), (department))
           ORDER BY local_date, practitioner, department`,
    values: [start, end],
  });
  return rows.map(({ parts, due, missed }) => {
    const known = parts.findIndex((part) => part !== null);
    return { dimension: visitDimensions[known], value: parts[known] ?? '', due, missed };
  });
}
