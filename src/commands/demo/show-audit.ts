// Shows the AuditEvents of a visit's Appointment: one for its creation, one for each change (contract.md 46).

import type { AuditEvent } from '@medplum/fhirtypes';
import { DemoFailure } from './demo-failure.ts';
import type { FhirClient, Stored } from './fhir-client.ts';
import type { Report, StepResult } from './report.ts';
import { waitFor } from './wait-for.ts';

/** Booked; then arrived, checked in, fulfilled. */
const expected = { C: 1, U: 3 };
const auditWait = { everyMs: 50, deadlineMs: 2_000 };

export async function awaitAudit(client: FhirClient, appointment: string): Promise<StepResult<Stored<AuditEvent>[]>> {
  let found: Stored<AuditEvent>[] = [];
  const look = async () => {
    found = await client.search<AuditEvent>('AuditEvent', [
      ['entity', appointment],
      ['_count', '100'],
    ]);
    return countOf(found, 'C') >= expected.C && countOf(found, 'U') >= expected.U ? found : undefined;
  };
  if (!(await waitFor(look, auditWait))) {
    throw new DemoFailure(
      `AuditEvents of ${appointment} are missing: ${countOf(found, 'C')} C and ${countOf(found, 'U')} U ` +
        `instead of ${expected.C} C and ${expected.U} U.`,
    );
  }
  return { value: found, detail: `${countOf(found, 'C')} created, ${countOf(found, 'U')} updated` };
}

export function showAudit(events: readonly Stored<AuditEvent>[], appointment: string, report: Report): void {
  report.heading(`AuditEvents of ${appointment}`);
  const inOrder = [...events].sort((a, b) => Date.parse(a.recorded) - Date.parse(b.recorded));
  report.table(
    inOrder.map(({ action, recorded, entity, agent }) => [
      action ?? '',
      recorded,
      entity?.find(({ what }) => what?.reference?.startsWith(appointment))?.what?.reference ?? '',
      agent[0]?.who?.display ?? agent[0]?.who?.reference ?? '',
    ]),
  );
}

function countOf(events: readonly AuditEvent[], action: AuditEvent['action']): number {
  return events.filter((event) => event.action === action).length;
}
