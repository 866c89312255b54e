// Admission to FHIR requests: an emergency access is written down before anything is answered (security.md 38).

import { breakGlass } from '../access/purpose-of-use.ts';
import { recordBreakGlass } from '../repository/break-glass.ts';
import type { Repository } from '../repository/session.ts';
import { type AdmitOptions, type Admitted, admit, type FhirContext, type Meanwhile } from './admit.ts';

export interface RecordedAdmission {
  readonly admit: AdmitOptions;
  readonly repository: Repository;
}

/** Throws what `admit` throws; without its record an emergency is no reason to show anything. */
export async function admitRecorded(
  options: RecordedAdmission,
  ctx: FhirContext,
  meanwhile?: Meanwhile,
): Promise<Admitted> {
  const admitted = await admit(options.admit, ctx, meanwhile);
  const { caller } = admitted;
  if (caller.purposeOfUse === breakGlass) {
    const { type, id } = ctx.params;
    const about = type !== undefined && id !== undefined ? `${type}/${id}` : undefined;
    await recordBreakGlass(options.repository, caller, { request: `${ctx.method} ${ctx.url}`, about });
  }
  return admitted;
}
