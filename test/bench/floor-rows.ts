// The rows the floor stores for a resource: those the server would store, as far as possible made before the request came.

import { randomUUID } from 'node:crypto';
import type { AuditEvent, Identifier, Patient } from '@medplum/fhirtypes';
import { inRequest, serverCaller } from '../../src/access/caller.ts';
import { buildChangeAudit } from '../../src/access/change-audit.ts';
import { numberSystem } from '../../src/clinic/patients/likeness.ts';
import type { TenantCipher } from '../../src/crypto/tenant-cipher.ts';
import { newId } from '../../src/fhir/ids.ts';
import { groupedTokens } from '../../src/repository/audit-tokens.ts';
import { bodyContext } from '../../src/repository/stored-version.ts';
import { createExtractor } from '../../src/search/extract.ts';
import { houseDefinitions } from '../../src/search/own/house-definitions.ts';
import { type Grouping, groupAll, withoutSubjects } from './audit-groups.ts';
import { buildEncounter, buildObservation, buildPatient } from './bodies.ts';
import { placeholder, type Sample, takeSamples } from './floor-samples.ts';
import type { Rows } from './floor-statements.ts';

export interface Stamped {
  readonly resourceType: string;
  readonly id: string;
  readonly meta: { readonly versionId: string; readonly lastUpdated: string };
}

/** The server's own elements on a body that came in. */
export function stamp(body: { readonly resourceType: string; readonly id?: string }, id: string, version = 1): Stamped {
  const { resourceType, id: _, ...rest } = isPatient(body) ? numbered(body) : body;
  return { resourceType, id, meta: { versionId: String(version), lastUpdated: new Date().toISOString() }, ...rest };
}

function isPatient(body: { readonly resourceType: string }): body is Patient {
  return body.resourceType === 'Patient';
}

let patientsNumbered = 0;

/** With the clinic's own number, which every patient gets. */
function numbered(patient: Patient): Patient {
  patientsNumbered++;
  const number: Identifier = {
    use: 'usual',
    type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }] },
    system: numberSystem,
    value: `PAT-2026-${String(patientsNumbered).padStart(5, '0')}`,
  };
  return { ...patient, identifier: [...(patient.identifier ?? []), number] };
}

type Action = 'create' | 'update';
export type RowMaker = (resource: Stamped, json: string, action: Action) => Rows;

/** What the server's AuditEvents say of the bench and of itself: LZ4 finds more or less in them as these are. */
export interface Named {
  readonly clientId: string;
  readonly site: string;
}

export function createRowMaker(cipher: TenantCipher, named: Named): RowMaker {
  const buildAudit = createAuditBuilder(named);
  const nextSample = createSampler(cipher, buildAudit);
  const tokensOf = ({ shared, fresh }: Sample, id: string, linked: readonly string[]) => {
    const tokens = linked.map(cipher.tokenOf);
    for (let n = 0; n < fresh; n++) tokens.push(cipher.tokenOf(`${id} ${n}`));
    return `{${[shared, ...tokens].join(',')}}`;
  };
  const auditRow = (resource: Stamped, patient: string, action: Action) => {
    const reference = `${resource.resourceType}/${resource.id}`;
    const version = `${reference}/_history/${resource.meta.versionId}`;
    const audit = buildAudit(version, patient, action);
    const sample = nextSample(`${action} of ${reference === patient ? 'Patient' : 'another'}`);
    const linked = sample.linked.map((text) =>
      text
        .replace(versionPlaceholder, version)
        .replace(otherPlaceholder, reference)
        .replace(patientPlaceholder, patient),
    );
    return {
      id: audit.id,
      content: cipher.seal(Buffer.from(JSON.stringify(audit)), bodyContext('AuditEvent', audit.id, 1), 'audit-event'),
      tokens: tokensOf(sample, audit.id, linked),
    };
  };
  return (resource, json, action) => {
    const { resourceType: type, id, meta } = resource;
    const version = Number(meta.versionId);
    const targets = targetsOf(json);
    const targetOf = (targetType: string) => targets.get(targetType) as string;
    const sample = nextSample(type === 'Observation' && targets.has('Encounter') ? 'Observation of visit' : type);
    const linked = sample.linked.map((text) =>
      text.replace(/(\w+)\/TARGET/, (_, to: string) => `${to}/${targetOf(to)}`),
    );
    return {
      type,
      id,
      version,
      at: meta.lastUpdated,
      content: cipher.seal(Buffer.from(json), bodyContext(type, id, version)),
      tokens: tokensOf(sample, id, linked),
      references: sample.references.map(([parameter, to]) => [parameter, to, targetOf(to)]),
      dates: sample.dates,
      ranges: sample.ranges,
      audit: auditRow(resource, `Patient/${type === 'Patient' ? id : targetOf('Patient')}`, action),
    };
  };
}

const patientPlaceholder = `Patient/${placeholder}`;
/** A resource that is no Patient. */
const otherPlaceholder = `Basic/${placeholder}`;
const versionPlaceholder = new RegExp(`\\w+/${placeholder}/_history/1`);
const samplesPerKind = 1_000;

/** Gives the samples of a kind in turn. */
function createSampler(cipher: TenantCipher, buildAudit: AuditBuilder): (kind: string) => Sample {
  const extract = createExtractor(houseDefinitions());
  const builders = {
    Patient: (n: number) => numbered(buildPatient(n)),
    Observation: (n: number) => buildObservation(n, patientPlaceholder),
    'Observation of visit': (n: number) => buildObservation(n, patientPlaceholder, `Encounter/${placeholder}`),
    Encounter: (n: number) => buildEncounter(n, patientPlaceholder),
    'create of Patient': () => buildAudit(`${patientPlaceholder}/_history/1`, patientPlaceholder, 'create'),
    'update of Patient': () => buildAudit(`${patientPlaceholder}/_history/1`, patientPlaceholder, 'update'),
    'create of another': () => buildAudit(`${otherPlaceholder}/_history/1`, patientPlaceholder, 'create'),
  };
  const samples = new Map<string, Sample[]>();
  for (const [kind, build] of Object.entries(builders)) {
    const bodies = Array.from({ length: samplesPerKind }, (_, n) => build(n * 997));
    const taken = takeSamples(cipher, extract, bodies);
    const [body] = bodies;
    samples.set(kind, body?.resourceType === 'AuditEvent' ? grouped(taken, { cipher, extract }, body) : taken);
  }
  let turn = 0;
  return (kind) => {
    turn = (turn + 1) % samplesPerKind;
    return samples.get(kind)?.[turn] as Sample;
  };
}

/** What all of these events have is stored as groups. */
function grouped(samples: readonly Sample[], grouping: Grouping, event: AuditEvent): Sample[] {
  const common = withoutSubjects(event);
  groupAll(grouping, [common]);
  const shared = groupedTokens(grouping, common).slice(1, -1);
  return samples.map((sample) => ({ ...sample, shared }));
}

type AuditBuilder = (version: string, patient: string, action: Action) => ReturnType<typeof buildChangeAudit>;

function createAuditBuilder({ clientId, site }: Named): AuditBuilder {
  // As the server names an API client.
  const agent = { reference: `Device/${clientId}`, display: 'First client' };
  const caller = { ...serverCaller(0, 'First client'), agent, roles: new Set(['clinic-admin']) };
  return (version, patient, action) => {
    const recorded = new Date();
    const asking = inRequest(caller, { id: randomUUID(), address: '127.0.0.1' });
    return buildChangeAudit({
      ...{ id: newId(recorded.getTime()), recorded, action, caller: asking, version, patients: [patient], site },
    });
  };
}

/** The ids a body points to; every body of the bench points to at most one resource of a type. */
function targetsOf(json: string): Map<string, string> {
  const targets = new Map<string, string>();
  for (const [, type = '', id = ''] of json.matchAll(/"reference":"(\w+)\/([\w-]+)"/g)) targets.set(type, id);
  return targets;
}
