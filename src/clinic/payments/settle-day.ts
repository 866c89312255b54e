// `$settle-day`: counts a drawer against what it should hold, posts what is over or short, and closes its day (contract.md 44, domain.md SM-10).

import type { Resource } from '@medplum/fhirtypes';
import { newId } from '../../fhir/ids.ts';
import { parseJson } from '../../fhir/json.ts';
import { type Currency, isCurrency } from '../../fhir/money.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { localDate } from '../../fhir/time-zone.ts';
import type { Operation, OperationCall } from '../../operations/operation.ts';
import { rightsOfPerson } from '../../people/person-rights.ts';
import type { Content } from '../../repository/change.ts';
import { find } from '../../repository/read.ts';
import type { Session } from '../../repository/session.ts';
import { writeOwn } from '../../repository/write.ts';
import type { WorkflowSettings } from '../../tenants/workflow-settings.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { readDrawerDay } from '../ledger/drawer-days.ts';
import { lockMoney } from '../ledger/lock-money.ts';
import { postJournal } from '../ledger/post-journal.ts';
import { overShortLines } from '../ledger/postings.ts';
import { requirePast } from './business-day.ts';
import { mainDrawerId } from './canonicals.ts';
import { refuseCardNumbers } from './card-numbers.ts';
import { closeDay, requireNothingQueued, requireOpen } from './drawer-days.ts';
import { requireOwnDrawers } from './drawer-shifts.ts';
import {
  approvingRight,
  isBoundToDrawer,
  isSamePerson,
  limitMinor,
  mayApprove,
  personOf,
  requireSettling,
} from './rights.ts';
import { readSettleCall, type SettleCall, settleParameters } from './settle-parameters.ts';
import { linesOf, type SettledLine, settlementOf, totalVariance, varianceOf } from './settlement.ts';

export function createSettleDay(settingsOf: SettingsOf): Operation {
  return {
    code: 'settle-day',
    definition: {
      id: 'PaymentReconciliation-settle-day',
      url: 'https://hpms.example/fhir/OperationDefinition/PaymentReconciliation-settle-day',
      name: 'SettleDay',
      title: 'Settle the day of a drawer',
      description:
        'Counts the money of a drawer against the payments and refunds of a day, by method, posts what is over or short, and closes the day: nothing is paid, given back or voided in that drawer and day any more.',
    },
    levels: ['type'],
    resourceTypes: ['PaymentReconciliation'],
    affectsState: true,
    permission: 'c',
    parameters: settleParameters,
    async run(session, call) {
      requireSettling(session.caller);
      return await settleDay(session, call, await settingsOf(session.trx));
    },
  };
}

async function settleDay(session: Session, call: OperationCall, settings: WorkflowSettings): Promise<Content> {
  const currency = currencyOf(settings);
  const wanted = readSettleCall(call, currency);
  const { day, drawer, isPreview } = wanted;
  requirePast(day, localDate(session.at, settings.timezone));
  lockMoney(session);
  const place = drawer === undefined ? undefined : `Location/${drawer}`;
  const drawerDay = { drawerId: drawer ?? '', day };
  const [expected] = await Promise.all([
    readDrawerDay(session, { drawer: place, businessDate: day, currency }),
    requireOpen(session, [drawerDay]),
    requireOwnDrawers(session, [drawerDay]),
    isPreview ? undefined : requireNothingQueued(session, drawerDay),
  ]);
  if (drawer !== undefined && expected.size === 0) await requireThere(session, 'Location', drawer);
  const lines = linesOf(expected, wanted.counted);
  const isBlind = isPreview && isBoundToDrawer(session.caller);
  const settlement = settlementOf(session, wanted, { lines, currency, isBlind });
  refuseCardNumbers(settlement.resource);
  if (isPreview) return settlement;
  requireCounted(lines);
  await requireAccepted(
    session,
    wanted,
    totalVariance(lines) > limitMinor(settings['settlement.variance-limit'], currency),
  );
  return await close(session, { wanted, lines, currency, settlement });
}

interface Closing {
  readonly wanted: SettleCall;
  readonly lines: readonly SettledLine[];
  readonly currency: Currency;
  readonly settlement: Required<Content>;
}

async function close(session: Session, { wanted, lines, currency, settlement }: Closing): Promise<Content> {
  const { day, drawer } = wanted;
  const id = newId(session.at.getTime());
  if (!(await closeDay(session, { drawerId: drawer ?? '', day }, id))) {
    throw fhirError('conflict', 'Another request has settled the day.');
  }
  if (drawer === undefined) await ensureMainDrawer(session);
  const resource: Resource = { ...settlement.resource, id };
  const [result] = await writeOwn(session, [{ action: 'create', ...settlement, id, resource }]);
  await postVariance(session, { wanted, lines, currency }, id);
  const { value, exactNumbers } = parseJson(result?.json ?? '');
  return { resource: value as Resource, ...(exactNumbers && { exactNumbers }) };
}

async function postVariance(
  session: Session,
  { wanted: { day, drawer }, lines, currency }: Omit<Closing, 'settlement'>,
  id: string,
): Promise<void> {
  const place = drawer === undefined ? {} : { drawer: `Location/${drawer}` };
  const posted = lines.filter((line) => varianceOf(line) !== 0n);
  if (posted.length === 0) return;
  await postJournal(session, [
    {
      type: 'OVER_SHORT',
      businessDate: day,
      source: `PaymentReconciliation/${id}/_history/1`,
      idempotencyKey: `over-short ${id}`,
      currency,
      lines: posted.flatMap((line) => overShortLines({ method: line.method, ...place, amountMinor: varianceOf(line) })),
      facts: place,
    },
  ]);
}

function requireCounted(lines: readonly SettledLine[]): void {
  const missing = lines.filter(({ countedMinor }) => countedMinor === undefined).map(({ method }) => method);
  if (missing.length === 0) return;
  throw fhirError('business-rule', `Money is expected of ${missing.join(', ')}: say what was counted of each.`, {
    expression: "Parameters.parameter.where(name = 'counted')",
  });
}

/** One who counts does not accept what is missing: another person does, whose role approves (domain.md SM-10). */
async function requireAccepted(session: Session, { approver }: SettleCall, isOverLimit: boolean): Promise<void> {
  if (approver === undefined) {
    if (!isOverLimit) return;
    throw notAccepted('The variance is above the limit (setting settlement.variance-limit): name who approves it.');
  }
  const reference = `Practitioner/${approver}`;
  if (isSamePerson(personOf(session.caller), reference)) throw notAccepted('Another person approves what you counted.');
  await requireThere(session, 'Practitioner', approver);
  if (mayApprove(session.caller)) return;
  const { operations } = await rightsOfPerson(session.trx, reference);
  if (!operations.has(approvingRight))
    throw notAccepted(`Who approves has the right ${approvingRight}, as billing managers.`);
}

function notAccepted(diagnostics: string): Error {
  return fhirError('business-rule', diagnostics, { expression: "Parameters.parameter.where(name = 'approver')" });
}

async function requireThere(session: Session, type: 'Location' | 'Practitioner', id: string): Promise<void> {
  const version = await find(session, type, id);
  if (version?.body) return;
  throw fhirError('business-rule', `There is no such ${type}.`, { expression: 'Parameters.parameter' });
}

/** Settlements name a Location, also of payments that name none. */
async function ensureMainDrawer(session: Session): Promise<void> {
  if (await find(session, 'Location', mainDrawerId)) return;
  const resource = { resourceType: 'Location', id: mainDrawerId, status: 'active', name: 'Main cash drawer' } as const;
  await writeOwn(session, [{ action: 'create', id: mainDrawerId, resource }]);
}

function currencyOf({ currency }: WorkflowSettings): Currency {
  if (!isCurrency(currency)) throw new Error('The setting `currency` is no currency of ISO 4217.');
  return currency;
}
