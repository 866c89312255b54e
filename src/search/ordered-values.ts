// Which parameters have an index in the order of their values beside dates, and under what that index keeps them:
// https://hl7.org/fhir/R4/search.html#sort

import { anyUnit } from './extract/quantity.ts';
import type { IndexedParameter } from './search-parameters.ts';
import type { Criterion } from './search-query.ts';
import { codeTexts } from './token-text.ts';

/** A stretch of the index on range_value, in order: the values, and apart from them the resources that have none. */
export interface OrderedStream {
  readonly parameter: string;
  /** To be keyed. */
  readonly unit: string;
  readonly absentUnit: string;
  /** True where a resource has one value at most. */
  readonly isSingle: boolean;
}

/** In base units whatever those are, for a sort compares all values; no canonical unit is written so. */
const orderUnit = 'order';
const absent = 'none';

/** Both ends of a row of those that have no value; of those whose values have no order the high one is `unorderedEnd`. */
export const absentEnd = '';
export const unorderedEnd = '~';

/**
 * Codes of workflow that say nothing about a patient and are stored readable, each one row more for a write (README, Decisions).
 * Only elements of type code with a required binding may be here: see extract/order.ts.
 */
export const plainCodes: ReadonlySet<string> = new Set([
  'Appointment.status',
  'Claim.status',
  'DiagnosticReport.status',
  'Encounter.status',
  'Invoice.status',
  'MedicationRequest.priority',
  'MedicationRequest.status',
  'ServiceRequest.priority',
  'ServiceRequest.status',
  'Slot.status',
  'SupplyRequest.status',
  'Task.priority',
  'Task.status',
]);

/** Components measure different things: an order of them is worth no row for each. */
const unordered: ReadonlySet<string> = new Set(['Observation.component-value-quantity']);

/** Values are sorted among the resources of one code; the parameter of the code. */
export const codeBeside: ReadonlyMap<string, string> = new Map([['Observation.value-quantity', 'code']]);

/** True where range_value has the values in order. */
export function hasOrder({ kind, key, storedIn }: IndexedParameter): boolean {
  if (kind === 'token') return plainCodes.has(key);
  return kind === 'number' || (kind === 'quantity' && !storedIn && !unordered.has(key));
}

/** Of a parameter with an order; with the text of a code that of the resources with that code. */
export function streamOf({ code, kind, elements }: IndexedParameter, codeText?: string): OrderedStream {
  const unit = kind === 'number' ? anyUnit : orderUnit;
  return {
    parameter: code,
    unit: beside(unit, codeText),
    absentUnit: beside(absent, codeText),
    isSingle: elements?.every(({ repeats }) => !repeats) ?? false,
  };
}

/** What all resources that are searched for have as the code beside the parameter, where the criteria tell. */
export function codeTextOf(
  { key }: IndexedParameter,
  type: string,
  criteria: readonly Criterion[],
): string | undefined {
  const asked = criteria.find((criterion) => isOneCode(criterion, `${type}.${codeBeside.get(key)}`));
  const { system, code = '' } = (asked as TokenCriterion | undefined)?.values[0] ?? {};
  const [text] = codeTexts('', system, code);
  // Of some systems codes are stored in lower case: without its system it may be either.
  const isOne = system !== undefined || code === code.toLowerCase();
  return asked && isOne ? text : undefined;
}

type TokenCriterion = Criterion & { kind: 'token' };

function isOneCode(criterion: Criterion, key: string): boolean {
  if (criterion.kind !== 'token' || criterion.key !== key || criterion.otherKeys) return false;
  return criterion.values.length === 1 && criterion.values[0]?.code !== undefined;
}

function beside(unit: string, codeText: string | undefined): string {
  return codeText === undefined ? unit : `${unit} of ${codeText}`;
}
