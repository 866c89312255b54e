// The sentence and the issue code for a member that its schema refuses: https://hl7.org/fhir/R4/valueset-issue-type.html

import type { Definitions, Property } from '../fhir/definitions.ts';
import type { IssueCode } from '../fhir/outcome.ts';
import { primitives } from './primitives.ts';
import { isObject } from './type-checks.ts';

/** `keyword` found `value` wrong; `rule` reads on after the element's path. */
export function faultOf(definitions: Definitions, keyword: string, property: Property, value: unknown): Fault {
  if (keyword === 'aligned')
    return structure('may have null only where an extension stands at the same place of its _name');
  if (value === null) return structure('must not be null; leave out what is not there');
  if (keyword === 'minItems') return structure('must not be an empty array; leave out what is not there');
  if (keyword === 'type') return structure('must be an array: it may repeat');
  if (Array.isArray(value)) return structure('must not be an array');
  if (keyword === 'primitive') return primitiveFault(definitions, property, value);
  if (keyword === 'resource' && isObject(value)) return structure('must not contain resources itself (dom-2)');
  return structure('must be a JSON object');
}

export interface Fault {
  readonly code: IssueCode;
  readonly rule: string;
}

/** Longer lists of codes help nobody. */
const namedCodesMax = 12;

function structure(rule: string): Fault {
  return { code: 'structure', rule };
}

function primitiveFault(definitions: Definitions, { element, type }: Property, value: unknown): Fault {
  const primitive = primitives[type.code];
  if (!primitive || typeof value !== primitive.json) return structure(`must be a JSON ${primitive?.json}`);
  if (!primitive.matches(value)) return { code: 'value', rule: `must be ${primitive.syntax}` };
  const url = element.binding?.valueSet ?? '';
  const codes = [...(definitions.valueSet(url)?.codes ?? [])];
  const named = codes.length > namedCodesMax ? '' : `: ${codes.join(', ')}`;
  return { code: 'code-invalid', rule: `must be a code of ${url}${named}` };
}
