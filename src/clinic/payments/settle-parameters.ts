// What `$settle-day` takes, and how it is read (contract.md 44).

import type { Money, ParametersParameter, Reference } from '@medplum/fhirtypes';
import { sumOf } from '../../fhir/decimal.ts';
import { type Currency, isExact, readAmount } from '../../fhir/money.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { OperationCall, OperationParameter } from '../../operations/operation.ts';
import { localTarget } from '../billing/local-target.ts';
import { mainDrawerId } from './canonicals.ts';
import { isMethodCode, type MethodCode, methodCodes } from './money-method.ts';

export const settleParameters: readonly OperationParameter[] = [
  one('date', 1, 'date', 'The business day that is closed; not in the future.'),
  one('drawer', 0, 'Reference', 'The Location whose money was counted; without it the main drawer.'),
  {
    name: 'counted',
    use: 'in',
    min: 0,
    max: '*',
    documentation: 'What was counted of one method. Every method that money is expected of is counted, if with zero.',
    parts: [
      one('method', 1, 'code', `One of ${methodCodes.join(', ')}.`),
      one(
        'amount',
        0,
        'Money',
        'In the currency of the clinic; not negative. Needed where no denominations are given.',
      ),
      {
        ...{ name: 'denomination', use: 'in', min: 0, max: '*' },
        documentation: 'How often a coin or note was counted; together they are the amount.',
        parts: [one('value', 1, 'Money', 'Of one of them.'), one('count', 1, 'unsignedInt', 'How many there are.')],
      },
    ],
  },
  one('note', 0, 'string', 'Kept with the settlement.'),
  one(
    'preview',
    0,
    'boolean',
    'True: nothing is stored, posted or closed. Cashiers, who count without knowing what to find, are not shown what is expected.',
  ),
  one(
    'approver',
    0,
    'Reference',
    'The Practitioner who accepts a variance above the limit (setting settlement.variance-limit).',
  ),
  {
    name: 'return',
    use: 'out',
    min: 1,
    max: 1,
    type: 'PaymentReconciliation',
    documentation: 'Of type settlement: what was expected and counted of each method, and how far they are apart.',
  },
];

function one(name: string, min: number, type: string, documentation: string): OperationParameter {
  return { name, use: 'in', min, max: 1, type, documentation };
}

export interface SettleCall {
  readonly day: string;
  /** Undefined = the main drawer. */
  readonly drawer: string | undefined;
  readonly counted: ReadonlyMap<MethodCode, bigint>;
  readonly note: string | undefined;
  readonly isPreview: boolean;
  /** Id of a Practitioner. */
  readonly approver: string | undefined;
}

export function readSettleCall({ inputs }: OperationCall, currency: Currency): SettleCall {
  const value = (name: string) => inputs.get(name)?.[0]?.value;
  const day = value('date') as string;
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) throw refused('A day is closed, not a month or year.', 'date');
  const counted = new Map<MethodCode, bigint>();
  for (const { value: parts, exactNumbers } of inputs.get('counted') ?? []) {
    const [method, amountMinor] = readCounted(parts as ParametersParameter[], exactNumbers, currency);
    if (counted.has(method)) throw refused(`${method} is counted twice.`, 'counted');
    counted.set(method, amountMinor);
  }
  const drawer = readReference(value('drawer') as Reference | undefined, 'drawer', 'Location');
  return {
    day,
    drawer: drawer === mainDrawerId ? undefined : drawer,
    counted,
    note: value('note') as string | undefined,
    isPreview: value('preview') === true,
    approver: readReference(value('approver') as Reference | undefined, 'approver', 'Practitioner'),
  };
}

function readCounted(
  parts: readonly ParametersParameter[],
  exactNumbers: ReadonlyMap<string, string> | undefined,
  currency: Currency,
): [MethodCode, bigint] {
  const method = parts.find(({ name }) => name === 'method')?.valueCode;
  if (method === undefined || !isMethodCode(method)) {
    throw refused(`What is counted has a method: one of ${methodCodes.join(', ')}.`, 'counted');
  }
  const index = parts.findIndex(({ name }) => name === 'amount');
  const pieces = parts.flatMap((part, place) => (part.name === 'denomination' ? [{ part, place }] : []));
  const read = (money: Money | undefined, pointer: string) => readCount(money, exactNumbers?.get(pointer), currency);
  const sumMinor = sumOf(
    pieces.map(({ part: { part = [] }, place }) => {
      const at = part.findIndex(({ name }) => name === 'value');
      const count = part.find(({ name }) => name === 'count')?.valueUnsignedInt;
      if (count === undefined) throw refused('A denomination says how many there are, as an unsignedInt.', 'counted');
      return BigInt(count) * read(part[at]?.valueMoney, `/${place}/part/${at}/valueMoney/value`);
    }),
  );
  if (!isExact(sumMinor)) throw refused('More than that is in no drawer: count again.', 'counted');
  if (index < 0 && pieces.length > 0) return [method, sumMinor];
  const amountMinor = read(parts[index]?.valueMoney, `/${index}/valueMoney/value`);
  if (pieces.length === 0 || sumMinor === amountMinor) return [method, amountMinor];
  throw refused('The denominations together are not the amount beside them: count again.', 'counted');
}

function readCount(money: Money | undefined, text: string | undefined, currency: Currency): bigint {
  const written = text ?? money?.value;
  const amountMinor = written === undefined ? undefined : readAmount(written, currency);
  if (amountMinor !== undefined && amountMinor >= 0n && money?.currency === currency) return amountMinor;
  const diagnostics = `What is counted is an amount of ${currency}, not negative, with no more decimals than it has.`;
  throw refused(diagnostics, 'counted');
}

function readReference(reference: Reference | undefined, name: string, type: string): string | undefined {
  if (reference === undefined) return undefined;
  const target = localTarget(reference);
  if (target?.type === type) return target.id;
  throw refused(`The parameter is a reference to a ${type} of this clinic.`, name);
}

function refused(diagnostics: string, name: string): Error {
  return fhirError('business-rule', diagnostics, { expression: `Parameters.parameter.where(name = '${name}')` });
}
