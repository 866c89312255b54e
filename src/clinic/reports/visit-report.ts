// The MeasureReport of the no-show rate: a proportion, in all and by day, practitioner and department: https://hl7.org/fhir/R4/measurereport.html

import type { MeasureReport, MeasureReportGroup } from '@medplum/fhirtypes';
import { type VisitFigure, visitDimensions } from './visit-figures.ts';

export const visitSummary = 'https://hpms.example/fhir/Measure/visit-summary';

export function visitReport(
  period: { readonly start: string; readonly end: string },
  figures: readonly VisitFigure[],
  today: string,
): MeasureReport {
  return {
    resourceType: 'MeasureReport',
    status: 'complete',
    type: 'summary',
    measure: visitSummary,
    date: today,
    period: { start: period.start, end: period.end },
    group: [groupOf(figures)],
  };
}

function groupOf(figures: readonly VisitFigure[]): MeasureReportGroup {
  const total = figures.find(({ dimension }) => dimension === undefined) ?? { due: 0, missed: 0 };
  return {
    code: { text: 'no-show rate' },
    ...counted(total),
    stratifier: visitDimensions.flatMap((dimension) => {
      const told = figures.filter((figure) => figure.dimension === dimension && figure.value !== '');
      if (told.length === 0) return [];
      const stratum = told.map((figure) => ({ value: { text: figure.value }, ...counted(figure) }));
      return [{ code: [{ text: dimension }], stratum }];
    }),
  };
}

const populationSystem = 'http://terminology.hl7.org/CodeSystem/measure-population';

/** Without anybody who was due there is no rate. */
function counted({ due, missed }: Pick<VisitFigure, 'due' | 'missed'>) {
  const population = (code: string, count: number) => ({
    code: { coding: [{ system: populationSystem, code }] },
    count,
  });
  return {
    population: [population('denominator', due), population('numerator', missed)],
    ...(due > 0 && { measureScore: { value: Math.round((missed / due) * 10_000) / 10_000 } }),
  };
}
