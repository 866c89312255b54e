// Comparisons of two single values of plain JSON: https://hl7.org/fhirpath/N1/#comparison

import type { BinaryOperator } from '../syntax.ts';
import { compareValues } from '../system/equality.ts';
import { compareTemporals, parseTemporal } from '../system/temporal.ts';
import { type Decision, NotFlat, type One, type Types } from './flat-part.ts';

export function flatComparison(operator: BinaryOperator, a: One, b: One) {
  const holds = comparisons.get(operator);
  const kind = kindOf(a.types, b.types);
  if (!holds || kind === undefined) throw new NotFlat(operator);
  const isEquality = operator === '=' || operator === '!=';
  if (kind === 'text' && !isEquality) throw new NotFlat(operator);
  const compare = kind === 'temporal' ? compareDates : compareValues;
  const decision: Decision = {
    kind: 'truth',
    isTotal: false,
    test: (node, run) => {
      const [left, right] = [a.get(node, run), b.get(node, run)];
      if (left === undefined || right === undefined) return undefined;
      if (kind === 'text') return (left === right) === (operator === '=');
      const order = compare(left, right);
      return order === undefined ? undefined : holds(order);
    },
  };
  return { decision, comparesDecimals: [...a.types, ...b.types].includes('decimal') };
}

const comparisons: ReadonlyMap<string, (order: number) => boolean> = new Map([
  ['=', (order) => order === 0],
  ['!=', (order) => order !== 0],
  ['<', (order) => order < 0],
  ['>', (order) => order > 0],
  ['<=', (order) => order <= 0],
  ['>=', (order) => order >= 0],
]);

const temporalTypes: ReadonlySet<string> = new Set(['date', 'dateTime', 'instant', 'time']);
const numberTypes: ReadonlySet<string> = new Set(['decimal', 'integer', 'positiveInt', 'unsignedInt']);
const textTypes: ReadonlySet<string> = new Set([
  ...['boolean', 'canonical', 'code', 'id', 'markdown', 'oid', 'string', 'uri', 'url', 'uuid', 'system'],
]);

/** Whether values have an order that is not their text's. */
export function isOrdered(types: Types): boolean {
  return types.some((type) => temporalTypes.has(type) || numberTypes.has(type));
}

function kindOf(left: Types, right: Types): 'text' | 'number' | 'temporal' | undefined {
  const types = [...left, ...right];
  if (types.every((type) => textTypes.has(type))) return 'text';
  if (types.every((type) => temporalTypes.has(type))) return 'temporal';
  return types.every((type) => numberTypes.has(type) || type === 'system') ? 'number' : undefined;
}

/** Two instants of one zone and precision stand in the order of their texts. */
function compareDates(left: unknown, right: unknown): number | undefined {
  if (typeof left !== 'string' || typeof right !== 'string') return undefined;
  if (left === right) return 0;
  if (left.length === right.length && left.slice(19) === right.slice(19)) return left < right ? -1 : 1;
  const [a, b] = [parseTemporal(left), parseTemporal(right)];
  return a && b ? compareTemporals(a, b) : undefined;
}
