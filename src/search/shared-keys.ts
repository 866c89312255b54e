// Which parameters of a type read the same elements, so that a word, a code or a link is stored once and looked up under several names:
// https://hl7.org/fhir/R4/searchparameter-registry.html

import type { IndexedParameter } from './search-parameters.ts';
import type { TokenKey } from './token-text.ts';

/** Where the values of a parameter are stored beside its own key, or instead of it. */
export interface SharedKeys {
  /** Of parameters that read parts of the same elements, as `family` does of `name`: what these store is not stored again. */
  readonly narrower: readonly TokenKey[];
  /** The broadest parameter around this one: character triples are stored under its key only. */
  readonly root: TokenKey;
  /** Those of this parameter that others store altogether, as `code` and `component-code` do for `combo-code`. */
  readonly isDerived: boolean;
  /** The key of all contact points, of which this parameter reads those of one system. */
  readonly contact?: { readonly key: TokenKey; readonly system: string };
  /** The parameter that stores the links of this one among its own: those to one type of resource. */
  readonly link?: { readonly parameter: string; readonly type: string };
}

/** The parameter that stores the links of this one to resources of a type. */
export function linkParameter({ code, shared }: Pick<IndexedParameter, 'code' | 'shared'>, type: string): string {
  return shared?.link?.type === type ? shared.link.parameter : code;
}

/** The expression of a parameter by its code. */
type ExpressionOf = (code: string) => string | undefined;

/** Adds `shared` to the parameters of one type. */
export function shareKeys(
  parameters: ReadonlyMap<string, IndexedParameter>,
  type: string,
  expressionOf: ExpressionOf,
): ReadonlyMap<string, IndexedParameter> {
  const all = [...parameters.values()].map((parameter) => ({
    parameter,
    branches: branchesOf(expressionOf(parameter.code) ?? '', type),
  }));
  return new Map(all.map((one) => [one.parameter.code, { ...one.parameter, shared: sharedKeys(one, all) }]));
}

interface Reading {
  readonly parameter: IndexedParameter;
  /** The alternatives of the expression that begin at the parameter's own type. */
  readonly branches: readonly string[];
}

function sharedKeys(one: Reading, all: readonly Reading[]): SharedKeys {
  const { parameter } = one;
  if (parameter.kind === 'string') {
    const narrower = all.filter((other) => isPart(other, one)).map((other) => other.parameter.key);
    const root = all.find((other) => isPart(one, other))?.parameter.key ?? parameter.key;
    return { narrower, root, isDerived: false };
  }
  const parts = parameter.kind === 'token' ? coveringParts(one, all) : [];
  const link = parameter.kind === 'reference' ? wholeLink(one, all) : undefined;
  const contact = parameter.tokenShape.kind === 'contact' ? wholeContact(one, all) : undefined;
  return {
    narrower: parts,
    root: parameter.key,
    isDerived: parts.length > 0 || contact !== undefined,
    ...(contact && { contact }),
    ...(link && { link }),
  };
}

const composedTypes: ReadonlySet<string> = new Set(['HumanName', 'Address']);

/** True when `inner` reads members of the names or addresses that `outer` reads whole. */
function isPart(inner: Reading, outer: Reading): boolean {
  if (inner.parameter.kind !== 'string' || outer.parameter.kind !== 'string') return false;
  if (!outer.parameter.elements?.every(({ type }) => composedTypes.has(type))) return false;
  return (
    inner.branches.length > 0 &&
    inner.branches.every((branch) =>
      outer.branches.some((whole) => branch.startsWith(`${whole}.`) && /^\w+$/.test(branch.slice(whole.length + 1))),
    )
  );
}

/** The keys of parameters that read one alternative each of this one's, where they read all of them together. */
function coveringParts({ parameter, branches }: Reading, all: readonly Reading[]): TokenKey[] {
  if (branches.length < 2 || parameter.tokenShape.kind !== 'coded') return [];
  const parts = branches.map((branch) =>
    all.find(
      (other) => other.parameter.kind === 'token' && other.branches.length === 1 && other.branches[0] === branch,
    ),
  );
  const isCovered = parts.every((part) => part?.parameter.tokenShape.kind === 'coded');
  return isCovered ? parts.flatMap((part) => part?.parameter.key ?? []) : [];
}

/** `telecom` for `phone`, whose expression is that of `telecom` with a condition on the system. */
function wholeContact({ branches }: Reading, all: readonly Reading[]): SharedKeys['contact'] {
  const [, path, system] = /^([\w.]+)\.where\(system='(\w+)'\)$/.exec(branches.join('|')) ?? [];
  const whole = all.find((other) => other.branches.length === 1 && other.branches[0] === path);
  if (system === undefined || whole?.parameter.tokenShape.kind !== 'contact') return undefined;
  return { key: whole.parameter.key, system };
}

/** `actor` and Patient for `patient`, whose expression is that of `actor` with a condition on the type. */
function wholeLink({ branches }: Reading, all: readonly Reading[]): SharedKeys['link'] {
  const [, path, type] = /^([\w.]+)\.where\(resolve\(\) is (\w+)\)$/.exec(branches.join('|')) ?? [];
  const whole = all.find(
    (other) => other.parameter.kind === 'reference' && other.branches.length === 1 && other.branches[0] === path,
  );
  return whole && type !== undefined ? { parameter: whole.parameter.code, type } : undefined;
}

function branchesOf(expression: string, type: string): string[] {
  const branches: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= expression.length; i++) {
    const character = expression[i];
    if (character === '(') depth++;
    else if (character === ')') depth--;
    else if (i === expression.length || (character === '|' && depth === 0)) {
      branches.push(expression.slice(start, i).trim());
      start = i + 1;
    }
  }
  return branches.filter((branch) => branch.replace(/^\(+/, '').startsWith(`${type}.`));
}
