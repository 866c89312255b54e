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

const dicom = 'http://dicom.nema.org/resources/ontology/DCM';
const restInteraction = 'http://hl7.org/fhir/restful-interaction';
const actionLetter = { create: 'C', update: 'U', delete: 'D' } as const;
const objectRole = 'http://terminology.hl7.org/CodeSystem/object-role';
const entityType = 'http://terminology.hl7.org/CodeSystem/audit-entity-type';

export function buildChangeAudit(audit: ChangeAudit): AuditEvent & { id: string } {
  const recorded = audit.recorded.toISOString();
  return {
    resourceType: 'AuditEvent',
    id: audit.id,
    meta: { versionId: '1', lastUpdated: recorded },
    type: {
      system: 'http://terminology.hl7.org/CodeSystem/audit-event-type',
      code: 'rest',
      display: 'Restful Operation',
    },
    subtype: [{ system: restInteraction, code: audit.action, display: audit.action }],
    action: actionLetter[audit.action],
    recorded,
    outcome: '0',
    agent: [agentOf(audit.caller)],
    source: {
      observer: { display: 'HPMS' },
      type: [{ system: 'http://terminology.hl7.org/CodeSystem/security-source-type', code: '4' }],
    },
    entity: entitiesOf(audit),
  };
}

function agentOf(caller: Caller): AuditEvent['agent'][number] {
  const { reference, display } = caller.agent;
  return {
    type: { coding: [{ system: dicom, code: '110153', display: 'Source Role ID' }] },
    who: { ...(reference === undefined ? {} : { reference }), display },
    requestor: true,
  };
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
