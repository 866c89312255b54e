// Reads token parameters with their modifiers: https://hl7.org/fhir/R4/search.html#token

import type { CodesCriterion, Criterion, TokenValue, TypedIdentifier } from '../search-query.ts';
import { coded, type TokenShape } from '../token-shape.ts';
import type { TokenKey } from '../token-text.ts';
import { type CriterionSource, eachValue } from './criterion-source.ts';
import { invalidValue } from './search-notes.ts';
import { splitValue, unescapeValue } from './split.ts';
import { parseTokenValue } from './values.ts';
import { parseWords } from './words.ts';

type TokenCriterion = Criterion & { kind: 'token' };

/** Undefined when the modifier is not supported for the parameter. */
export function parseTokens(source: CriterionSource): Criterion | undefined {
  const { parameter, modifier } = source;
  if (modifier === undefined) {
    const values = tokenValues(source).flatMap((value) => withCodes(source, value));
    return tokensOf(source, values);
  }
  if (modifier === 'text') return isShown(source) ? parseWords(source) : undefined;
  if (modifier === 'of-type') return reaches(source, 'Identifier') ? parseTyped(source) : undefined;
  if (modifier === 'in' || modifier === 'not-in')
    return ofCodes(source, modifier, { valueSets: valueSetNames(source) });
  if (parameter.tokenShape.kind === 'contact' || (modifier !== 'above' && modifier !== 'below')) return undefined;
  return ofCodes(source, modifier, { codes: eachValue(source, 'a code with its system: system|code', parseCode) });
}

/** The identifiers of a reference: https://hl7.org/fhir/R4/search.html#reference */
export function parseIdentifiers(source: CriterionSource): TokenCriterion {
  return tokenCriterion(`${source.parameter.key}:identifier`, coded, tokenValues(source));
}

function tokenValues(source: CriterionSource): TokenValue[] {
  return eachValue(source, 'a token such as code or system|code', parseTokenValue);
}

/** `system|` of what is stored without its system: the codes that the system has. */
function withCodes({ name, parameter }: CriterionSource, value: TokenValue): TokenValue[] {
  const { tokenShape: shape } = parameter;
  const { system, code } = value;
  if (shape.kind === 'coded' || system === undefined || code !== undefined) return [value];
  const systems = shape.kind === 'bare' ? shape.systems : undefined;
  if (systems && !systems.has(system)) return [];
  const codes = systems?.get(system);
  if (!codes) throw invalidValue(name, 'one with a code: nothing tells here what is of a system');
  return [...codes].map((one) => ({ system, code: one }));
}

/** Under the keys of the parameters that store what this one reads. */
function tokensOf({ parameter }: CriterionSource, values: readonly TokenValue[]): TokenCriterion {
  const { key, tokenShape, shared } = parameter;
  if (!shared?.isDerived) return tokenCriterion(key, tokenShape, values);
  const { contact } = shared;
  if (!contact)
    return { ...tokenCriterion(shared.narrower[0] ?? key, tokenShape, values), otherKeys: shared.narrower.slice(1) };
  const own = values.filter(({ system }) => !system || system === contact.system);
  return tokenCriterion(
    contact.key,
    tokenShape,
    own.map((value) => ({ ...value, system: contact.system })),
  );
}

function tokenCriterion(key: TokenKey, shape: TokenShape, values: readonly TokenValue[]): TokenCriterion {
  return { kind: 'token', key, shape, values };
}

function ofCodes(
  source: CriterionSource,
  modifier: CodesCriterion['modifier'],
  asked: Partial<Pick<CodesCriterion, 'valueSets' | 'codes'>>,
): CodesCriterion | undefined {
  if (source.parameter.tokenShape.kind === 'contact') return undefined;
  return {
    kind: 'codes',
    name: source.name,
    modifier,
    token: tokensOf(source, []),
    valueSets: [],
    codes: [],
    ...asked,
  };
}

function valueSetNames(source: CriterionSource): string[] {
  return eachValue(source, 'the canonical URL or the id of a ValueSet', (raw) => {
    const name = unescapeValue(raw);
    return /^\S{1,2000}$/.test(name) ? name : undefined;
  });
}

function parseCode(raw: string): { system: string; code: string } | undefined {
  const { system, code } = parseTokenValue(raw) ?? {};
  return system && code !== undefined ? { system, code } : undefined;
}

/** `system|code|value`: https://hl7.org/fhir/R4/search.html#token, modifier `of-type` */
function parseTyped(source: CriterionSource): Criterion {
  const values = eachValue(
    source,
    'an identifier with its type: system|code|value',
    (raw): TypedIdentifier | undefined => {
      const [system = '', code = '', value = '', ...more] = splitValue(raw, '|').map(unescapeValue);
      return system === '' || code === '' || value === '' || more.length > 0 ? undefined : { system, code, value };
    },
  );
  return { kind: 'typedIdentifier', parameter: source.parameter, values };
}

/** Only of these does R4 say what their text is. */
function isShown(source: CriterionSource): boolean {
  return ['CodeableConcept', 'Coding', 'Identifier'].some((type) => reaches(source, type));
}

function reaches({ parameter }: CriterionSource, wanted: string): boolean {
  return parameter.elements?.some(({ type }) => type === wanted) ?? false;
}
