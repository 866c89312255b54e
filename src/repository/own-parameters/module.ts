// What a write of a SearchParameter does to searches: an active one is checked, indexed in the background and then answered, any
// other is taken away: https://hl7.org/fhir/R4/searchparameter-definitions.html#SearchParameter.status

import type { SearchParameter } from '@medplum/fhirtypes';

import { readDefinition } from '../../search/own/read-definition.ts';
import { requireDistinct } from '../../search/own/require-distinct.ts';
import type { Change } from '../change.ts';
import type { Module } from '../module.ts';
import { ofWrite } from '../plan-changes.ts';
import { requestRun } from '../reindex/request-run.ts';
import type { Session } from '../session.ts';
import { lockCurrentIndex, raiseVersion } from './lock-index.ts';
import { dropParameter, keepParameter, type OwnParameter, readOwnParameters } from './parameter-rows.ts';

const type = 'SearchParameter';

export const ownParametersModule: Module = {
  name: 'own-parameters',
  guards: [{ name: 'own-parameters', type, run: checkParameters }],
  effects: [{ name: 'own-parameters', type, run: changeParameters }],
};

async function checkParameters(changes: readonly Change[], session: Session): Promise<void> {
  const concerned = changes.filter(concernsSearch);
  if (concerned.length === 0) return;
  const wanted = concerned.map((change) => ofWrite(change.index, () => wantedBy(change, session)));
  await lockCurrentIndex(session);
  const changed = new Set(concerned.map(({ id }) => id));
  const others = (await readOwnParameters(session)).filter(({ id }) => !changed.has(id));
  const all = others.map(({ parameter }) => parameter);
  for (const [position, parameter] of wanted.entries()) {
    if (!parameter) continue;
    ofWrite((concerned[position] as Change).index, () => requireDistinct(parameter, all));
    all.push(parameter);
  }
}

/** What changes nothing about it, such as another description, leaves it as it is. */
async function changeParameters(changes: readonly Change[], session: Session): Promise<[]> {
  const concerned = changes.filter(concernsSearch);
  if (concerned.length === 0) return [];
  const stored = new Map((await readOwnParameters(session)).map((own) => [own.id, own]));
  const moved = concerned
    .map((change) => ({ id: change.id, old: stored.get(change.id)?.parameter, next: wantedBy(change, session) }))
    .filter(({ old, next }) => JSON.stringify(old) !== JSON.stringify(next));
  if (moved.length === 0) return [];
  const types = moved.flatMap(({ old, next }) => [...(old?.base ?? []), ...(next?.base ?? [])]);
  const runId = await requestRun(session, { reason: 'parameters', types });
  for (const { id, next } of moved) {
    if (next) keepParameter(session, { id, parameter: next } satisfies OwnParameter, runId);
    else dropParameter(session.trx, id);
  }
  raiseVersion(session.trx);
  return [];
}

/** A draft that stays one is nobody's matter. */
function concernsSearch({ oldResource, resource }: Change): boolean {
  return [oldResource, resource].some((one) => (one as SearchParameter | undefined)?.status === 'active');
}

function wantedBy({ resource }: Change, { repository }: Session) {
  return resource && readDefinition(resource as SearchParameter, repository.definitions);
}
