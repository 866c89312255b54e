// Refuses to delete what a legal hold is on: a held patient, and whatever is or once was about one, as all its versions say.

import type { Binary, Resource } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import { parseReference } from '../../fhir/references.ts';
import { patientsIn } from '../audit-rows.ts';
import type { Change } from '../change.ts';
import { parseCriteria } from '../conditions.ts';
import { findMatches } from '../find-matches.ts';
import { ofWrite } from '../plan-changes.ts';
import { find } from '../read.ts';
import type { Session } from '../session.ts';
import { openVersion, openWithoutData, parseBody, type VersionRow, versionColumns } from '../stored-version.ts';
import { lockOf } from './hold-rows.ts';

/** What the server does by itself, such as ending a reservation that nobody booked, deletes no version. */
export async function refuseHeldDeletes(session: Session, changes: readonly Change[]): Promise<void> {
  const deletes = changes.filter(({ action, byServer }) => action === 'delete' && !byServer);
  if (deletes.length === 0) return;
  const held = await readHeld(session);
  if (held.size === 0) return;
  for (const change of deletes) {
    for (const patient of await patientsOf(session, change)) {
      if (held.has(patient) || held.has(everybody)) ofWrite(change.index, () => refuse(patient));
    }
  }
}

const everybody = '*';

/** Who is just setting one is waited for, and waits for us. */
async function readHeld({ trx, cipher }: Session): Promise<ReadonlySet<string>> {
  trx.execute({
    name: 'delete-beside-holds',
    text: 'SELECT pg_advisory_xact_lock_shared($1)',
    values: [lockOf(cipher)],
  });
  const rows = await trx.query<{ patient: string }>({
    name: 'held-patients',
    text: `SELECT DISTINCT coalesce('Patient/' || patient_id, '${everybody}') AS patient FROM legal_hold`,
  });
  return new Set(rows.map(({ patient }) => patient));
}

function refuse(patient: string): never {
  throw fhirError(
    'conflict',
    `${patient} is under legal hold: nothing about that patient can be deleted until it is released.`,
  );
}

async function patientsOf(session: Session, { type, id, oldResource }: Change): Promise<ReadonlySet<string>> {
  if (type === 'Patient') return new Set([`Patient/${id}`]);
  const patients = new Set<string>();
  const add = async (resource: Resource | undefined) => {
    for (const patient of resource ? await patientsNamed(session, resource) : []) patients.add(patient);
  };
  await add(oldResource);
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  const rows = await session.trx.query<VersionRow>({
    name: 'earlier-versions',
    text: `SELECT ${versionColumns} FROM history WHERE type = $1 AND id = $2 AND NOT deleted`,
    values: [type, id],
  });
  for (const row of rows) await add(parseBody(await openWithoutData(reader, row)));
  if (type === 'Binary') for (const resource of await naming(session, id)) await add(resource);
  return patients;
}

/** More resources that have one content are nobody's. */
const namingMax = 100;

/** What has the Binary as its content: by a reference, or as the attachment of a DocumentReference. */
async function naming(session: Session, id: string): Promise<Resource[]> {
  const links = session.trx.query<{ type: string; id: string }>({
    name: 'naming-binary',
    text: `SELECT DISTINCT source_type AS type, source_id AS id FROM reference
           WHERE target_type = 'Binary' AND target_id = $1 LIMIT ${namingMax}`,
    values: [id],
  });
  const baseUrl = await session.repository.baseUrlOf?.(session.trx.tenantId);
  const places = [`Binary/${id}`, ...(baseUrl === undefined ? [] : [`${baseUrl}/Binary/${id}`])].join(',');
  const query = parseCriteria(session, 'DocumentReference', {
    query: new URLSearchParams({ location: places }).toString(),
  });
  const [documents = []] = await findMatches(session, [{ query, matchesMax: namingMax, needsBody: true }]);
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  const named = await Promise.all(documents.map((row) => openVersion(reader, row)));
  for (const link of await links) {
    const version = await find(session, link.type, link.id);
    if (version) named.push(version);
  }
  return named.flatMap((version) => parseBody(version) ?? []);
}

/** A Binary is about whom the resource is about that says who may read it: https://hl7.org/fhir/R4/binary-definitions.html#Binary.securityContext */
async function patientsNamed(session: Session, resource: Resource): Promise<readonly string[]> {
  const { resourceType } = resource;
  if (resourceType !== 'Binary') return patientsIn(session, resourceType, session.extract(resource));
  const context = parseReference((resource as Binary).securityContext?.reference ?? '');
  if (context.kind !== 'resource' || context.type === 'Binary') return [];
  if (context.type === 'Patient') return [`Patient/${context.id}`];
  const version = await find(session, context.type, context.id);
  const named = version && parseBody(version);
  return named ? patientsIn(session, named.resourceType, session.extract(named)) : [];
}
