// Money of a random week: Invoices, payments, refunds, voids, corrections and settled drawers (contract.md 26 to 44).

import type { Invoice, PaymentReconciliation } from '@medplum/fhirtypes';
import { base, invoiceFor, line, noteFor, tax } from '../../api/invoice-world.ts';
import type { TestResponse } from '../../support/server.ts';
import { buildPayment, type PaymentParts, type Stored, today, usd } from '../payments/till.ts';
import type { Command, MoneyKind } from './commands.ts';
import { pick, type World } from './world.ts';

const refusals = [409, 422];
const methods = ['CASH', 'CCCA', 'UPI', 'DDPO', 'CHCK'];

export const moneyActions: Readonly<Record<MoneyKind, (world: World, command: Command) => Promise<void>>> = {
  'add line': addLine,
  issue,
  invoice: issueByHand,
  pay,
  split,
  deposit: (world, command) => takeCredit(world, command, 'advance'),
  copay: (world, command) => takeCredit(world, command, 'copay'),
  refund,
  'refund credit': (world, { which, cents }) => giveBack(world, pick(world.payments, which), cents),
  void: voidPayment,
  note: (world, command) => correct(world, command),
  'write off': (world, command) => correct(world, command, 'SMALL_BALANCE'),
  'cancel invoice': cancelInvoice,
  settle,
};

/** `statuses` undefined: nobody can know. */
function ask(world: World, statuses: readonly number[] | undefined, ...request: Parameters<World['door']['ask']>) {
  return world.isForeseen && statuses ? world.door.askFor(statuses, ...request) : world.door.ask(...request);
}

function foreseen(isVague: boolean, isRight: boolean, status: number): readonly number[] | undefined {
  if (isVague) return undefined;
  return isRight ? [status] : refusals;
}

const subjectOf = ({ subject }: Invoice) => subject?.reference ?? '';

function inStatus(world: World, which: number, ...statuses: string[]): Stored<Invoice> | undefined {
  const isIn = ({ id }: Stored<Invoice>) => statuses.includes(world.model.invoices.get(id)?.status ?? '');
  return pick(world.isForeseen ? world.invoices.filter(isIn) : world.invoices, which);
}

async function current(world: World, { id }: Stored<Invoice>): Promise<Stored<Invoice>> {
  return (await world.door.askFor([200], 'GET', `/Invoice/${id}`)).json;
}

async function addLine(world: World, { which, cents }: Command): Promise<void> {
  const draft = inStatus(world, which, 'draft');
  if (!draft) return;
  const { totalNet: _net, totalGross: _gross, totalPriceComponent: _total, ...now } = await current(world, draft);
  const more = line(base(cents / 100), ...(cents % 2 ? [tax(0.19)] : []));
  const changed = { ...now, lineItem: [...(now.lineItem as object[]), more] };
  const answer = await ask(world, [200], 'PUT', `/Invoice/${draft.id}`, changed);
  if (answer.status === 200) world.model.draft(draft.id, subjectOf(draft), grossOf(answer.json));
}

const grossOf = ({ totalGross }: Invoice) => Math.round((totalGross?.value ?? Number.NaN) * 100);

async function issue(world: World, { which }: Command): Promise<void> {
  if (world.visits.some(({ status, hasDraft }) => status === 'fulfilled' && !hasDraft)) await world.waitForDrafts();
  const draft = inStatus(world, which, 'draft');
  if (!draft) return;
  const answer = await ask(world, [200], 'PUT', `/Invoice/${draft.id}`, {
    ...(await current(world, draft)),
    status: 'issued',
  });
  if (answer.status === 200 && world.isForeseen) world.model.issue(draft.id);
}

async function issueByHand(world: World, { which, cents }: Command): Promise<void> {
  const patient = pick(world.patients, which)!;
  const lines = [line(base(cents / 100), ...(cents % 2 ? [tax(0.07)] : []))];
  const { json } = await world.door.askFor([201], 'POST', '/Invoice', invoiceFor(patient, lines, { status: 'issued' }));
  world.invoices.push(json);
  world.model.draft(json.id, patient, grossOf(json));
  world.model.issue(json.id);
}

/** Some less, some more than is outstanding; some of the Invoices are paid, cancelled or drafts already. */
async function pay(world: World, { which, other, cents }: Command): Promise<void> {
  const invoice = inStatus(world, which, 'issued', ...(other % 7 === 0 ? ['draft', 'cancelled'] : []));
  if (!invoice) return;
  const outstanding = world.model.invoices.get(invoice.id)?.outstanding ?? 0;
  const part = other % 3 === 0 || outstanding === 0 ? cents : outstanding;
  await take(
    world,
    { patient: subjectOf(invoice), details: [[invoice.id, part]], over: other % 4 === 0 ? cents % 900 : 0 },
    other,
  );
}

/** Two Invoices in one payment; only a patient's own while the model follows. */
async function split(world: World, { which, other, cents }: Command): Promise<void> {
  const first = inStatus(world, which, 'issued');
  if (!first) return;
  const patient = subjectOf(first);
  const others = world.invoices.filter(
    (one) => !world.isForeseen || (subjectOf(one) === patient && isIssued(world, one)),
  );
  const second = pick(
    others.filter(({ id }) => id !== first.id),
    other,
  );
  if (!second) return;
  await take(
    world,
    {
      patient,
      details: [
        [first.id, cents],
        [second.id, (cents % 700) + 1],
      ],
      over: cents % 3,
    },
    other,
  );
}

const isIssued = (world: World, { id }: Stored<Invoice>) => world.model.invoices.get(id)?.status === 'issued';

interface Taken {
  readonly patient: string;
  readonly details: readonly (readonly [invoice: string, cents: number])[];
  readonly over: number;
}

async function take(world: World, { patient, details, over }: Taken, other: number): Promise<void> {
  const amount = details.reduce((sum, [, cents]) => sum + cents, over);
  const drawer = drawerOf(world, other);
  const isTaken =
    details.every(([id]) => world.model.invoices.get(id)?.status === 'issued') && !isClosed(world, drawer);
  const parts = {
    issuer: patient,
    method: pick(methods, other)!,
    ...(drawer !== undefined && { drawer }),
    details: details.map(([id, cents]) => [`Invoice/${id}`, cents / 100] as const),
  };
  const answer = await post(world, isTaken ? [201] : refusals, amount, parts);
  if (answer.status !== 201) return;
  world.payments.push(answer.json);
  if (world.isForeseen) world.model.pay(answer.json.id, patient, amount, details);
}

function post(
  world: World,
  statuses: readonly number[] | undefined,
  cents: number,
  parts: PaymentParts,
): Promise<TestResponse> {
  return ask(world, statuses, 'POST', '/PaymentReconciliation', buildPayment(cents / 100, parts));
}

/** One payment in four names no drawer. */
function drawerOf({ drawers }: World, other: number): string | undefined {
  return other % 4 === 0 ? undefined : pick(drawers, other);
}

function isClosed({ settled }: World, drawer: string | undefined): boolean {
  return settled.has(drawer ?? '');
}

async function takeCredit(world: World, { which, other, cents }: Command, type: 'advance' | 'copay'): Promise<void> {
  const visit = pick(world.visits, which);
  const patient = type === 'copay' ? visit?.patient : pick(world.patients, which);
  if (patient === undefined) return;
  const drawer = drawerOf(world, other);
  const details = type === 'copay' ? [[`Appointment/${visit!.id}`, cents / 100] as const] : [];
  const parts = { type, issuer: patient, details, ...(drawer !== undefined && { drawer }) };
  const answer = await post(world, isClosed(world, drawer) ? refusals : [201], cents, parts);
  if (answer.status !== 201) return;
  world.payments.push(answer.json);
  if (world.isForeseen) world.model.pay(answer.json.id, patient, cents, []);
}

async function refund(world: World, { which, other, cents }: Command): Promise<void> {
  const payment = pick(world.payments, which);
  const paid = [...(world.model.payments.get(payment?.id ?? '')?.parts ?? [])];
  const [invoice, left] = pick(paid, other) ?? [];
  const part = pick(payment?.detail ?? [], other)?.request?.reference?.replace('Invoice/', '');
  const target = invoice ?? part ?? pick(world.invoices, other)?.id;
  if (target !== undefined) await giveBack(world, payment, other % 2 && left ? left : cents, target);
}

async function giveBack(
  world: World,
  payment: Stored<PaymentReconciliation> | undefined,
  cents: number,
  invoice?: string,
): Promise<void> {
  if (!payment || cents <= 0) return;
  const { model } = world;
  const known = model.payments.get(payment.id);
  const drawer = drawerNamed(payment);
  const details = invoice === undefined ? [] : [[`Invoice/${invoice}`, cents / 100] as const];
  const parts = {
    type: 'refund',
    method: '',
    refunds: `PaymentReconciliation/${payment.id}`,
    details,
    ...(drawer !== undefined && { drawer }),
  };
  const isVague = known === undefined || model.isVague(known.patient);
  const isRight = !isVague && model.mayRefund(payment.id, cents, invoice) && !isClosed(world, drawer);
  const answer = await post(world, foreseen(isVague, isRight, 201), cents, parts);
  if (answer.status !== 201) return;
  if (!world.isForeseen) world.payments.push(answer.json);
  if (!isVague) model.refund(payment.id, cents, invoice);
}

function drawerNamed({ extension = [] }: PaymentReconciliation): string | undefined {
  return extension.find(({ url }) => url.endsWith('/drawer'))?.valueReference?.reference;
}

async function voidPayment(world: World, { which }: Command): Promise<void> {
  const payment = pick(world.payments, which);
  if (!payment) return;
  const { model } = world;
  const known = model.payments.get(payment.id);
  const isVague = known === undefined || model.isVague(known.patient);
  const isOver = known?.isVoid === true || (known?.refunded === 0 && !isClosed(world, drawerNamed(payment)));
  const operations = JSON.stringify([{ op: 'replace', path: '/status', value: 'cancelled' }]);
  const patchType = { 'Content-Type': 'application/json-patch+json' };
  const path = `/PaymentReconciliation/${payment.id}`;
  const answer = await ask(world, foreseen(isVague, isOver, 200), 'PATCH', path, operations, patchType);
  if (answer.status === 200 && !isVague) model.void(payment.id);
}

/** A credit note, or a write-off with its reason. */
async function correct(world: World, { which, other, cents }: Command, reason?: string): Promise<void> {
  const invoice = inStatus(world, which, 'issued');
  if (!invoice) return;
  const { model } = world;
  const known = model.invoices.get(invoice.id);
  const patient = subjectOf(invoice);
  const outstanding = known?.outstanding ?? 0;
  const taken = other % 2 && outstanding > 0 ? Math.min(cents, outstanding) : cents;
  const isVague = model.isVague(patient) || (reason === undefined && taken > outstanding);
  const note = { ...noteFor(patient, invoice.id, -taken / 100, reason), status: 'issued' };
  const answer = await ask(world, foreseen(isVague, taken <= outstanding, 201), 'POST', '/Invoice', note);
  if (answer.status !== 201) return;
  if (isVague) model.lose(patient);
  else model.correct(invoice.id, taken);
}

async function cancelInvoice(world: World, { which, other }: Command): Promise<void> {
  const invoice = inStatus(world, which, other % 2 ? 'draft' : 'issued');
  if (!invoice) return;
  const { model } = world;
  const known = model.invoices.get(invoice.id);
  const isVague = model.isVague(subjectOf(invoice)) || (known !== undefined && known.corrected > 0);
  const isRight = known?.paid === 0;
  const changed = { ...(await current(world, invoice)), status: 'cancelled', cancelledReason: 'Written by mistake' };
  const answer = await ask(world, foreseen(isVague, isRight, 200), 'PUT', `/Invoice/${invoice.id}`, changed);
  if (answer.status !== 200 || !known) return;
  if (isVague) model.lose(known.patient);
  Object.assign(known, { status: 'cancelled', outstanding: 0 });
}

/** What was expected a moment before, and one cent too much of the first method. */
async function settle(world: World, { which }: Command): Promise<void> {
  const drawer = pick(world.drawers, which)!;
  if (world.isForeseen && world.settled.has(drawer)) return;
  const path = '/PaymentReconciliation/$settle-day';
  const date = { name: 'date', valueDate: today() };
  const place = { name: 'drawer', valueReference: { reference: drawer } };
  const preview = { name: 'preview', valueBoolean: true };
  const seen = await ask(world, [200, 201], 'POST', path, {
    resourceType: 'Parameters',
    parameter: [date, place, preview],
  });
  if (seen.status >= 300) return;
  const counted = ((seen.json as PaymentReconciliation).detail ?? []).map(({ type, amount }, index) => ({
    name: 'counted',
    part: [
      { name: 'method', valueCode: type.coding?.[0]?.code },
      { name: 'amount', valueMoney: usd((Math.round((amount?.value ?? 0) * 100) + (index === 0 ? 1 : 0)) / 100) },
    ],
  }));
  const answer = await ask(world, [200, 201], 'POST', path, {
    resourceType: 'Parameters',
    parameter: [date, place, ...counted],
  });
  if (answer.status < 300) world.settled.add(drawer);
}
