// What the expression of a tenant's own search parameter may consist of: it is evaluated with every write of its types, so its
// work must grow no faster than the resource: https://hl7.org/fhir/R4/searchparameter-definitions.html#SearchParameter.expression

import { parseExpression } from '../../fhir/fhirpath/syntax.ts';

export const expressionLengthMax = 2_000;
const nodesMax = 200;
const depthMax = 40;

/** Each looks at every item once. Matching of texts, loops and whatever compares lists with each other are not among them. */
const functions: ReadonlySet<string> = new Set(
  'where exists empty not first last tail skip take extension resolve'.split(' '),
);
const operators: ReadonlySet<string> = new Set(['|', '=', '!=', 'and', 'or']);

interface Node {
  readonly kind: string;
  readonly name?: string;
  readonly operator?: string;
}

/** The names of the elements it speaks of; throws an Error that says what is too much, or what the parser throws. */
export function elementNames(expression: string): ReadonlySet<string> {
  if (expression.length > expressionLengthMax) {
    throw new Error(`it takes at most ${expressionLengthMax} characters`);
  }
  const names = new Set<string>();
  let count = 0;
  const visit = (node: Node, depth: number, parent?: Node): void => {
    if (++count > nodesMax) throw new Error(`it has more than ${nodesMax} steps`);
    if (depth > depthMax) throw new Error(`it is nested deeper than ${depthMax} steps`);
    requireAllowed(node, parent);
    if (node.kind === 'member' && node.name !== undefined) names.add(node.name);
    for (const child of Object.values(node).flat()) if (isNode(child)) visit(child, depth + 1, node);
  };
  visit(parseExpression(expression), 0);
  return names;
}

/** A variable could start again from the whole resource within a criterion on each of its elements. */
function requireAllowed({ kind, name = '', operator = '' }: Node, parent: Node | undefined): void {
  if (kind === 'call' && !functions.has(name)) throw new Error(`the function ${printed(name)} is not offered here`);
  if (kind === 'call' && name === 'resolve' && parent?.kind !== 'type') {
    throw new Error('resolve() is offered before "is" only, for no other resource is read');
  }
  if (kind === 'binary' && !operators.has(operator)) throw new Error(`the operator ${operator} is not offered here`);
  if (kind === 'root' || kind === 'variable' || kind === 'special') throw new Error('variables are not offered here');
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Node>).kind === 'string';
}

function printed(name: string): string {
  return /^\w{1,40}$/.test(name) ? `${name}()` : 'of this name';
}
