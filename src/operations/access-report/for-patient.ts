// An AuditEvent as a patient sees it: who did what with what, when and for what purpose; nothing of content, of other patients
// or of the clinic's network (GDPR article 15; 45 CFR 164.528).

import type { AuditEvent, AuditEventAgent, AuditEventEntity } from '@medplum/fhirtypes';

/** https://hl7.org/fhir/R4/valueset-common-tags.html */
const subsetted = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };

/** `patient`: `Patient/id`. What is left out is required by its profile, which it therefore does not claim. */
export function forPatient(event: AuditEvent, patient: string): AuditEvent {
  const { meta, agent, entity, ...rest } = event;
  const { profile, ...kept } = meta ?? {};
  const entities = entity?.flatMap((one) => entityFor(one, patient));
  return {
    ...rest,
    meta: { ...kept, tag: [subsetted] },
    agent: agent.map(agentFor),
    ...(entities && entities.length > 0 && { entity: entities }),
  };
}

function agentFor({ network, altId, ...agent }: AuditEventAgent): AuditEventAgent {
  return agent;
}

/** Absent where it is another patient, and where all it tells is what was asked. */
function entityFor({ query, detail, ...entity }: AuditEventEntity, patient: string): AuditEventEntity[] {
  const { reference } = entity.what ?? {};
  if (!entity.what || (reference !== undefined && isOther(reference, patient))) return [];
  return [entity];
}

function isOther(reference: string, patient: string): boolean {
  return reference.startsWith('Patient/') && reference !== patient && !reference.startsWith(`${patient}/`);
}
