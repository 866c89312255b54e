// What AuditEvents are made of, whatever they tell: https://hl7.org/fhir/R4/auditevent.html, https://profiles.ihe.net/ITI/BALP/content.html

import type {
  AuditEvent,
  AuditEventAgent,
  AuditEventEntity,
  AuditEventEntityDetail,
  Coding,
  Reference,
} from '@medplum/fhirtypes';
import { lasting } from '../fhir/lasting.ts';

export type StoredAudit = AuditEvent & { readonly id: string };

/** The profiles of fhir-profiles by which the server makes AuditEvents, without `hpms-audit-`. */
export type AuditKind =
  | ('read' | 'patient-read' | 'query' | 'patient-query' | 'operation' | 'patient-operation')
  | ('create' | 'patient-create' | 'update' | 'patient-update' | 'delete' | 'patient-delete')
  | ('export' | 'disclosure' | 'refusal' | 'overload' | 'login' | 'security-alert' | 'administration');

export const houseCanonical = 'https://hpms.example/fhir';
export const dicom = 'http://dicom.nema.org/resources/ontology/DCM';
const restInteraction = 'http://hl7.org/fhir/restful-interaction';
const entityTypes = 'http://terminology.hl7.org/CodeSystem/audit-entity-type';
const objectRoles = 'http://terminology.hl7.org/CodeSystem/object-role';

export const restfulOperation: Coding = lasting({
  system: 'http://terminology.hl7.org/CodeSystem/audit-event-type',
  code: 'rest',
  display: 'Restful Operation',
});
export const securityAlert: Coding = lasting({ system: dicom, code: '110113', display: 'Security Alert' });
export const applicationActivity: Coding = lasting({ system: dicom, code: '110100', display: 'Application Activity' });

export const systemObject: Coding = lasting({ system: entityTypes, code: '2' });
export const otherEntity: Coding = lasting({ system: entityTypes, code: '4' });
const person: Coding = lasting({ system: entityTypes, code: '1' });
const requestIdType: Coding = lasting({
  system: 'https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType',
  code: 'XrequestId',
});

const patientRole: Coding = lasting({ system: objectRoles, code: '1' });
export const reportRole: Coding = lasting({ system: objectRoles, code: '3' });
const domainRole: Coding = lasting({ system: objectRoles, code: '4' });
/** What administration is about. */
export const securityRole: Coding = lasting({ system: objectRoles, code: '13' });
const queryRole: Coding = lasting({ system: objectRoles, code: '24' });

const sourceTypes: Coding[] = [
  { system: 'http://terminology.hl7.org/CodeSystem/security-source-type', code: '4', display: 'Application Server' },
];
export const serverName = 'HPMS';

export interface AuditParts {
  readonly kind: AuditKind;
  readonly id: string;
  readonly recorded: string;
  readonly type: Coding;
  readonly subtype: Coding[];
  readonly action: NonNullable<AuditEvent['action']>;
  /** 0: done; 4: refused; 8: the server failed. */
  readonly outcome: '0' | '4' | '8';
  readonly outcomeDesc?: string | undefined;
  /** When it was done, where that is not when it was recorded. */
  readonly doneAt?: string | undefined;
  readonly agent: AuditEventAgent[];
  /** URL of this server, as its clients know it. */
  readonly site?: string | undefined;
  readonly entity?: AuditEventEntity[];
}

export function auditEvent(parts: AuditParts): StoredAudit {
  const { kind, id, recorded, type, subtype, action, outcome, outcomeDesc, doneAt, agent, site, entity } = parts;
  return {
    resourceType: 'AuditEvent',
    id,
    meta: { versionId: '1', lastUpdated: recorded, profile: [auditProfile(kind)] },
    type,
    subtype,
    action,
    ...(doneAt !== undefined && { period: { start: doneAt } }),
    recorded,
    outcome,
    ...(outcomeDesc !== undefined && { outcomeDesc }),
    agent,
    source: sourceAt(site),
    // FHIR has no empty lists.
    ...(entity && entity.length > 0 && { entity }),
  };
}

const sources = new Map<string | undefined, AuditEvent['source']>();

function sourceAt(site: string | undefined): AuditEvent['source'] {
  let known = sources.get(site);
  if (!known) {
    known = lasting({ ...(site !== undefined && { site }), observer: { display: serverName }, type: sourceTypes });
    sources.set(site, known);
  }
  return known;
}

export function auditProfile(kind: AuditKind): string {
  return `${houseCanonical}/StructureDefinition/hpms-audit-${kind}`;
}

const subtypes = new Map<string, Coding[]>();

/** https://hl7.org/fhir/R4/valueset-restful-interaction.html */
export function restSubtype(code: string): Coding[] {
  let known = subtypes.get(code);
  if (!known) {
    known = lasting([{ system: restInteraction, code, display: code }]);
    subtypes.set(code, known);
  }
  return known;
}

/** `reference` may name a version; its type is told apart, so that it can be searched by (entity-type). */
export function dataEntity(reference: string, detail?: AuditEventEntityDetail[]): AuditEventEntity {
  return { what: referenceTo(reference), type: systemObject, role: domainRole, ...(detail && { detail }) };
}

export function referenceTo(reference: string): Reference {
  return { reference, ...typeNamed(reference.slice(0, reference.indexOf('/'))) };
}

/** Of all resources of a type, or of the whole server: as for a history. */
export function placeEntity(display: string, type: string | undefined): AuditEventEntity {
  return { what: { ...typeNamed(type), display }, type: systemObject, role: domainRole };
}

/** The compiler knows the types of resources by name; what is not one of them is refused before it is recorded. */
export function typeNamed(type: string | undefined): Pick<Reference, 'type'> {
  return type === undefined ? {} : { type: type as NonNullable<Reference['type']> };
}

/** `text` may hold whatever a client has sent. */
export function queryEntity(text: string): AuditEventEntity {
  return { type: systemObject, role: queryRole, query: Buffer.from(text).toString('base64') };
}

export function patientEntity(reference: string): AuditEventEntity {
  return { what: { reference, type: 'Patient' }, type: person, role: patientRole };
}

/** The X-Request-Id, by which events of one request are told; they are not searched by it (search/search-parameters.ts). */
export function requestEntity(requestId: string, detail?: AuditEventEntityDetail[]): AuditEventEntity {
  return { what: { identifier: { value: requestId } }, type: requestIdType, ...(detail && { detail }) };
}
