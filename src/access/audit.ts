// Builds the AuditEvent of an interaction in the shape of IHE BALP: https://profiles.ihe.net/ITI/BALP/content.html

import type { AuditEvent, AuditEventEntity } from '@medplum/fhirtypes';
import type { Caller } from './caller.ts';

export interface ChangeAudit {
  readonly id: string;
  readonly recorded: Date;
  readonly action: 'create' | 'update' | 'delete';
  readonly caller: Caller;
  /** Versioned reference, `Type/id/_history/n`. */
  readonly version: string;
  /** `Patient/id` of the patient the resource is about. */
  readonly patient: string | undefined;
}

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
}

const dicom = 'http://dicom.nema.org/resources/ontology/DCM';
const restfulOperation = {
  system: 'http://terminology.hl7.org/CodeSystem/audit-event-type',
  code: 'rest',
  display: 'Restful Operation',
};
const restInteraction = 'http://hl7.org/fhir/restful-interaction';
const actionLetter = { create: 'C', update: 'U', delete: 'D' } as const;
const objectRole = 'http://terminology.hl7.org/CodeSystem/object-role';
const entityType = 'http://terminology.hl7.org/CodeSystem/audit-entity-type';

export function buildChangeAudit(audit: ChangeAudit): AuditEvent & { id: string } {
  return {
    ...headOf(audit),
    type: restfulOperation,
    subtype: [{ system: restInteraction, code: audit.action, display: audit.action }],
    action: actionLetter[audit.action],
    entity: entitiesOf(audit),
  };
}

/** https://dicom.nema.org/medical/dicom/current/output/chtml/part15/sect_A.5.3.11.html, Security Alert */
export function buildEmergencyAudit(audit: RequestAudit): AuditEvent & { id: string } {
  const { request, about } = audit;
  return {
    ...headOf(audit),
    type: { system: dicom, code: '110113', display: 'Security Alert' },
    subtype: [{ system: dicom, code: '110127', display: 'Emergency Override Started' }],
    action: 'E',
    entity: [queryEntity({ request, about })],
  };
}

/** An operation that changes nothing and shows what only few may see. */
export function buildOperationAudit(audit: RequestAudit): AuditEvent & { id: string } {
  const { request, about } = audit;
  return {
    ...headOf(audit),
    type: restfulOperation,
    subtype: [{ system: restInteraction, code: 'operation', display: 'operation' }],
    action: 'E',
    entity: [queryEntity({ request, about })],
  };
}

function queryEntity({ request, about }: RecordedRequest): AuditEventEntity {
  return {
    ...(about !== undefined && { what: { reference: about } }),
    type: { system: entityType, code: '2', display: 'System Object' },
    role: { system: objectRole, code: '24', display: 'Query' },
    query: Buffer.from(request).toString('base64'),
  };
}

/** What every AuditEvent says. */
export function headOf({ id, recorded: at, caller }: Pick<ChangeAudit, 'id' | 'recorded' | 'caller'>) {
  const recorded = at.toISOString();
  return {
    resourceType: 'AuditEvent' as const,
    id,
    meta: { versionId: '1', lastUpdated: recorded },
    recorded,
    outcome: '0' as const,
    agent: [agentOf(caller)],
    source: {
      observer: { display: 'HPMS' },
      type: [{ system: 'http://terminology.hl7.org/CodeSystem/security-source-type', code: '4' }],
    },
  };
}

export function agentOf(caller: Caller): AuditEvent['agent'][number] {
  const { reference, display } = caller.agent;
  return {
    type: { coding: [{ system: dicom, code: '110153', display: 'Source Role ID' }] },
    who: { ...(reference === undefined ? {} : { reference }), display },
    requestor: true,
    ...(caller.purposeOfUse !== undefined && { purposeOfUse: [{ coding: [purposeCoding(caller.purposeOfUse)] }] }),
  };
}

function purposeCoding(code: string) {
  return { system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code };
}

function entitiesOf(audit: ChangeAudit): AuditEventEntity[] {
  const entities: AuditEventEntity[] = [
    {
      what: { reference: audit.version },
      type: { system: entityType, code: '2', display: 'System Object' },
      role: { system: objectRole, code: '4', display: 'Domain Resource' },
    },
  ];
  if (audit.patient !== undefined) {
    entities.push({
      what: { reference: audit.patient },
      type: { system: entityType, code: '1', display: 'Person' },
      role: { system: objectRole, code: '1', display: 'Patient' },
    });
  }
  return entities;
}
