// `ChargeItemDefinition/[id]/$apply`: a ChargeItem gets the price of this definition: https://hl7.org/fhir/R4/chargeitemdefinition-operation-apply.html

import type { ChargeItem, Extension, Reference } from '@medplum/fhirtypes';
import { formatDecimal } from '../../fhir/decimal.ts';
import { type Currency, exactAmounts, toMoney } from '../../fhir/money.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Operation, OperationCall } from '../../operations/operation.ts';
import type { Content } from '../../repository/change.ts';
import { read } from '../../repository/read.ts';
import type { Session } from '../../repository/session.ts';
import { parseBody } from '../../repository/stored-version.ts';
import { write } from '../../repository/write.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { localTarget } from './local-target.ts';
import { hasBase, isInForce } from './price.ts';
import { applyPrice, chargeOfItem, type PricedCharge } from './price-charge.ts';
import { type LineComponent, netOf } from './price-line.ts';
import type { PriceList } from './price-list.ts';

export interface ApplyOptions {
  readonly settingsOf: SettingsOf;
  readonly pricesOf: PriceList;
}

export function createApply(options: ApplyOptions): Operation {
  return {
    code: 'apply',
    definition: {
      id: 'ChargeItemDefinition-apply',
      url: 'http://hl7.org/fhir/OperationDefinition/ChargeItemDefinition-apply',
      name: 'Apply',
      title: 'Apply',
      description:
        'The apply operation applies a definition in a specific context: the ChargeItem names the definition, has its net price for the whole quantity as priceOverride and the price with its taxes as components. It gets a new version.',
    },
    levels: ['instance'],
    resourceTypes: ['ChargeItemDefinition'],
    affectsState: true,
    permission: 'r',
    parameters: [
      {
        name: 'chargeItem',
        use: 'in',
        min: 1,
        max: 1,
        type: 'Reference',
        documentation: 'The ChargeItem on which the definition is to ba applies',
      },
      {
        name: 'account',
        use: 'in',
        min: 0,
        max: 1,
        type: 'Reference',
        documentation: 'The account in context, if any',
      },
      {
        name: 'return',
        use: 'out',
        min: 1,
        max: 1,
        type: 'Any',
        documentation: 'The resource that is the result of applying the definition',
      },
    ],
    run: (session, call) => apply(session, call, options),
  };
}

async function apply(session: Session, call: OperationCall, { settingsOf, pricesOf }: ApplyOptions): Promise<Content> {
  await read(session, 'ChargeItemDefinition', call.id);
  const item = await readItem(session, call.inputs.get('chargeItem')?.[0]?.value as Reference);
  const account = call.inputs.get('account')?.[0]?.value as Reference<never> | undefined;
  if (item.status === 'billed') throw refused('This ChargeItem is billed already.');
  const { currency, 'money.rounding': rounding } = await settingsOf(session.trx);
  const prices = await pricesOf(session, currency);
  const price = prices.find(({ id }) => id === call.id);
  const { priceOverride: _, factorOverride: _factor, overrideReason: _reason, ...plain } = item;
  const charge = chargeOfItem(plain, currency, session.at.getTime());
  const isApplicable = price && hasBase(price) && isInForce(price, charge.at);
  const priced = isApplicable ? applyPrice(prices, price, charge, rounding) : undefined;
  if (!priced)
    throw refused('This definition is no price that is active, in force at the charge, and in the currency here.');
  const resource = { ...plain, ...pricedElements(priced, currency, item), ...(account && { account: [account] }) };
  await write(session, [{ action: 'update', id: item.id ?? '', resource, exactNumbers: exactAmounts(resource) }]);
  const stored = await read(session, 'ChargeItem', item.id ?? '');
  return { resource: parseBody(stored) as ChargeItem, exactNumbers: exactAmounts(parseBody(stored) as ChargeItem) };
}

async function readItem(session: Session, reference: Reference): Promise<ChargeItem> {
  const target = localTarget(reference);
  if (target?.type !== 'ChargeItem') throw refused('The parameter "chargeItem" refers to a ChargeItem of this server.');
  return parseBody(await read(session, 'ChargeItem', target.id)) as ChargeItem;
}

const componentUrl = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-ChargeItem.totalPriceComponent';

function pricedElements(
  { price, components }: PricedCharge,
  currency: Currency,
  item: ChargeItem,
): Partial<ChargeItem> {
  const others = (item.extension ?? []).filter(({ url }) => url !== componentUrl);
  return {
    definitionCanonical: [price.canonical],
    priceOverride: toMoney(netOf(components), currency),
    overrideReason: 'Priced by its definition',
    extension: [...others, ...components.map((component) => componentOf(component, currency))],
  };
}

/** R5's MonetaryComponent, in the names of its cross-version extension. */
function componentOf({ type, code, factor, amountMinor }: LineComponent, currency: Currency): Extension {
  return {
    url: componentUrl,
    extension: [
      { url: 'type', valueCode: type },
      ...(code ? [{ url: 'code', valueCodeableConcept: code }] : []),
      ...(factor ? [{ url: 'factor', valueDecimal: Number(formatDecimal(factor)) }] : []),
      { url: 'amount', valueMoney: toMoney(amountMinor, currency) },
    ],
  };
}

function refused(diagnostics: string): Error {
  return fhirError('business-rule', diagnostics, { expression: 'Parameters.parameter' });
}
