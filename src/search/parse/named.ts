// Reads one search parameter by its whole name, which may lead over links to other resources:
// https://hl7.org/fhir/R4/search.html#chaining and #has

import { fhirError } from '../../fhir/outcome.ts';
import type { IndexedParameter } from '../search-parameters.ts';
import type { Criterion, Linked } from '../search-query.ts';
import { linkParameter } from '../shared-keys.ts';
import { parseCriterion, type ValueContext } from './criterion.ts';
import { invalidValue, printable } from './search-notes.ts';
import { unescapeValue } from './split.ts';
import { isId } from './values.ts';

/** Links one after the other in one name. */
export const linkDepthMax = 5;
/** Links of a whole search, each a join; a chain through a reference to several types has one for each. */
export const linksMax = 10;

export interface NameContext extends ValueContext {
  readonly parametersOf: (type: string) => ReadonlyMap<string, IndexedParameter>;
  readonly whyUnready: WhyUnready;
  /** How many links the search has so far. */
  readonly links: { count: number };
}

/** Why a parameter that `parametersOf` does not give cannot be asked by yet; undefined where there is none of the code. */
export type WhyUnready = (type: string, code: string) => string | undefined;

/** What a name and its values are read for. */
export interface NamedSource {
  readonly type: string;
  /** The whole name for errors, and what is left of it. */
  readonly name: string;
  readonly rest: string;
  /** Still escaped. */
  readonly values: readonly string[];
  readonly depth: number;
}

/** A text says why there is no criterion; throws when a value is malformed or there are too many links. */
export function parseNamed(source: NamedSource, context: NameContext): Criterion | string {
  const { rest, type, name } = source;
  // A search of several types at once is answered by columns alone.
  const isPlain = /^[\w-]+$/.test(rest) && rest !== '_list';
  if (!isPlain && !context.resourceTypes.has(type)) return unsupported(name, type);
  if (rest.startsWith('_has:')) return parseHas(source, context);
  if (rest.includes('.')) return parseChain(source, context);
  return parseLeaf(source, context);
}

/** AuditEvents have no rows of references; Binaries are for those who may read what they belong to (security.md 110). */
const unlinked: ReadonlySet<string> = new Set(['AuditEvent', 'Binary']);

/** `_has:Type:parameter:rest` */
function parseHas(source: NamedSource, context: NameContext): Criterion | string {
  const { type, name } = source;
  const [, sourceType = '', code = '', ...more] = source.rest.split(':');
  if (more.length === 0 || unlinked.has(type) || unlinked.has(sourceType) || !context.resourceTypes.has(sourceType)) {
    return unsupported(name, type);
  }
  const parameter = context.parametersOf(sourceType).get(code);
  if (!parameter) return unknown(name, sourceType, code, context);
  if (!leadsTo(parameter, type)) return unsupported(name, type);
  countLink(source, context);
  const inner = { ...source, type: sourceType, rest: more.join(':'), depth: source.depth + 1 };
  const criterion = parseNamed(inner, context);
  if (typeof criterion === 'string') return criterion;
  return { kind: 'has', name, parameter: linkParameter(parameter, type), source: { type: sourceType, criterion } };
}

/** `code.rest` or `code:Type.rest` */
function parseChain(source: NamedSource, context: NameContext): Criterion | string {
  const { type, name } = source;
  const dot = source.rest.indexOf('.');
  const [code = '', modifier, ...more] = source.rest.slice(0, dot).split(':');
  const parameter = context.parametersOf(type).get(code);
  if (!parameter) return unknown(name, type, code, context);
  if (more.length > 0 || unlinked.has(type) || !isLink(parameter)) return unsupported(name, type);
  const all = parameter.targets ?? [...context.resourceTypes];
  if (modifier !== undefined && !all.includes(modifier)) return unsupported(name, type);
  const candidates = (modifier === undefined ? all : [modifier]).filter((target) => !unlinked.has(target));
  const rest = source.rest.slice(dot + 1);
  const asked = candidates.filter((target) => mayMean(rest, target, context));
  if (asked.length > linksMax)
    throw tooCostly(`${printable(name)} leads to many types; name one, as in ${code}:Patient.`);
  const targets: Linked[] = [];
  for (const target of asked) {
    countLink(source, context);
    const criterion = parseNamed({ ...source, type: target, rest, depth: source.depth + 1 }, context);
    if (typeof criterion === 'string') return criterion;
    targets.push({ type: target, criterion });
  }
  if (targets.length === 0) return unsupported(name, type);
  const { link } = parameter.shared ?? {};
  const linked = link ? targets.filter((target) => target.type === link.type) : targets;
  // What leads to other types only has no links at all.
  if (!link || linked.length === 0) return { kind: 'chain', name, parameter: code, targets };
  return { kind: 'chain', name, parameter: link.parameter, targets: linked };
}

/** True when the type has the parameter that the rest of a name begins with: others are left out of a chain. */
function mayMean(rest: string, type: string, { parametersOf, whyUnready, resourceTypes }: NameContext): boolean {
  const [code = '', sourceType = '', parameter = ''] = rest.split(/[:.]/, 3);
  const isKnown = () => parametersOf(type).has(code) || whyUnready(type, code) !== undefined;
  if (code !== '_has') return code === '_list' || isKnown();
  const source = resourceTypes.has(sourceType) ? parametersOf(sourceType).get(parameter) : undefined;
  return source !== undefined && leadsTo(source, type);
}

/** A reference that is stored as a link; a canonical is none, but may stand beside one, as in the value of an extension. */
export function isLink({ kind, elements }: IndexedParameter): boolean {
  return kind === 'reference' && (elements?.some(({ type }) => type === 'Reference') ?? false);
}

function leadsTo(parameter: IndexedParameter, type: string): boolean {
  return isLink(parameter) && (parameter.targets?.includes(type) ?? true);
}

function countLink({ name, depth }: NamedSource, { links }: NameContext): void {
  links.count++;
  if (depth >= linkDepthMax) throw tooCostly(`${printable(name)} has more than ${linkDepthMax} links.`);
  if (links.count > linksMax)
    throw tooCostly(`A search takes at most ${linksMax} links; ${printable(name)} is one more.`);
}

function parseLeaf(source: NamedSource, context: NameContext): Criterion | string {
  const { type, name, values } = source;
  const [code = '', modifier, ...more] = source.rest.split(':');
  if (code === '_list' && modifier === undefined) return parseList(source, context);
  const parameter = context.parametersOf(type).get(code);
  if (!parameter) return unknown(name, type, code, context);
  if (more.length > 0) return unsupported(name, type);
  if (modifier === 'missing') return parseMissing(source, parameter);
  const isNegated = modifier === 'not' && (parameter.kind === 'token' || parameter.kind === 'id');
  const positive = isNegated ? undefined : modifier;
  const criterion = parseCriterion({ name, parameter, modifier: positive, values }, context);
  if (!criterion) return `The modifier of ${printable(name)} is not supported.`;
  return isNegated ? { kind: 'not', criteria: [criterion] } : criterion;
}

/** https://hl7.org/fhir/R4/search.html#missing */
function parseMissing({ name, values }: NamedSource, parameter: IndexedParameter): Criterion | string {
  if (unaskable.has(parameter.kind)) return `The modifier of ${printable(name)} is not supported.`;
  const [value, ...more] = values;
  if ((value !== 'true' && value !== 'false') || more.length > 0) throw invalidValue(name, 'true or false');
  return { kind: 'missing', parameter, isMissing: value === 'true' };
}

/** What has no value of its own in the resource. */
const unaskable: ReadonlySet<string> = new Set(['composite', 'text', 'content']);

/** https://hl7.org/fhir/R4/search.html#list; there are no functional lists such as `$current-problems`. */
function parseList(source: NamedSource, context: NameContext): Criterion | string {
  const { type, name, values } = source;
  if (unlinked.has(type)) return unsupported(name, type);
  countLink(source, context);
  const ids = values.map((value) => unescapeValue(value).replace(/^List\//, ''));
  if (ids.some((id) => id.startsWith('$'))) return `Functional lists such as $current-problems are not supported.`;
  if (!ids.every(isId)) throw invalidValue(name, 'the id of a List');
  return { kind: 'list', ids };
}

/** What the name leads to is no parameter of the type, or none yet. */
function unknown(name: string, type: string, code: string, { whyUnready }: Pick<NameContext, 'whyUnready'>): string {
  const why = whyUnready(type, code);
  return why === undefined
    ? unsupported(name, type)
    : `The search parameter ${printable(name)} cannot be used yet: ${code} of ${type} ${why}.`;
}

function unsupported(name: string, type: string): string {
  return `The search parameter ${printable(name)} is not supported for ${type}.`;
}

function tooCostly(diagnostics: string): Error {
  return fhirError('too-costly', diagnostics);
}
