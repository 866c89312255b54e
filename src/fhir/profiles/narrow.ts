// What a differential may do to an element: narrow it, never widen it: https://hl7.org/fhir/R4/profiling.html#limitations

import type { Definitions } from '../definitions.ts';
import type { ElementRules } from './profile-element.ts';
import { ancestry } from './type-tree.ts';

/** The element's rules after `change`; `report` is told of what is not allowed, and the base's rule then stays. */
export function narrowRules(base: ElementRules, change: ElementRules, options: Narrowing): ElementRules {
  const rules: ElementRules = { ...base, ...change, ...narrowCardinality(base, change, options) };
  const types = narrowTypes(base.type, change.type, options);
  if (types) rules.type = types;
  if (base.mustSupport) rules.mustSupport = true;
  if (base.isModifier) rules.isModifier = true;
  const constraints = unite(base.constraint, change.constraint, ({ key }) => key);
  if (constraints) rules.constraint = constraints;
  const conditions = unite(base.condition, change.condition, (key) => key);
  if (conditions) rules.condition = conditions;
  narrowBinding(base, change, options);
  narrowSlicing(base, change, options);
  narrowValue(base, change, rules, options);
  return rules;
}

export interface Narrowing {
  readonly definitions: Definitions;
  /** A slice may be optional where the whole element is not. */
  readonly isNewSlice: boolean;
  /** The type a profile constrains; undefined when it is not known. */
  readonly typeOf: (canonical: string) => string | undefined;
  readonly report: (text: string) => void;
}

type Type = NonNullable<ElementRules['type']>[number];

const strengths = ['example', 'preferred', 'extensible', 'required'];
const structureUrl = 'http://hl7.org/fhir/StructureDefinition/';

export function maxOf(rules: ElementRules): number {
  return rules.max === undefined || rules.max === '*' ? Number.POSITIVE_INFINITY : Number(rules.max);
}

function narrowCardinality(base: ElementRules, change: ElementRules, { isNewSlice, report }: Narrowing): ElementRules {
  const baseMin = base.min ?? 0;
  let min = change.min ?? (isNewSlice ? 0 : baseMin);
  let max = change.max ?? base.max ?? '*';
  if (!Number.isSafeInteger(min) || min < 0) {
    report('min must be a whole number from 0.');
    min = baseMin;
  } else if (min < baseMin && !isNewSlice) {
    report(`min ${min} is less than the base's ${baseMin}.`);
    min = baseMin;
  }
  if (!/^(?:\*|\d{1,9})$/.test(max)) {
    report('max must be a whole number or *.');
    max = base.max ?? '*';
  } else if (maxOf({ max }) > maxOf(base)) {
    report(`max ${max} is more than the base's ${base.max}.`);
    max = base.max ?? '*';
  }
  if (min > maxOf({ max })) report(`min ${min} is more than max ${max}.`);
  return { min, max };
}

function narrowTypes(base: Type[] | undefined, change: Type[] | undefined, options: Narrowing): Type[] | undefined {
  if (!Array.isArray(change) || change.length === 0) return base;
  if (!base || base.length === 0) return change;
  return change.flatMap((type) => {
    const code = typeCode(type);
    const from =
      base.find((one) => typeCode(one) === code) ?? base.find((one) => isAncestor(typeCode(one), code, options));
    if (!from) {
      options.report(`type ${code.slice(0, 100)} is none of the base's: ${base.map(typeCode).join(', ')}.`);
      return [];
    }
    return narrowType(from, { ...type, code }, options);
  });
}

/** `id` and `url` are spelled as system types: https://hl7.org/fhir/R4/extension-structuredefinition-fhir-type.html */
export function typeCode(type: Type): string {
  const code = String(type.code ?? '');
  if (!code.startsWith('http://hl7.org/fhirpath/System.')) return code;
  const extension = type.extension?.find(({ url }) => url?.endsWith('/structuredefinition-fhir-type'));
  return extension?.valueUrl ?? extension?.valueUri ?? 'string';
}

function isAncestor(ancestor: string, code: string, { definitions }: Narrowing): boolean {
  return definitions.typeDefinition(code) !== undefined && ancestry(definitions, code).includes(ancestor);
}

function narrowType(base: Type, change: Type, options: Narrowing): Type {
  const allowed = (base.targetProfile ?? []).map((url) => targetType(url, options));
  for (const url of change.targetProfile ?? []) {
    const target = targetType(url, options);
    const isAllowed = (one: string | undefined) => !one || one === 'Resource' || one === target;
    if (target && target !== 'Resource' && allowed.length > 0 && !allowed.some(isAllowed)) {
      options.report(`target ${target} is none of the base's: ${allowed.join(', ')}.`);
    }
  }
  return {
    ...change,
    ...(!change.targetProfile && base.targetProfile && { targetProfile: base.targetProfile }),
    ...(!change.profile && base.profile && { profile: base.profile }),
    ...(!change.aggregation && base.aggregation && { aggregation: base.aggregation }),
  };
}

function targetType(url: string, { definitions, typeOf }: Narrowing): string | undefined {
  const name = url.startsWith(structureUrl) ? url.slice(structureUrl.length) : '';
  return definitions.typeDefinition(name) ? name : typeOf(url);
}

/** Those of the base first; what it has already is not taken again. */
function unite<T>(base: T[] | undefined, change: T[] | undefined, keyOf: (item: T) => unknown): T[] | undefined {
  if (!Array.isArray(change)) return base;
  const known = new Set((base ?? []).map(keyOf));
  return [...(base ?? []), ...change.filter((item) => !known.has(keyOf(item)))];
}

function narrowBinding(base: ElementRules, change: ElementRules, { report }: Narrowing): void {
  if (!change.binding || !base.binding) return;
  const [from = '', to = ''] = [base.binding.strength, change.binding.strength];
  if (strengths.indexOf(to) < strengths.indexOf(from)) report(`a ${from} binding cannot become ${to}.`);
}

function narrowSlicing(base: ElementRules, change: ElementRules, { report }: Narrowing): void {
  const [from, to] = [base.slicing, change.slicing];
  if (!from || !to) return;
  if (from.rules === 'closed' && to.rules !== 'closed') report('closed slicing cannot be opened.');
  if (from.ordered && to.ordered === false) report('ordered slicing cannot become unordered.');
}

/** `fixedCode` or `patternCodeableConcept`: https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.fixed_x_ */
export function valueKey(rules: ElementRules, kind: 'fixed' | 'pattern'): keyof ElementRules | undefined {
  const pattern = kind === 'fixed' ? /^fixed[A-Z]/ : /^pattern[A-Z]/;
  return Object.keys(rules).find((key) => pattern.test(key)) as keyof ElementRules | undefined;
}

function narrowValue(base: ElementRules, change: ElementRules, rules: ElementRules, { report }: Narrowing): void {
  const before = valueKey(base, 'fixed');
  const after = valueKey(change, 'fixed');
  if (before && after && JSON.stringify(base[before]) !== JSON.stringify(change[after])) {
    report('the base has another fixed value.');
  }
  for (const kind of ['fixed', 'pattern'] as const) {
    const [old, own] = [valueKey(base, kind), valueKey(change, kind)];
    if (old && own && old !== own) delete rules[old];
  }
  const own = after ?? valueKey(change, 'pattern');
  if (own && !isOfTypes(own, rules.type)) report(`${own} is of none of its types.`);
}

function isOfTypes(key: string, types: Type[] | undefined): boolean {
  const name = key.replace(/^(?:fixed|pattern)/, '');
  return !types || types.some((type) => typeCode(type).toLowerCase() === name.toLowerCase());
}
