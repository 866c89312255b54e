// Integers that were written with decimals or an exponent, which their numbers no longer show: https://hl7.org/fhir/R4/datatypes.html#integer

import type { Definitions } from '../fhir/definitions.ts';
import { type DetailedIssue, detailsOf } from './details.ts';

/** `exactNumbers` holds every number whose text differs from its value's usual one, as parseJson gives them. */
export function integerTextIssues(
  definitions: Definitions,
  resource: unknown,
  exactNumbers: ReadonlyMap<string, string>,
): DetailedIssue[] {
  const issues: DetailedIssue[] = [];
  for (const pointer of exactNumbers.keys()) {
    const path = integerAt(definitions, resource, pointer.split('/').slice(1));
    if (path === undefined || issues.length >= issuesMax) continue;
    const diagnostics = `${path} must be a whole number without decimals and exponent; found one with them.`;
    const details = detailsOf('MSG_BAD_FORMAT');
    issues.push({ severity: 'error', code: 'value', details, diagnostics, expression: [path] });
  }
  return issues;
}

const issuesMax = 100;
const integers: ReadonlySet<string> = new Set(['integer', 'positiveInt', 'unsignedInt']);

/** The FHIRPath of an element of an integer type; undefined for one of another type. */
function integerAt(definitions: Definitions, resource: unknown, keys: readonly string[]): string | undefined {
  let node = resource as Readonly<Record<string, unknown>> | undefined;
  let type = String(node?.resourceType);
  let path = type;
  for (const key of keys) {
    const value = node?.[key];
    if (Array.isArray(node)) path += `[${key}]`;
    else {
      const property = definitions.properties(type).get(key.startsWith('_') ? key.slice(1) : key);
      if (!property) return undefined;
      type = key.startsWith('_') ? 'Element' : property.type.code;
      path += `.${property.element.name}`;
    }
    node = value as typeof node;
    if (type === 'Resource' && !Array.isArray(node)) type = String(node?.resourceType);
  }
  return integers.has(type) ? path : undefined;
}
