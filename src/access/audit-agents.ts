// Who took part in what an AuditEvent tells: the person, the client, and this server: https://profiles.ihe.net/ITI/BALP/content.html

import type { AuditEventAgent, CodeableConcept } from '@medplum/fhirtypes';
import { lasting } from '../fhir/lasting.ts';
import type { CallerFacts } from './access-facts.ts';
import { dicom, houseCanonical, serverName } from './audit-parts.ts';
import type { Caller } from './caller.ts';
import { callerFacts } from './caller-facts.ts';

/** By which roles BALP tells the client, the server and the person apart; it has others for each direction of the data. */
export interface AgentTypes {
  /** No two have the same. */
  readonly name: string;
  readonly client: CodeableConcept;
  readonly server: CodeableConcept;
  readonly person: CodeableConcept;
}

const participation = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType';
const concept = (system: string, code: string): CodeableConcept => ({ coding: [{ system, code }] });
const application = concept(dicom, '110150');
const destination = concept(dicom, '110152');
const source = concept(dicom, '110153');
const custodian = concept('http://terminology.hl7.org/CodeSystem/provenance-participant-type', 'custodian');
const author = concept(participation, 'AUT');
const recipient = concept(participation, 'IRCP');

export const agentsOf = {
  read: { name: 'read', client: destination, server: source, person: recipient },
  query: { name: 'query', client: source, server: destination, person: recipient },
  write: { name: 'write', client: source, server: destination, person: author },
  delete: { name: 'delete', client: application, server: custodian, person: author },
} as const satisfies Record<string, AgentTypes>;

/** Where the request came from, and to. */
export interface Between {
  /** The client's address as the connection has it. */
  readonly address?: string | undefined;
  /** URL of this server. */
  readonly site?: string | undefined;
}

/** Of a caller, by what else they are made of: thousands of requests come from the same place. */
const ofCallers = new WeakMap<CallerFacts, Map<string, AuditEventAgent[]>>();
const placesMax = 20;

/** Who asked comes first, and is the only `requestor`; without a caller it is nobody that is known. Not to be changed. */
export function auditAgents(caller: CallerFacts | undefined, types: AgentTypes, between: Between): AuditEventAgent[] {
  if (!caller) return makeAgents(caller, types, between);
  const known = ofCallers.get(caller) ?? new Map<string, AuditEventAgent[]>();
  ofCallers.set(caller, known);
  const key = `${types.name} ${between.address} ${between.site}`;
  const found = known.get(key);
  if (found) return found;
  const agents = lasting(makeAgents(caller, types, between));
  if (known.size >= placesMax) known.clear();
  known.set(key, agents);
  return agents;
}

function makeAgents(caller: CallerFacts | undefined, types: AgentTypes, { address, site }: Between): AuditEventAgent[] {
  const network = address === undefined ? undefined : ({ address, type: '2' } as const);
  const agents = caller ? callerAgents(caller, types) : [unknownAgent(types)];
  // A server's own job comes from nowhere.
  const client = agents.find(({ type }) => type === types.client);
  if (client && network) client.network = network;
  agents.push({
    type: types.server,
    who: { display: serverName },
    requestor: false,
    ...(site !== undefined && { network: { address: site, type: '5' as const } }),
  });
  return agents;
}

function callerAgents(caller: CallerFacts, types: AgentTypes): AuditEventAgent[] {
  const { kind, clientId, reference, display, fhirUser, accountId } = caller;
  const who = { ...(reference !== undefined && { reference }), display };
  // A client that holds the role of patients is a client all the same.
  if (kind === 'staff' || (kind === 'patient' && accountId !== undefined)) {
    // Of another tenant's people neither the person nor the client is one of this tenant's resources.
    const device = reference === undefined ? { display: clientId } : { reference: `Device/${clientId}` };
    return [personAgent(caller, types, who), { type: types.client, who: device, requestor: false }];
  }
  const client: AuditEventAgent = {
    type: types.client,
    ...rolesOf(caller),
    who,
    requestor: true,
    ...purposeOf(caller),
  };
  if (kind === 'server' || (fhirUser === undefined && accountId === undefined)) return [client];
  const person = {
    ...(fhirUser !== undefined && { who: { reference: fhirUser } }),
    ...(accountId !== undefined && { altId: accountId }),
  };
  return [client, { type: types.person, ...person, requestor: false }];
}

function personAgent(caller: CallerFacts, types: AgentTypes, who: AuditEventAgent['who']): AuditEventAgent {
  const { accountId, display } = caller;
  return {
    type: types.person,
    ...rolesOf(caller),
    ...(who && { who }),
    ...(accountId !== undefined && { altId: accountId }),
    name: display,
    requestor: true,
    ...purposeOf(caller),
  };
}

function unknownAgent(types: AgentTypes): AuditEventAgent {
  return { type: types.client, who: { display: 'Unknown' }, requestor: true };
}

const roleSystem = `${houseCanonical}/CodeSystem/role`;

function rolesOf({ roles }: CallerFacts): Pick<AuditEventAgent, 'role'> {
  const role = (roles ?? []).map((code) => concept(roleSystem, code));
  return role.length === 0 ? {} : { role };
}

function purposeOf({ purposeOfUse }: CallerFacts): Pick<AuditEventAgent, 'purposeOfUse'> {
  if (purposeOfUse === undefined) return {};
  return { purposeOfUse: [concept('http://terminology.hl7.org/CodeSystem/v3-ActReason', purposeOfUse)] };
}

/** Of the request that the caller is making, where it is one. */
export function agentsOfCaller(caller: Caller, types: AgentTypes, site: string | undefined): AuditEventAgent[] {
  return auditAgents(callerFacts(caller), types, { address: caller.request?.address, site });
}
