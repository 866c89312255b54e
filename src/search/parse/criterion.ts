// Reads one search parameter with its modifier and values: https://hl7.org/fhir/R4/search.html#modifiers

import { fhirError } from '../../fhir/outcome.ts';
import type { Criterion, DateValue } from '../search-query.ts';
import { parseComposites } from './composite.ts';
import { type CriterionSource, eachValue } from './criterion-source.ts';
import { parseNear } from './near.ts';
import { parseNumbers, parseQuantities } from './quantity.ts';
import { printable } from './search-notes.ts';
import { unescapeValue } from './split.ts';
import { parseIdentifiers, parseTokens } from './tokens.ts';
import { parseUris } from './uri.ts';
import { isId, parseDateValue, parseReferenceValue } from './values.ts';
import { parseWords, wordyValues } from './words.ts';

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
  if (parameter.kind === 'token') return parseTokens(source);
  if (parameter.kind === 'uri')
    return parseUris(source.name, parameter.key, modifier, source.values.map(unescapeValue));
  if (modifier !== undefined) return undefined;
  switch (parameter.kind) {
    case 'id':
      return { kind: 'id', ids: eachValue(source, 'an id', (raw) => (isId(raw) ? raw : undefined)) };
    case 'text':
    case 'content':
      return parseWords(source);
    case 'lastUpdated':
      return { kind: 'lastUpdated', values: parseDates(source, context) };
    case 'date':
      return { kind: 'date', parameter, values: parseDates(source, context) };
    case 'identifyingDate':
      return { kind: 'identifyingDate', parameter, values: parseDates(source, context) };
    case 'number':
      return parseNumbers(source);
    case 'quantity':
      return parseQuantities(source);
    case 'composite':
      return parseComposites(source, (component) => parseCriterion(component, context));
    case 'near':
      return parseNear(source);
  }
}

function parseStrings(source: CriterionSource): Criterion | undefined {
  const { parameter, modifier } = source;
  if (modifier === 'exact')
    return { kind: 'string', parameter, match: 'exact', texts: source.values.map(unescapeValue) };
  if (modifier !== undefined && modifier !== 'contains') return undefined;
  return { kind: 'string', parameter, match: modifier ?? 'starts', texts: wordyValues(source) };
}

/** A bare id is as many as there are types it may be of. */
const referencesMax = 1_000;

function parseReferences(source: CriterionSource, context: ValueContext): Criterion | undefined {
  const { name, parameter, modifier } = source;
  if (modifier === 'identifier') return parseIdentifiers(source);
  // R5's: R4 has it for tokens only, and leaves further modifiers to servers.
  if (modifier === 'text')
    return parameter.elements?.some(({ type }) => type === 'Reference') ? parseWords(source) : undefined;
  if (modifier === 'above' || modifier === 'below') return parseCanonicals(source);
  if (modifier !== undefined && !(parameter.targets ?? [...context.resourceTypes]).includes(modifier)) return undefined;
  const texts = eachValue(source, 'a reference such as Type/id or a URL', (raw) =>
    parseReferenceValue(raw, parameter, modifier, context),
  ).flat();
  if (texts.length <= referencesMax) return { kind: 'value', key: parameter.key, texts };
  throw fhirError(
    'too-costly',
    `${printable(name)} has too many ids without a type; name it, as in ${printable(name)}:Patient.`,
  );
}

/** Literal references are not in a hierarchy of their own. */
function parseCanonicals({ name, parameter, modifier, values }: CriterionSource): Criterion | undefined {
  if (!parameter.elements?.some(({ type }) => type === 'canonical')) return undefined;
  return parseUris(name, parameter.key, modifier, values.map(unescapeValue));
}

function parseDates(source: CriterionSource, { now }: ValueContext): DateValue[] {
  return eachValue(source, 'a date', (raw) => parseDateValue(raw, now));
}
