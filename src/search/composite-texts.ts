// The texts under which combinations of values of one element are stored: of codes and references as tokens, and of a code as
// the unit of the numbers beside it: https://hl7.org/fhir/R4/search.html#composite

import { parseReference } from '../fhir/references.ts';
import type { IndexedParameter } from './search-parameters.ts';
import { codeTexts, type TokenKey, valueText } from './token-text.ts';

/** A value as it is asked for without its system, and with it; the same where it has none of its own. */
export interface ValueForms {
  readonly plain: string;
  readonly full: string;
}

type Coded = Partial<Record<'system' | 'code' | 'value' | 'coding' | 'reference', unknown>>;

/** Of codes, identifiers, booleans and references. */
export function formsOf(value: unknown, parameter: IndexedParameter): ValueForms[] {
  if (typeof value === 'string' || typeof value === 'boolean') return [sameForms(valueText('', String(value)))];
  if (typeof value !== 'object' || value === null) return [];
  if (parameter.kind === 'reference') return referenceForms((value as Coded).reference);
  return codedForms(value as Coded);
}

function sameForms(text: string): ValueForms {
  return { plain: text, full: text };
}

function codedForms({ system, code, value, coding }: Coded): ValueForms[] {
  if (Array.isArray(coding)) return coding.flatMap((item) => (item === null ? [] : codedForms(item as Coded)));
  const text = code ?? value;
  // A Quantity has a code too, which is its unit.
  if (typeof text !== 'string' || typeof value === 'number') return [];
  const [plain = '', full = ''] = codeTexts('', typeof system === 'string' ? system : undefined, text);
  return [{ plain, full }];
}

function referenceForms(reference: unknown): ValueForms[] {
  if (typeof reference !== 'string') return [];
  const target = parseReference(reference);
  if (target.kind === 'resource') {
    const literal = `${target.type}/${target.id}`;
    const texts = target.versionId === undefined ? [literal] : [literal, `${literal}/_history/${target.versionId}`];
    return texts.map((text) => sameForms(valueText('', text)));
  }
  return target.kind === 'external' || target.kind === 'urn' ? [sameForms(valueText('', reference))] : [];
}

/** The token of a combination. */
export function pairText(key: TokenKey, texts: readonly string[]): string {
  return `${key}|${JSON.stringify(texts)}`;
}

/** The unit of a number beside a code. */
export function keyedUnit(code: string, unit: string): string {
  return `${JSON.stringify([code])} ${unit}`;
}

/** What stands for a code without its system where the resource has it in several: only a search without system means it. */
export function ambiguousCode(plain: string): string {
  return `~${plain}`;
}
