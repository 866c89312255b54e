// Tax rules: ChargeItemDefinitions with a tax and no base price, which apply to all prices of their category (contract.md 24, domain.md S5-04).

import { randomUUID } from 'node:crypto';
import type { ChargeItemDefinition } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import { create } from '../../repository/create.ts';
import type { Session } from '../../repository/session.ts';
import type { AdminAnswer } from '../admin-route.ts';
import { changeMembers, findResource, findResources } from './find-resources.ts';
import { objectOf, resourceId, text } from './schemas.ts';
import { created, type TenantAdminCall, type TenantRoute } from './tenant-route.ts';

const canonical = 'https://hpms.example/fhir';
const kind = { system: `${canonical}/CodeSystem/definition-kind`, code: 'tax-rule' };
const categoryUrl = `${canonical}/StructureDefinition/tax-category`;

const name = text(100, 'As invoices name it: VAT.');
const category = {
  type: 'string',
  pattern: '^[^\\s]+( [^\\s]+)*$',
  maxLength: 64,
  description: 'Of the prices it applies to: standard.',
};
const factor = { type: 'number', minimum: 0, maximum: 10, description: '0.19 for 19 %.' };
const day = { type: 'string', pattern: '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' };
const start = { ...day, description: 'The first day it is in force; from ever by default.' };
const end = { ...day, description: 'The last day it is in force; for ever by default.' };
const taxRule = objectOf(
  { id: { ...resourceId, description: 'Also that of the ChargeItemDefinition.' }, name, category, factor, start, end },
  ['id', 'name', 'category', 'factor'],
);

export const taxRuleRoutes: readonly TenantRoute[] = [
  {
    operationId: 'listTaxRules',
    method: 'GET',
    path: '/tax-rules',
    summary: 'Tax rules, with those of the past.',
    answers: { 200: { description: 'All rules.', schema: { type: 'array', items: taxRule } } },
    async run({ session }) {
      const code = `${kind.system}|${kind.code}`;
      const found = await findResources<ChargeItemDefinition>(session, 'ChargeItemDefinition', [['code', code]]);
      return { status: 200, body: found.map(view) };
    },
  },
  {
    operationId: 'createTaxRule',
    method: 'POST',
    path: '/tax-rules',
    summary:
      'Makes a tax rule. With `replaces` it is the new rate of another one, which ends on the day before and stays.',
    body: objectOf(
      { name, category, factor, start, end, replaces: { ...resourceId, description: 'Id of the rule it follows.' } },
      ['name', 'category', 'factor'],
    ),
    answers: { 201: { description: 'The rule.', schema: taxRule } },
    run: add,
  },
  {
    operationId: 'readTaxRule',
    method: 'GET',
    path: '/tax-rules/{id}',
    summary: 'One tax rule.',
    answers: { 200: { description: 'The rule.', schema: taxRule } },
    run: readOne,
  },
  {
    operationId: 'endTaxRule',
    method: 'PATCH',
    path: '/tax-rules/{id}',
    summary: 'Sets its last day. What it says otherwise never changes, for invoices were made by it.',
    body: objectOf({ end }, ['end']),
    answers: { 200: { description: 'The rule as it is now.', schema: taxRule } },
    current: readOne,
    async run(call) {
      await endRule(call.session, await find(call.session, call.params.id ?? ''), call.body.end);
      return await readOne(call);
    },
  },
];

async function add(call: TenantAdminCall): Promise<AdminAnswer> {
  const { session, body } = call;
  if (body.replaces !== undefined) {
    if (body.start === undefined) {
      throw fhirError('required', 'A new rate has a first day.', { expression: 'start' });
    }
    const last = dayBefore(body.start);
    const before = await find(session, body.replaces);
    requireInForce(before, last);
    await endRule(session, before, last);
  }
  const period = { ...(body.start && { start: body.start }), ...(body.end && { end: body.end }) };
  requirePeriod(period);
  const resource: ChargeItemDefinition = {
    resourceType: 'ChargeItemDefinition',
    extension: [{ url: categoryUrl, valueCode: body.category }],
    url: `urn:uuid:${randomUUID()}`,
    title: body.name,
    status: 'active',
    code: { coding: [kind], text: body.name },
    ...(period.start || period.end ? { effectivePeriod: period } : {}),
    propertyGroup: [{ priceComponent: [{ type: 'tax', code: { text: body.name }, factor: body.factor }] }],
  };
  const { id } = await create(session, resource);
  return created(call, `/tax-rules/${id}`, view({ ...resource, id }));
}

async function readOne({ session, params: { id = '' } }: TenantAdminCall): Promise<AdminAnswer> {
  return { status: 200, body: view(await find(session, id)) };
}

async function endRule(
  session: Session,
  { id = '', effectivePeriod }: ChargeItemDefinition,
  last: string,
): Promise<void> {
  const period = { ...effectivePeriod, end: last };
  requirePeriod(period);
  const target = { type: 'ChargeItemDefinition', id } as const;
  await changeMembers<ChargeItemDefinition>(session, target, { effectivePeriod: period });
}

/** One that ended earlier would be in force again, beside the rate that followed it: prices would be taxed twice. */
function requireInForce({ effectivePeriod: { end: ended } = {} }: ChargeItemDefinition, last: string): void {
  if (ended === undefined || last.slice(0, ended.length) <= ended) return;
  const diagnostics = 'The rule to replace ends earlier than on the day before; replace the one that follows it.';
  throw fhirError('business-rule', diagnostics, { expression: 'replaces' });
}

function requirePeriod({ start: first = '', end: last }: { readonly start?: string; readonly end?: string }): void {
  if (last === undefined || first <= last) return;
  throw fhirError('business-rule', 'The last day is before the first one.', { expression: 'end' });
}

function dayBefore(date: string): string {
  const time = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(time)) throw fhirError('value', 'There is no such day.', { expression: 'start' });
  return new Date(time - 86_400_000).toISOString().slice(0, 10);
}

function find(session: Session, id: string): Promise<ChargeItemDefinition> {
  return findResource<ChargeItemDefinition>(
    session,
    { type: 'ChargeItemDefinition', id, what: 'tax rule' },
    ({ code }) => code?.coding?.some((one) => one.system === kind.system && one.code === kind.code) ?? false,
  );
}

function view({ id, title, extension = [], effectivePeriod, propertyGroup = [] }: ChargeItemDefinition) {
  const { start: first, end: last } = effectivePeriod ?? {};
  return {
    id,
    name: title ?? '',
    category: extension.find((one) => one.url === categoryUrl)?.valueCode ?? '',
    factor: propertyGroup[0]?.priceComponent?.[0]?.factor ?? 0,
    ...(first && { start: first }),
    ...(last && { end: last }),
  };
}
