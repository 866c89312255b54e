// The keywords that JSON Schema lacks for FHIR's JSON, compiled into the validators by Ajv: https://hl7.org/fhir/R4/json.html

import { _, type Ajv, type Code, type CodeKeywordDefinition, type KeywordCxt, type Name } from 'ajv';
import { fitsSystem } from '../terminology/code-grammars.ts';
import type { SeldomMembers, SeldomSchema } from './seldom-members.ts';

/** Adds the keywords of `FhirKeywords` to an Ajv instance. */
export function addFhirKeywords(ajv: Ajv, checks: Checks): void {
  addValueKeywords(keywordAdder(ajv, {}), checks);
  addObjectKeywords(keywordAdder(ajv, { type: 'object' }), checks);
}

export interface FhirKeywords {
  /** A primitive of this type; with `valueSet` a code of its expansion or grammar, where that is known. */
  readonly primitive: { readonly type: string; readonly valueSet?: string } & Nullable;
  /** An object of this datatype or backbone element. */
  readonly datatype: { readonly type: string } & Nullable;
  /** An object checked by its own resourceType. */
  readonly resource: 'any' | 'contained';
  /** A Reference to a resource of one of these types. */
  readonly reference: readonly string[];
  /** A CodeableConcept or Coding with a code of this value set. */
  readonly coded: string;
  /** An extension that is no part of another, and so has an absolute URL. */
  readonly absolute: true;
  /** A whole Reference whose text and type fit each other: https://hl7.org/fhir/R4/references.html#literal */
  readonly literal: true;
  /** A whole Coding or Quantity whose system has a grammar that its code must follow. */
  readonly grammar: true;
  /** The members that are no `properties`, each with its own schema. */
  readonly seldom: SeldomSchema;
  /** Repeating primitives: each place holds a value, or null and an extension: https://hl7.org/fhir/R4/json.html#primitive */
  readonly aligned: readonly string[];
  /** This member must be there, or for a primitive an extension that says why not. */
  readonly present: { readonly key: string; readonly extensionKey?: string; readonly repeats?: boolean };
  /** At most one variant (`keys`: member -> variant) may be there, exactly one if required: https://hl7.org/fhir/R4/formats.html#choice */
  readonly choice: Choice;
  /** ele-1: an element has a value or children; an id alone will do only beside a primitive's value. */
  readonly content: 'any' | 'beside-id';
}

export interface Choice {
  readonly name: string;
  readonly isRequired: boolean;
  readonly keys: Readonly<Record<string, string>>;
}

interface Nullable {
  readonly mayBeNull?: boolean;
}

export interface Check {
  matches(value: unknown): boolean;
}

function keywordAdder(ajv: Ajv, options: Partial<CodeKeywordDefinition>): AddKeyword {
  return (keyword, fails, error) => {
    const code = (cxt: KeywordCxt) => cxt.fail(fails(cxt.schema, cxt));
    ajv.addKeyword({ ...options, keyword, code, ...(error && { error }) });
  };
}

/** `fails` gives the condition under which the value is wrong. */
type AddKeyword = <K extends keyof FhirKeywords>(
  keyword: K,
  fails: (schema: FhirKeywords[K], cxt: KeywordCxt) => Code,
  error?: NonNullable<CodeKeywordDefinition['error']>,
) => void;

function addValueKeywords(add: AddKeyword, checks: Checks): void {
  add('primitive', (schema, cxt) => callCheck(cxt, checks.primitive(schema.type, schema.valueSet), schema));
  add('datatype', (schema, cxt) => callCheck(cxt, checks.datatype(schema.type), schema));
  add('resource', (schema, cxt) => callCheck(cxt, schema === 'contained' ? checks.contained : checks.resource, {}));
  add('reference', (schema, cxt) => callCheck(cxt, checks.referenceTo(schema), {}));
  add('coded', (schema, cxt) => callCheck(cxt, checks.coded(schema), {}));
  add('absolute', (_schema, cxt) => callCheck(cxt, absoluteExtension, {}));
  add('literal', (_schema, cxt) => callCheck(cxt, checks.literal, {}));
  add('grammar', (_schema, cxt) => callCheck(cxt, codeGrammar, {}));
}

function callCheck({ gen, data }: KeywordCxt, check: Check, { mayBeNull }: Nullable): Code {
  const fails = _`!${gen.scopeValue('obj', { ref: check })}.matches(${data})`;
  return mayBeNull ? _`${data} !== null && ${fails}` : fails;
}

function addObjectKeywords(add: AddKeyword, checks: Checks): void {
  add('seldom', seldomFails, {
    message: 'seldom',
    params: ({ params, data }) => _`{fault: ${params.members}.fault(${data})}`,
  });
  add('aligned', (names, { data, gen }) => {
    const isAligned = gen.scopeValue('func', { ref: areAligned });
    return orElse(names.map((name) => _`!${isAligned}(${data}[${name}], ${data}[${`_${name}`}])`));
  });
  add('present', (schema, { data }) => isAbsent(schema, data), ruleInError);
  add('choice', choiceFails, ruleInError);
  add('content', (schema, { data, gen }) => {
    const has = gen.scopeValue('func', { ref: schema === 'any' ? hasMembers : hasContent });
    return _`!${has}(${data})`;
  });

  function seldomFails(schema: SeldomSchema, cxt: KeywordCxt): Code {
    const members = cxt.gen.scopeValue('obj', { ref: checks.seldom(schema) });
    cxt.setParams({ members });
    return _`${members}.fault(${cxt.data}) !== undefined`;
  }
}

function isAbsent({ key, extensionKey, repeats }: FhirKeywords['present'], data: Name): Code {
  const hasNoValue = _`${data}[${key}] === undefined`;
  if (extensionKey === undefined) return hasNoValue;
  const extension = repeats ? _`${data}[${extensionKey}]` : _`${data}[${extensionKey}]?.extension`;
  return _`${hasNoValue} && ${extension} === undefined`;
}

function choiceFails({ keys, isRequired }: Choice, { data, gen }: KeywordCxt): Code {
  const count = gen.scopeValue('func', { ref: choiceCounter(keys) });
  return isRequired ? _`${count}(${data}) !== 1` : _`${count}(${data}) > 1`;
}

/** These two stand for an element of the whole object, so the error must say for which. */
const ruleInError: NonNullable<CodeKeywordDefinition['error']> = {
  message: 'rule',
  params: ({ schema, gen }) => _`{rule: ${gen.scopeValue('schema', { ref: schema })}}`,
};

/** Where the keywords find what is compiled apart and shared by all types. */
export interface Checks {
  primitive(type: string, valueSet: string | undefined): Check;
  datatype(type: string): Check;
  coded(valueSet: string): Check;
  referenceTo(targets: readonly string[]): Check;
  seldom(schema: SeldomSchema): SeldomMembers;
  readonly resource: Check;
  readonly contained: Check;
  readonly literal: Check;
}

/** What is of another kind than text is refused by the property itself. */
const absoluteExtension: Check = {
  matches: (value) => {
    const { url } = value as { url?: unknown };
    return typeof url !== 'string' || url.startsWith('http') || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(url);
  },
};

const codeGrammar: Check = {
  matches: (value) => {
    const { system, code } = value as { system?: unknown; code?: unknown };
    return typeof system !== 'string' || typeof code !== 'string' || fitsSystem(system, code);
  },
};

function areAligned(values: unknown, extensions: unknown): boolean {
  const hasNulls = Array.isArray(values) && values.includes(null);
  if (!hasNulls && extensions === undefined) return true;
  const valueList: readonly unknown[] = Array.isArray(values) ? values : [];
  const extensionList: readonly ({ extension?: unknown } | null)[] = Array.isArray(extensions) ? extensions : [];
  const length = Math.max(valueList.length, extensionList.length);
  for (let i = 0; i < length; i++) if ((valueList[i] ?? extensionList[i]?.extension ?? null) === null) return false;
  return true;
}

function choiceCounter(keys: Readonly<Record<string, string>>): (node: Readonly<Record<string, unknown>>) => number {
  const variants = new Map(Object.entries(keys));
  return (node) => {
    let count = 0;
    let first: string | undefined;
    for (const key in node) {
      const variant = variants.get(key);
      if (variant === undefined || variant === first || node[key] === undefined) continue;
      first ??= variant;
      count++;
    }
    return count;
  };
}

function hasMembers(node: object): boolean {
  for (const _key in node) return true;
  return false;
}

function hasContent(node: object): boolean {
  for (const key in node) if (key !== 'id') return true;
  return false;
}

function orElse(conditions: readonly Code[]): Code {
  return conditions.reduce((all, condition) => _`${all} || ${condition}`);
}
