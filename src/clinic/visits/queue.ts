// `Encounter/$queue`: who waits for a practitioner, in order, and how long (domain.md D7, S4-WF3, S4-Q2, S5-21).

import type { Bundle, BundleEntry, Encounter } from '@medplum/fhirtypes';
import { parseJson } from '../../fhir/json.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { parseReference } from '../../fhir/references.ts';
import { localDate } from '../../fhir/time-zone.ts';
import type { Operation, OperationCall } from '../../operations/operation.ts';
import type { Content } from '../../repository/change.ts';
import { findExact, markExact, unmarkExact } from '../../repository/exact-tree.ts';
import type { Session } from '../../repository/session.ts';
import { openVersion } from '../../repository/stored-version.ts';
import { isPlainlyVisible, isVisible } from '../../repository/visible.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { queueParameters } from './queue-parameters.ts';
import { type QueuedRow, queueMax, readQueue } from './read-queue.ts';
import { estimatedWaitUrl } from './visit-urls.ts';

export function createQueueOperation(settingsOf: SettingsOf): Operation {
  return {
    code: 'queue',
    definition: {
      id: 'Encounter-queue',
      url: 'https://hpms.example/fhir/OperationDefinition/Encounter-queue',
      name: 'Queue',
      title: 'Who waits for a practitioner',
      description: `Gives the Encounters of a practitioner's day that are in progress or wait with a queue number: first who is being seen, then emergencies, then by number, and at the end who was called three times and did not come. Each entry's search says by the extension estimated-wait how long it takes until the patient's turn: for everyone before, the mean duration of the visits the practitioner has finished that day, or else the planned length. At most ${queueMax} are given.`,
    },
    levels: ['type'],
    resourceTypes: ['Encounter'],
    affectsState: false,
    permission: 's',
    parameters: queueParameters,
    async run(session, call) {
      const practitioner = practitionerOf(call);
      const { timezone } = await settingsOf(session.trx);
      const date = dayOf(call) ?? localDate(session.at, timezone);
      const { rows, meanMinutes } = await readQueue(session, practitioner, date);
      const entries: BundleEntry[] = [];
      let waitMinutes = 0;
      for (const row of rows) {
        const encounter = await openEncounter(session, row);
        const isSeen = row.encounterStatus === 'in-progress' || row.encounterStatus === 'onleave';
        if (encounter) entries.push(entryOf(encounter, isSeen ? 0 : waitMinutes, call));
        waitMinutes += meanMinutes ?? row.plannedMinutes ?? 0;
      }
      return contentOf(entries, selfOf(call, practitioner, date));
    },
  };
}

function inputOf({ inputs }: OperationCall, name: string): string | undefined {
  return inputs.get(name)?.[0]?.value as string | undefined;
}

/** A queue has its numbers by the day: of a month or a year there is none. */
function dayOf(call: OperationCall): string | undefined {
  const date = inputOf(call, 'date');
  if (date === undefined || date.length === 'YYYY-MM-DD'.length) return date;
  throw fhirError('value', 'The queue is that of a day, such as 2026-11-23.', {
    status: 400,
    expression: "Parameters.parameter.where(name = 'date')",
  });
}

/** `Type/id`, also given as a URL below the tenant's base. */
function practitionerOf(call: OperationCall): string {
  const target = parseReference(inputOf(call, 'practitioner') ?? '', call.baseUrl);
  const isOne = target.kind === 'resource' && (target.type === 'Practitioner' || target.type === 'PractitionerRole');
  if (isOne) return `${target.type}/${target.id}`;
  throw fhirError('value', 'The parameter "practitioner" has to be a reference such as Practitioner/1.', {
    status: 400,
    expression: "Parameters.parameter.where(name = 'practitioner')",
  });
}

/** Undefined where the caller may not see it: it still takes its time. */
async function openEncounter(session: Session, row: QueuedRow): Promise<Encounter | undefined> {
  const { cipher, repository } = session;
  const version = await openVersion({ cipher, objectStore: repository.objectStore }, row);
  if (!version.body) return undefined;
  if (!(isPlainlyVisible(session, version, 's') || (await isVisible(session, version, 's')))) return undefined;
  session.notes?.show(version);
  const { value, exactNumbers } = parseJson(version.body.toString());
  return markExact(value, exactNumbers) as Encounter;
}

const minutesUnit = { unit: 'min', system: 'http://unitsofmeasure.org', code: 'min' };

function entryOf(resource: Encounter, waitMinutes: number, { baseUrl }: OperationCall): BundleEntry {
  const valueDuration = { value: Math.round(waitMinutes), ...minutesUnit };
  return {
    fullUrl: `${baseUrl}/Encounter/${resource.id}`,
    resource,
    search: { extension: [{ url: estimatedWaitUrl, valueDuration }], mode: 'match' },
  };
}

function selfOf({ baseUrl }: OperationCall, practitioner: string, date: string): string {
  return `${baseUrl}/Encounter/$queue?practitioner=${practitioner}&date=${date}`;
}

function contentOf(entry: readonly BundleEntry[], url: string): Content {
  const marked: Bundle = {
    resourceType: 'Bundle',
    type: 'searchset',
    total: entry.length,
    link: [{ relation: 'self', url }],
    ...(entry.length > 0 && { entry: [...entry] }),
  };
  const exactNumbers = findExact(marked);
  return { resource: unmarkExact(marked) as Bundle, ...(exactNumbers.size > 0 && { exactNumbers }) };
}
