// `Patient/{id}/$access-report`: who saw or changed what of a patient, for the patient and for auditors (domain.md section 6, "patient access report").

import type { AuditEvent, Bundle, BundleEntry, BundleLink } from '@medplum/fhirtypes';
import { requirePermission } from '../access/may.ts';
import { rowRule } from '../access/row-rule.ts';
import { FhirError } from '../fhir/outcome.ts';
import { answerSearch } from '../repository/answer-search.ts';
import { read } from '../repository/read.ts';
import { rowsOf } from '../repository/row-access.ts';
import type { Session } from '../repository/session.ts';
import { parseSearch } from '../search/parse.ts';
import { forPatient } from './access-report/for-patient.ts';
import type { Operation, OperationCall, OperationParameter } from './operation.ts';
import { recordOperation } from './record-operation.ts';

const input = (name: string, type: string, documentation: string): OperationParameter => {
  return { name, use: 'in', min: 0, max: 1, type, documentation };
};

export const accessReport: Operation = {
  code: 'access-report',
  definition: {
    id: 'Patient-access-report',
    url: 'https://hpms.example/fhir/OperationDefinition/Patient-access-report',
    name: 'AccessReport',
    title: 'Who saw or changed what of a patient',
    description:
      'Gives the AuditEvents that are about the patient, the newest first and in pages. Patients have the report of their own record: without what changes say of content, what was searched for, addresses, and other patients.',
  },
  levels: ['instance'],
  resourceTypes: ['Patient'],
  affectsState: false,
  permission: 'r',
  parameters: [
    input('start', 'date', 'The first day; without it all from the beginning'),
    input('end', 'date', 'The last day; without it all until now'),
    input('_count', 'integer', 'How many events a page has at most'),
    input('_cursor', 'string', 'Of a link to another page'),
    {
      ...{ name: 'return', use: 'out', min: 1, max: 1, type: 'Bundle' },
      documentation: 'A searchset with the AuditEvents',
    },
  ],
  async run(session, call) {
    requirePermission(session.caller, 'r', 'AuditEvent');
    const isWhole = rowRule(session.caller, 'r', 'AuditEvent') === 'all';
    await requirePatient(session, call.id, isWhole);
    const place = `Patient/${call.id}`;
    recordOperation(session, { request: `GET ${place}/$access-report`, about: place });
    const found = await findEvents(session, call);
    const entry = found.entry?.map((one) => (isWhole ? one : shownTo(one, place)));
    const link = found.link?.map((one) => ownLink(one, call));
    return { resource: { ...found, ...(link && { link }), ...(entry && { entry }) } };
  },
};

/** What happened to a record that was deleted is for who may see all events. */
async function requirePatient(session: Session, id: string, isWhole: boolean): Promise<void> {
  try {
    await read(session, 'Patient', id);
  } catch (error) {
    if (!(isWhole && error instanceof FhirError && error.status === 410)) throw error;
  }
}

async function findEvents(session: Session, call: OperationCall): Promise<Bundle> {
  const { id, baseUrl } = call;
  const query = parseSearch(session.definitions, 'AuditEvent', pairsOf(call), {
    ...{ handling: 'strict', baseUrl, now: session.at.getTime() },
  });
  const criteria = [...ownCriteria(session, id), ...query.criteria];
  const found = await answerSearch(session, { ...query, criteria }, baseUrl);
  return JSON.parse(found.toString()) as Bundle;
}

/** Whoever is the patient may know of all events, also of those that are about others too: nothing of these is shown. */
function ownCriteria(session: Session, id: string) {
  const { kind, fhirUser } = session.caller;
  if (kind === 'patient' && fhirUser === `Patient/${id}`) return [];
  return rowsOf(session, 'r', 'AuditEvent')?.criteria ?? [];
}

function pairsOf({ id, inputs }: OperationCall): (readonly [name: string, value: string])[] {
  const pairs: (readonly [string, string])[] = [['patient', `Patient/${id}`]];
  const add = (input: string, name: string, prefix: string) => {
    const value = inputs.get(input)?.[0]?.value;
    if (value !== undefined) pairs.push([name, `${prefix}${String(value)}`]);
  };
  add('start', 'date', 'ge');
  add('end', 'date', 'le');
  add('_count', '_count', '');
  add('_cursor', '_cursor', '');
  return pairs;
}

function shownTo(entry: BundleEntry, patient: string): BundleEntry {
  const { resource } = entry;
  return resource?.resourceType === 'AuditEvent'
    ? { ...entry, resource: forPatient(resource as AuditEvent, patient) }
    : entry;
}

/** The page of the search is one of the report. */
function ownLink({ relation, url }: BundleLink, { id, baseUrl, inputs }: OperationCall): BundleLink {
  const kept = ['start', 'end', '_count'].flatMap((name): [string, string][] => {
    const value = inputs.get(name)?.[0]?.value;
    return value === undefined ? [] : [[name, String(value)]];
  });
  const cursor = new URL(url ?? baseUrl).searchParams.get('_cursor');
  const asked = new URLSearchParams(cursor === null ? kept : [...kept, ['_cursor', cursor]]).toString();
  const path = `${baseUrl}/Patient/${id}/$access-report`;
  return { relation, url: asked === '' ? path : `${path}?${asked}` };
}
