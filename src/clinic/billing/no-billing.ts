// Imports of what another system has billed carry the tag `no-billing`: nothing is charged for them here (contract.md 7).

import type { Appointment } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Rule } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import { tagSystem } from './canonicals.ts';

export function isBilledElsewhere({ meta }: Pick<Appointment, 'meta'>): boolean {
  return meta?.tag?.some(({ system, code }) => system === tagSystem && code === 'no-billing') ?? false;
}

/** Guard: nobody who books, or is seen, says that nothing is owed for it. A tag that was there may stay, whoever writes. */
export const refuseNoBilling: Rule<void> = {
  name: 'no-billing',
  type: 'Appointment',
  run(changes, { caller }) {
    if (mayImport(caller)) return;
    for (const { resource, oldResource, byServer, index } of changes) {
      if (byServer || !resource || !isBilledElsewhere(resource)) continue;
      if (oldResource && isBilledElsewhere(oldResource)) continue;
      throw fhirError(
        'forbidden',
        'Only a system or a clinic administrator may say that a visit is billed elsewhere.',
        {
          expression: 'Appointment.meta.tag',
          writeIndex: index,
        },
      );
    }
  },
};

/** Clinic administrators, and clients that no role limits. */
function mayImport({ kind, roles, operations }: Session['caller']): boolean {
  return kind === 'server' || (kind === 'client' && roles.size === 0) || (operations?.has('op:admin') ?? false);
}
