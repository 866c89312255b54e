// A price as billing calculates with it, read from a ChargeItemDefinition: https://hl7.org/fhir/R4/chargeitemdefinition.html

import type {
  ChargeItemDefinition,
  ChargeItemDefinitionPropertyGroupPriceComponent,
  CodeableConcept,
  Extension,
} from '@medplum/fhirtypes';
import { parseDate } from '../../fhir/dates.ts';
import { type Decimal, readDecimal } from '../../fhir/decimal.ts';
import { type Currency, readAmount } from '../../fhir/money.ts';
import { extensionUrls } from './canonicals.ts';
import { localTarget } from './local-target.ts';

export interface Price {
  readonly id: string;
  /** `url|version`, as ChargeItem.definitionCanonical names it. */
  readonly canonical: string;
  readonly url: string;
  readonly title: string | undefined;
  /** Canonicals of the packages it is sold in. */
  readonly packages: readonly string[];
  readonly freeVisits: FreeVisits | undefined;
  readonly code: CodeableConcept | undefined;
  /** Milliseconds since 1970, both ends inclusive. */
  readonly validFrom: number;
  readonly validTo: number;
  readonly lastUpdated: number;
  /** References; empty = any. */
  readonly practitioners: readonly string[];
  readonly departments: readonly string[];
  readonly taxCategory: string | undefined;
  readonly isTaxInclusive: boolean;
  readonly components: readonly PriceComponent[];
}

/** After a paid visit so many more cost nothing within so many days. */
export interface FreeVisits {
  readonly count: number;
  readonly days: number;
}

/** One component for one unit of what is sold; where both are given, the factor counts, except in a base. */
export interface PriceComponent {
  readonly type: ChargeItemDefinitionPropertyGroupPriceComponent['type'];
  readonly code: CodeableConcept | undefined;
  readonly factor: Decimal | undefined;
  readonly amountMinor: bigint | undefined;
}

/**
 * Undefined for what nobody can be charged by in this currency: amounts in another one, negative or with too many decimals,
 * a base without amount, a period that is none, or conditions (`applicability`), which only people can judge so far.
 */
export function readPrice(definition: ChargeItemDefinition, currency: Currency): Price | undefined {
  const { id = '', url, version, meta, code, effectivePeriod: period, extension, propertyGroup = [] } = definition;
  const components = propertyGroup.flatMap((group) =>
    (group.priceComponent ?? []).map((component) => readComponent(component, currency)),
  );
  const validFrom = period?.start === undefined ? -Infinity : parseDate(period.start, 'dateTime')?.low;
  const validTo = period?.end === undefined ? Infinity : parseDate(period.end, 'dateTime')?.high;
  if (isConditional(definition) || !components.every(isReadable)) return undefined;
  if (validFrom === undefined || validTo === undefined) return undefined;
  return {
    id,
    canonical: version === undefined ? url : `${url}|${version}`,
    url,
    title: definition.title,
    packages: definition.partOf ?? [],
    freeVisits: readFreeVisits(extension),
    code,
    validFrom,
    validTo,
    lastUpdated: Date.parse(meta?.lastUpdated ?? ''),
    practitioners: referencesOf(extension, extensionUrls.practitioner),
    departments: referencesOf(extension, extensionUrls.department),
    taxCategory: extensionsOf(extension, extensionUrls.taxCategory)[0]?.valueCode,
    isTaxInclusive: extensionsOf(extension, extensionUrls.taxInclusive)[0]?.valueBoolean ?? false,
    components,
  };
}

/** Where no days are said, a follow-up is free for two weeks. */
const freeDaysByDefault = 14;

function readFreeVisits(extension: readonly Extension[] | undefined): FreeVisits | undefined {
  const count = extensionsOf(extension, extensionUrls.validVisits)[0]?.valuePositiveInt;
  const days = extensionsOf(extension, extensionUrls.validDays)[0]?.valuePositiveInt ?? freeDaysByDefault;
  return count === undefined ? undefined : { count, days };
}

export function isInForce(price: Price, at: number): boolean {
  return price.validFrom <= at && at <= price.validTo;
}

/** What has no base is a tax or the like, never the price of anything. */
export function hasBase(price: Price): boolean {
  return price.components.some(({ type }) => type === 'base');
}

function isConditional({ applicability = [], propertyGroup = [] }: ChargeItemDefinition): boolean {
  return applicability.length > 0 || propertyGroup.some((group) => (group.applicability ?? []).length > 0);
}

function isReadable(component: PriceComponent | undefined): component is PriceComponent {
  return component !== undefined;
}

function readComponent(
  { type, code, factor: writtenFactor, amount }: ChargeItemDefinitionPropertyGroupPriceComponent,
  currency: Currency,
): PriceComponent | undefined {
  const factor = writtenFactor === undefined ? undefined : readDecimal(writtenFactor);
  const amountMinor = amount?.value === undefined ? undefined : readAmount(amount.value, currency);
  const isUnread = (writtenFactor !== undefined && !factor) || (amount !== undefined && amountMinor === undefined);
  if (isUnread || (amount?.currency ?? currency) !== currency) return undefined;
  if (type !== 'informational' && (type === 'base' || !factor) && amountMinor === undefined) return undefined;
  // Discounts are written with either sign (contract.md 25 has them negative in Invoices); nothing else is negative.
  const isReduction = type === 'discount' || type === 'deduction';
  if (isReduction && amountMinor !== undefined) return { type, code, factor, amountMinor: abs(amountMinor) };
  if ((factor && factor.digits < 0n) || (amountMinor !== undefined && amountMinor < 0n)) return undefined;
  return { type, code, factor, amountMinor };
}

function abs(amount: bigint): bigint {
  return amount < 0n ? -amount : amount;
}

function extensionsOf(extensions: readonly Extension[] | undefined, url: string): Extension[] {
  return (extensions ?? []).filter((extension) => extension.url === url);
}

/** A reference that names nothing here stays as it is written: it then fits no visit, where none at all would fit every one. */
function referencesOf(extensions: readonly Extension[] | undefined, url: string): string[] {
  return extensionsOf(extensions, url).map(
    ({ valueReference }) => localTarget(valueReference)?.reference ?? valueReference?.reference ?? '',
  );
}
