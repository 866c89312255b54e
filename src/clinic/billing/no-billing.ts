// Imports of what another system has billed carry the tag `no-billing`: nothing is charged for them here (contract.md 7).

import type { Appointment } from '@medplum/fhirtypes';
import { tagSystem } from './canonicals.ts';

export function isBilledElsewhere({ meta }: Appointment): boolean {
  return meta?.tag?.some(({ system, code }) => system === tagSystem && code === 'no-billing') ?? false;
}
