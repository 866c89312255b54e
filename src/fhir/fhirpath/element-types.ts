// Tells from the definitions alone which elements an expression can reach: their data type, binding, and whether there can be several.

import type { Binding } from '../definitions/snapshot.ts';
import type { Definitions } from '../definitions.ts';
import { type Expression, parseExpression, UnsupportedSyntax } from './syntax.ts';

export interface ReachedElement {
  /** A name of the definitions: `Coding`, `dateTime`, `Patient.contact`. */
  readonly type: string;
  /** True where one resource can hold several. */
  readonly repeats: boolean;
  readonly binding?: Binding;
}

/** Undefined when the expression does not tell, as when only the full evaluator can read it. */
export function reachedElements(
  source: string,
  resourceType: string,
  definitions: Definitions,
): readonly ReachedElement[] | undefined {
  try {
    return reach(parseExpression(source), resourceType, definitions);
  } catch (error) {
    if (error instanceof UnsupportedSyntax) return undefined;
    throw error;
  }
}

function reach(expression: Expression, resourceType: string, definitions: Definitions): readonly ReachedElement[] {
  const inner = (of: Expression) => reach(of, resourceType, definitions);
  switch (expression.kind) {
    case 'focus':
      return [{ type: resourceType, repeats: false }];
    case 'typeRoot':
      return [resourceType, 'Resource', 'DomainResource'].includes(expression.type)
        ? [{ type: resourceType, repeats: false }]
        : [];
    case 'member':
      return inner(expression.of).flatMap((parent) => membersOf(parent, expression.name, definitions));
    case 'index':
      return inner(expression.of).map((element) => ({ ...element, repeats: false }));
    case 'type':
      return expression.operator === 'as'
        ? inner(expression.of).filter(({ type }) => type === expression.type)
        : [truth];
    case 'call':
      return reachCall(expression, inner);
    case 'binary':
      return expression.operator === '|' ? [...inner(expression.left), ...inner(expression.right)] : [truth];
    case 'literal':
      throw new UnsupportedSyntax('A literal is no element.');
  }
}

const truth: ReachedElement = { type: 'boolean', repeats: false };

function reachCall(
  { of, name }: Expression & { kind: 'call' },
  inner: (of: Expression) => readonly ReachedElement[],
): readonly ReachedElement[] {
  if (name === 'where') return inner(of);
  if (name === 'extension') return inner(of).map(() => ({ type: 'Extension', repeats: true }));
  if (name === 'exists') return [truth];
  throw new UnsupportedSyntax(`The function ${name}.`);
}

function membersOf(parent: ReachedElement, name: string, definitions: Definitions): ReachedElement[] {
  const element = definitions.typeDefinition(parent.type)?.elements.find((candidate) => candidate.name === name);
  if (!element) throw new UnsupportedSyntax(`${parent.type} has no element ${name}.`);
  const repeats = parent.repeats || element.repeats === true;
  const binding = element.binding && { binding: element.binding };
  return element.types.map(({ code }) => ({ type: code, repeats, ...binding }));
}
