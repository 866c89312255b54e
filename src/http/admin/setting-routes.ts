// What a clinic sets for itself, and how its numbers are written: contract.md 3, 45 and 47.

import { newId } from '../../fhir/ids.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { addToOutbox } from '../../jobs/outbox.ts';
import { isSeriesCode, listNumberSeries, numberSeries, putNumberSeries } from '../../people/number-series.ts';
import { readSettings, type Settings, writeSetting } from '../../tenants/settings.ts';
import { settingChangedTopic } from '../../tenants/workflow-settings.ts';
import type { AdminAnswer } from '../admin-route.ts';
import { objectOf, text } from './schemas.ts';
import type { TenantAdminCall, TenantRoute } from './tenant-route.ts';

const anyValue = { description: 'Of the type the setting has.' };
const setting = objectOf({ key: { type: 'string' }, value: anyValue }, ['key', 'value']);
const next = {
  type: 'integer',
  minimum: 1,
  maximum: 999_999_999_999,
  description: 'The number that is given out next; it never goes down.',
};
const pattern = text(64, 'Plain characters, {yyyy} or {yy}, {MM}, {dd}, and one counter such as {00000}.');
const series = objectOf(
  { code: { type: 'string', enum: Object.keys(numberSeries) }, what: { type: 'string' }, pattern, next },
  ['code', 'what', 'pattern', 'next'],
);

export const settingRoutes: readonly TenantRoute[] = [
  {
    operationId: 'listSettings',
    method: 'GET',
    path: '/settings',
    summary: 'All settings, also those that are as they are by default.',
    answers: { 200: { description: 'The settings.', schema: { type: 'array', items: setting } } },
    async run({ session }) {
      const settings = Object.entries(await readSettings(session.trx));
      return { status: 200, body: settings.map(([key, value]) => ({ key, value })) };
    },
  },
  {
    operationId: 'readSetting',
    method: 'GET',
    path: '/settings/{key}',
    summary: 'One setting.',
    answers: { 200: { description: 'The setting.', schema: setting } },
    run: readOne,
  },
  {
    operationId: 'putSetting',
    method: 'PUT',
    path: '/settings/{key}',
    summary: 'Sets it; in force for the next request.',
    body: objectOf({ value: anyValue }, ['value']),
    answers: { 200: { description: 'The setting as it is now.', schema: setting } },
    current: readOne,
    async run(call) {
      writeSetting(call.session.trx, call.params.key ?? '', call.body.value);
      tellOfChange(call);
      return await readOne(call);
    },
  },
  {
    operationId: 'listNumberSeries',
    method: 'GET',
    path: '/number-series',
    summary: 'How numbers are written, and which come next.',
    answers: { 200: { description: 'All series.', schema: { type: 'array', items: series } } },
    async run({ session }) {
      return { status: 200, body: (await listNumberSeries(session.trx)).map(view) };
    },
  },
  {
    operationId: 'readNumberSeries',
    method: 'GET',
    path: '/number-series/{code}',
    summary: 'One series.',
    answers: { 200: { description: 'The series.', schema: series } },
    run: readSeries,
  },
  {
    operationId: 'putNumberSeries',
    method: 'PUT',
    path: '/number-series/{code}',
    summary: 'Sets the pattern, for numbers given out from now on.',
    body: objectOf({ pattern, next }, ['pattern']),
    answers: { 200: { description: 'The series as it is now.', schema: series } },
    current: readSeries,
    async run(call) {
      const { session, params, body } = call;
      if (!isSeriesCode(params.code ?? '')) throw noSeries();
      await putNumberSeries(session.trx, params.code as keyof typeof numberSeries, body);
      return await readSeries(call);
    },
  },
];

/** What is read of settings is kept for a second: who hears of a change after two finds it everywhere. */
const heardAfterMs = 2_000;

function tellOfChange({ session, params: { key = '' } }: TenantAdminCall): void {
  const eventKey = `${settingChangedTopic}-${key}-${newId(session.at.getTime())}`;
  const dueAt = new Date(session.at.getTime() + heardAfterMs);
  const setting = { resourceType: 'Setting', resourceId: key, newVersionId: 1 };
  addToOutbox(session.trx, [{ eventKey, topic: settingChangedTopic, ...setting, dueAt }]);
}

async function readOne({ session, params: { key = '' } }: TenantAdminCall): Promise<AdminAnswer> {
  const settings = await readSettings(session.trx);
  if (!Object.hasOwn(settings, key)) throw fhirError('not-found', 'There is no setting of this name.');
  return { status: 200, body: { key, value: settings[key as keyof Settings] } };
}

async function readSeries({ session, params: { code = '' } }: TenantAdminCall): Promise<AdminAnswer> {
  const found = (await listNumberSeries(session.trx)).find((one) => one.code === code);
  if (!found) throw noSeries();
  return { status: 200, body: view(found) };
}

function view(one: Awaited<ReturnType<typeof listNumberSeries>>[number]) {
  return { code: one.code, what: numberSeries[one.code], pattern: one.pattern, next: one.next };
}

function noSeries(): Error {
  return fhirError('not-found', `There are number series for ${Object.keys(numberSeries).join(', ')}.`);
}
