// Reference parameters: https://hl7.org/fhir/R4/search.html#reference

import { type Asked, membersOf } from './asked.ts';
import { withoutEscapes } from './split.ts';
import { matchesToken } from './token.ts';

export function matchesReference(asked: Asked): boolean {
  const { modifier, raw, values, parameter, world } = asked;
  // "The search parameter applies to the identifier on the resource, not the reference."
  if (modifier === 'identifier') {
    const identifiers = values.flatMap((value) => membersOf(value).identifier ?? []);
    return matchesToken({ ...asked, modifier: undefined, values: identifiers });
  }
  const wanted = withoutEscapes(raw);
  const prefix = `${world.baseUrl}/`;
  const relative = wanted.startsWith(prefix) ? wanted.slice(prefix.length) : wanted;
  return values.flatMap(literalOf).some((literal) => {
    // "[parameter]=[url]: where the reference is an absolute URL ... is to be matched as it is."
    if (/^[a-z]+:/i.test(literal)) return literal === wanted;
    const [type = '', id = ''] = literal.split('/');
    // "[parameter]=[type]/[id]: the logical [id] of a resource of a specified type"; a version that is asked for is compared too.
    if (relative.includes('/')) {
      return isOfAskedType(type, modifier) && (literal === relative || `${type}/${id}` === relative);
    }
    // "[parameter]=[id]: the logical [id] of a resource using a local reference (i.e. a relative reference)";
    // "[parameter]:[type]=[id]: restricts to that type".
    return id === relative && (modifier === undefined ? parameter.targets.includes(type) : type === modifier);
  });
}

function isOfAskedType(type: string, modifier: string | undefined): boolean {
  return modifier === undefined || type === modifier;
}

/** Where a reference points to, when it says so. */
export function literalOf(value: unknown): string[] {
  const { reference } = membersOf(value);
  return typeof reference === 'string' ? [reference] : [];
}
