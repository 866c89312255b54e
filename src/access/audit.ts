// The AuditEvents of what is recorded in a transaction of its own or beside what is read, and changes nothing: https://hl7.org/fhir/R4/auditevent.html

import { agentsOf, agentsOfCaller } from './audit-agents.ts';
import {
  auditEvent,
  dicom,
  patientEntity,
  queryEntity,
  requestEntity,
  restfulOperation,
  restSubtype,
  type StoredAudit,
  securityAlert,
} from './audit-parts.ts';
import type { Caller } from './caller.ts';

/** What was asked for, as in an emergency. */
export interface RecordedRequest {
  /** Method, path and query. */
  readonly request: string;
  /** `Type/id`, where it names one. */
  readonly about: string | undefined;
}

export interface RequestAudit extends RecordedRequest {
  readonly id: string;
  readonly recorded: Date;
  readonly caller: Caller;
  /** URL of this server. */
  readonly site?: string | undefined;
}

/** https://dicom.nema.org/medical/dicom/current/output/chtml/part15/sect_A.5.3.11.html, Security Alert */
export function buildEmergencyAudit(audit: RequestAudit): StoredAudit {
  return auditEvent({
    ...partsOf(audit),
    kind: 'security-alert',
    type: securityAlert,
    subtype: [{ system: dicom, code: '110127', display: 'Emergency Override Started' }],
  });
}

/** An operation that changes nothing and shows what only few may see. */
export function buildOperationAudit(audit: RequestAudit): StoredAudit {
  const isOfPatient = audit.about?.startsWith('Patient/');
  return auditEvent({
    ...partsOf(audit),
    kind: isOfPatient ? 'patient-operation' : 'operation',
    type: restfulOperation,
    subtype: restSubtype('operation'),
  });
}

function partsOf({ id, recorded, caller, site, request, about }: RequestAudit) {
  return {
    id,
    recorded: recorded.toISOString(),
    action: 'E',
    outcome: '0',
    agent: agentsOfCaller(caller, agentsOf.query, site),
    site,
    entity: [
      { ...(about !== undefined && { what: { reference: about } }), ...queryEntity(request) },
      ...(about?.startsWith('Patient/') ? [patientEntity(about)] : []),
      ...(caller.request ? [requestEntity(caller.request.id)] : []),
    ],
  } as const satisfies Omit<Parameters<typeof auditEvent>[0], 'kind' | 'type' | 'subtype'>;
}
