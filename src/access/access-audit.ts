// The AuditEvent of what was read, searched, called or refused, made of the facts that were noted before it was answered:
// https://profiles.ihe.net/ITI/BALP/content.html, contract.md 46

import type { AuditEventEntity, Coding } from '@medplum/fhirtypes';
import type { AccessCode, AccessFacts } from './access-facts.ts';
import { type AgentTypes, agentsOf, auditAgents } from './audit-agents.ts';
import {
  type AuditKind,
  auditEvent,
  dataEntity,
  dicom,
  otherEntity,
  patientEntity,
  placeEntity,
  queryEntity,
  referenceTo,
  reportRole,
  requestEntity,
  restfulOperation,
  restSubtype,
  type StoredAudit,
  typeNamed,
} from './audit-parts.ts';
import { loginAudit } from './login-audit.ts';

/** Thousands are made in a second: all that is the same in many is made once. */
export function buildAccessAudit(facts: AccessFacts, site?: string): StoredAudit {
  if (facts.turnedAway) return overloadAudit(facts, facts.turnedAway, site);
  if (facts.login) return loginAudit(facts, facts.login, site);
  const { id, recordedMs, interaction, outcome, issue, address, caller } = facts;
  const shape = shapeOf(facts);
  const patients = patientsOf(facts);
  return auditEvent({
    kind: outcome === '0' ? kindOf(shape, patients) : 'refusal',
    id,
    recorded: new Date(recordedMs).toISOString(),
    type: shape.type ?? restfulOperation,
    subtype:
      shape.subtype ?? (interaction ? restSubtype(subtypes[interaction] ?? interaction) : verbSubtype(facts.method)),
    action: shape.action,
    outcome,
    outcomeDesc: outcome === '0' ? undefined : (issue ?? 'exception'),
    agent: auditAgents(caller, shape.agents, { address, site }),
    site,
    entity: [...entitiesOf(facts, shape), ...patients.map(patientEntity), ...requestOf(facts)],
  });
}

const turnedAway: Coding[] = [{ display: 'turned away unread' }];

function overloadAudit(
  { id, recordedMs, outcome, issue }: AccessFacts,
  { requests, sinceMs }: NonNullable<AccessFacts['turnedAway']>,
  site: string | undefined,
): StoredAudit {
  const detail = [{ type: 'requests', valueString: String(requests) }];
  return auditEvent({
    ...{ kind: 'overload', id, type: restfulOperation, subtype: turnedAway, action: 'E', outcome, outcomeDesc: issue },
    ...{ doneAt: new Date(sinceMs).toISOString(), recorded: new Date(recordedMs).toISOString() },
    agent: auditAgents(undefined, agentsOf.query, { site }),
    site,
    entity: [{ what: { display: `${requests} requests` }, type: otherEntity, role: reportRole, detail }],
  });
}

/** What BALP tells apart. */
interface Shape {
  readonly kind: 'read' | 'query' | 'operation' | 'create' | 'update' | 'delete' | 'export';
  readonly action: 'C' | 'R' | 'U' | 'D' | 'E';
  readonly agents: AgentTypes;
  readonly type?: Coding;
  readonly subtype?: Coding[];
}

const read: Shape = { kind: 'read', action: 'R', agents: agentsOf.read };
const query: Shape = { kind: 'query', action: 'E', agents: agentsOf.query };
const operation: Shape = { kind: 'operation', action: 'E', agents: agentsOf.query };

const shapes: Readonly<Record<AccessCode, Shape>> = {
  read,
  vread: read,
  'history-instance': read,
  'history-type': read,
  'history-system': read,
  'search-type': query,
  'search-system': query,
  'search-compartment': query,
  operation,
  batch: operation,
  transaction: operation,
  create: { kind: 'create', action: 'C', agents: agentsOf.write },
  update: { kind: 'update', action: 'U', agents: agentsOf.write },
  patch: { kind: 'update', action: 'U', agents: agentsOf.write },
  delete: { kind: 'delete', action: 'D', agents: agentsOf.delete },
};

/** R4 has no code for a search of a compartment. */
const subtypes: Readonly<Partial<Record<AccessCode, string>>> = { 'search-compartment': 'search' };

/** Whole records leave the clinic: https://profiles.ihe.net/ITI/BALP/content.html#privacy-disclosure-audit-message */
const disclosing: ReadonlySet<string> = new Set(['everything', 'summary', 'document', 'export', 'docref']);

const disclosure: Shape = {
  kind: 'export',
  action: 'R',
  agents: agentsOf.read,
  type: { system: dicom, code: '110106', display: 'Export' },
  subtype: [
    { system: 'http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle', code: 'disclose', display: 'disclose' },
    ...restSubtype('operation'),
  ],
};

function shapeOf({ interaction, path, method }: AccessFacts): Shape {
  if (interaction === 'operation') return disclosing.has(operationIn(path)) ? disclosure : operation;
  if (interaction) return shapes[interaction];
  return method === 'GET' || method === 'HEAD' ? read : operation;
}

function operationIn(path: string): string {
  return path.slice(path.lastIndexOf('$') + 1);
}

function kindOf({ kind }: Shape, patients: readonly string[]): AuditKind {
  if (patients.length === 0) return kind;
  return kind === 'export' ? 'disclosure' : `patient-${kind}`;
}

/** Of a method where nothing is offered. */
function verbSubtype(method: string): Coding[] {
  return [verbs.has(method) ? { system: 'http://hl7.org/fhir/http-verb', code: method } : { display: method }];
}

const verbs: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH']);

/** `Type/id` at the start of a path, or a type alone. */
const placeSyntax = /^(?<type>[A-Z][A-Za-z]{1,40})(?:\/(?<id>[A-Za-z0-9\-.]{1,64}))?(?:\/|$)/;

/** `Patient/id` of all whom the event names, each once. */
export function patientsOf({ patients, answered, path }: AccessFacts): readonly string[] {
  const all = new Set(patients);
  for (const reference of answered ?? []) if (reference.startsWith('Patient/')) all.add(unversioned(reference));
  // Also what was refused, or is in a patient's compartment and not there.
  if (path.startsWith('Patient/')) {
    const [, type, id] = placeSyntax.exec(path) ?? [];
    if (id !== undefined && !/^\.+$/.test(id)) all.add(`${type}/${id}`);
  }
  return [...all];
}

function unversioned(reference: string): string {
  const end = reference.indexOf('/_history/');
  return end < 0 ? reference : reference.slice(0, end);
}

function entitiesOf(facts: AccessFacts, { kind }: Shape): AuditEventEntity[] {
  const { outcome, method, path, query } = facts;
  const asked = query === '' ? path : `${path}?${query}`;
  if (outcome === '0' && kind === 'query')
    return [queryEntity(asked.replace(/(?:^|\/)_search(?=\?|$)/, '')), answeredEntity(facts)];
  if (outcome === '0' && kind !== 'operation' && kind !== 'export') return resourceEntities(facts);
  const called = { ...aboutOf(facts), ...queryEntity(`${method} ${asked}`) };
  return facts.answered ? [called, answeredEntity(facts)] : [called];
}

/** The resource that is called upon; where nothing is offered, what stands there is no type. */
function aboutOf({ interaction, issue, path }: AccessFacts): Pick<AuditEventEntity, 'what'> {
  const { type, id } = placeSyntax.exec(path)?.groups ?? {};
  if (!interaction || issue === 'not-supported' || id === undefined || type === undefined) return {};
  return { what: referenceTo(`${type}/${id}`) };
}

/** What was read, or found as it was to become; of a history what it is of, and the versions that were shown. */
function resourceEntities(facts: AccessFacts): AuditEventEntity[] {
  const { interaction, path, answered } = facts;
  const { type, id } = placeSyntax.exec(path)?.groups ?? {};
  const [version] = answered ?? [];
  const named = id === undefined ? undefined : `${type}/${id}`;
  const isHistory = interaction?.startsWith('history');
  const reference = isHistory ? named : (version ?? named);
  const resource = reference === undefined ? placeEntity(path, type) : dataEntity(reference);
  return isHistory ? [resource, answeredEntity(facts)] : [resource];
}

/** Of what type, and which versions were shown, in a text: a page of a thousand would be a thousand entities. */
function answeredEntity({ path, answered = [], answeredCount }: AccessFacts): AuditEventEntity {
  return {
    what: { ...typeNamed(typeAsked(path)), display: `${answeredCount ?? answered.length} versions` },
    type: otherEntity,
    role: reportRole,
    ...(answered.length > 0 && { detail: [{ type: answeredDetail, valueString: answered.join(' ') }] }),
  };
}

/** In a compartment that of its members: `Patient/1/Observation`. */
function typeAsked(path: string): string | undefined {
  const [type, id, member] = path.split('/');
  const asked = id === undefined || member === undefined ? type : member;
  return asked !== undefined && /^[A-Z][A-Za-z]+$/.test(asked) ? asked : placeSyntax.exec(path)?.groups?.type;
}

/** The name of the detail that holds them. */
export const answeredDetail = 'answered';

function requestOf({ requestId, entry, status }: AccessFacts): AuditEventEntity[] {
  if (requestId === undefined) return [];
  const detail = [{ type: 'status', valueString: String(status) }];
  if (entry !== undefined) detail.push({ type: 'entry', valueString: String(entry) });
  return [requestEntity(requestId, detail)];
}
