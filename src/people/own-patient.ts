// What patients do not say in their own Patient: who they are one with, whether the record is in use, and the clinic's numbers: `$merge` and the
// desk say that (domain.md section 5; https://hl7.org/fhir/R4/patient.html#links).

import { isDeepStrictEqual } from 'node:util';
import type { Identifier, Patient } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import type { Rule } from '../repository/module.ts';

export const ownPatientRule: Rule<void> = {
  name: 'own-patient',
  type: 'Patient',
  run(changes, { caller }) {
    if (caller.kind !== 'patient') return;
    for (const { byServer, oldResource, resource, index } of changes) {
      if (byServer || !resource) continue;
      const element = changedElement((oldResource ?? {}) as Partial<Patient>, resource as Patient);
      if (element === undefined) continue;
      const diagnostics = `Patient.${element} is the clinic's to say: a patient's app leaves it as it is. Ask the front desk.`;
      throw fhirError('forbidden', diagnostics, { expression: `Patient.${element}`, writeIndex: index });
    }
  },
};

function changedElement(before: Partial<Patient>, after: Patient): string | undefined {
  if (!isDeepStrictEqual(before.link ?? [], after.link ?? [])) return 'link';
  // Without the element a Patient counts as active.
  if ((before.active ?? true) !== (after.active ?? true)) return 'active';
  const [had, has] = [issuedNumbers(before), issuedNumbers(after)];
  return isIn(had, has) && isIn(has, had) ? undefined : 'identifier';
}

const clinicSystems = 'https://hpms.example/fhir/sid/';
const identifierTypes = 'http://terminology.hl7.org/CodeSystem/v2-0203';

/** Those of the server's systems, and medical record numbers, by which a chart is found (contract.md 45). */
function issuedNumbers({ identifier = [] }: Partial<Patient>): Identifier[] {
  return identifier.filter(
    ({ system, type }) =>
      system?.startsWith(clinicSystems) ||
      type?.coding?.some((coding) => coding.code === 'MR' && coding.system === identifierTypes),
  );
}

/** In any order: the server puts its own number where the client has left it out. */
function isIn(some: readonly Identifier[], all: readonly Identifier[]): boolean {
  return some.every((one) => all.some((other) => isDeepStrictEqual(one, other)));
}
