// Reads one search parameter with its modifier and values: https://hl7.org/fhir/R4/search.html#modifiers

import { foldWords } from '../fold-text.ts';
import type { IndexedParameter } from '../search-parameters.ts';
import type { Criterion, DateValue, TokenValue } from '../search-query.ts';
import { coded, type TokenShape } from '../token-shape.ts';
import { invalidValue } from './search-notes.ts';
import { unescapeValue } from './split.ts';
import { isId, parseDateValue, parseReferenceValue, parseTokenValue } from './values.ts';

/** Words of one value; each is a lookup. */
const wordsMax = 20;

export interface CriterionSource {
  /** As the request has it, for errors. */
  readonly name: string;
  readonly parameter: IndexedParameter;
  readonly modifier: string | undefined;
  /** The values between commas, still escaped. */
  readonly values: readonly string[];
}

export interface ValueContext {
  readonly resourceTypes: ReadonlySet<string>;
  readonly baseUrl: string | undefined;
  readonly now: number;
}

/** Undefined when the modifier is not supported for the parameter; throws when a value is malformed. */
export function parseCriterion(source: CriterionSource, context: ValueContext): Criterion | undefined {
  const { parameter, modifier } = source;
  if (parameter.kind === 'reference') return parseReferences(source, context);
  if (parameter.kind === 'string') return parseStrings(source);
  if (modifier !== undefined) return undefined;
  switch (parameter.kind) {
    case 'id':
      return { kind: 'id', ids: each(source, 'an id', (raw) => (isId(raw) ? raw : undefined)) };
    case 'token':
      return parseTokens(source, parameter.key, parameter.tokenShape);
    case 'uri':
      return { kind: 'value', key: parameter.key, texts: source.values.map(unescapeValue) };
    case 'lastUpdated':
      return { kind: 'lastUpdated', values: parseDates(source, context) };
    case 'date':
      return { kind: 'date', parameter, values: parseDates(source, context) };
    case 'identifyingDate':
      return { kind: 'identifyingDate', parameter, values: parseDates(source, context) };
  }
}

function parseTokens(source: CriterionSource, key: string, shape: TokenShape): Criterion {
  const values = each<TokenValue>(source, 'a token such as code or system|code', parseTokenValue);
  return { kind: 'token', key, shape, values };
}

function parseStrings(source: CriterionSource): Criterion | undefined {
  const { parameter, modifier } = source;
  const texts = source.values.map(unescapeValue);
  if (modifier === 'exact') return { kind: 'string', parameter, isExact: true, texts };
  if (modifier !== undefined) return undefined;
  for (const text of texts) {
    const { length } = foldWords(text);
    if (length === 0 || length > wordsMax) throw invalidValue(source.name, `a text of 1 to ${wordsMax} words`);
  }
  return { kind: 'string', parameter, isExact: false, texts };
}

function parseReferences(source: CriterionSource, { resourceTypes, baseUrl }: ValueContext): Criterion | undefined {
  const { parameter, modifier } = source;
  if (modifier === 'identifier') return parseTokens(source, `${parameter.key}:identifier`, coded);
  if (modifier !== undefined && !(parameter.targets ?? [...resourceTypes]).includes(modifier)) return undefined;
  const texts = each(source, 'a reference such as Type/id or a URL', (raw) =>
    parseReferenceValue(raw, parameter, modifier, baseUrl),
  );
  return { kind: 'value', key: parameter.key, texts: texts.flat() };
}

function parseDates(source: CriterionSource, { now }: ValueContext): DateValue[] {
  return each(source, 'a date', (raw) => parseDateValue(raw, now));
}

function each<T>({ name, values }: CriterionSource, wanted: string, parse: (raw: string) => T | undefined): T[] {
  return values.map((raw) => {
    const value = parse(raw);
    if (value === undefined) throw invalidValue(name, wanted);
    return value;
  });
}
