// Token parameters as token lookups: https://hl7.org/fhir/R4/search.html#token

import type { Criterion, TokenValue, TypedIdentifier } from '../search-query.ts';
import type { TokenShape } from '../token-shape.ts';
import { codeQueryTexts, foldCase, normalizeContact, systemText, type TokenKey, valueText } from '../token-text.ts';
import { anyText, type CompiledCriterion } from './condition.ts';

export function compileToken({ key, otherKeys, shape, values }: Criterion & { kind: 'token' }): CompiledCriterion {
  const keys = [key, ...(otherKeys ?? [])];
  return { conditions: [anyText(keys.flatMap((one) => values.flatMap((value) => textsOf(one, shape, value))))] };
}

/** The value of an identifier is stored; its type is rechecked: https://hl7.org/fhir/R4/search.html#token, modifier `of-type` */
export function compileTypedIdentifier({
  parameter,
  values,
}: Criterion & { kind: 'typedIdentifier' }): CompiledCriterion {
  return {
    conditions: [anyText(values.map(({ value }) => valueText(parameter.key, value)))],
    recheck: (resource) =>
      parameter.read(resource).some((identifier) => values.some((wanted) => isOfType(identifier as Typed, wanted))),
  };
}

interface Typed {
  readonly value?: unknown;
  readonly type?: { readonly coding?: readonly { readonly system?: unknown; readonly code?: unknown }[] };
}

function isOfType({ value, type }: Typed, wanted: TypedIdentifier): boolean {
  if (value !== wanted.value) return false;
  return type?.coding?.some(({ system, code }) => system === wanted.system && code === wanted.code) ?? false;
}

function textsOf(key: TokenKey, shape: TokenShape, value: TokenValue): string[] {
  const { system, code } = value;
  if (shape.kind === 'bare') return bareTexts(key, shape, value);
  if (code === undefined) return [systemText(key, system ?? '', '')];
  if (shape.kind === 'coded') return codeQueryTexts(key, system, code);
  const contact = normalizeContact(code);
  return [system ? systemText(key, system, contact) : valueText(key, contact)];
}

/** The value alone is stored; its system must be one the binding implies. */
function bareTexts(
  key: TokenKey,
  { systems, isFolded }: TokenShape & { kind: 'bare' },
  { system, code }: TokenValue,
): string[] {
  const isImplied = !system || !systems || systems.has(system);
  if (!isImplied || code === undefined) return [];
  // As it was written too: resources may be stored as an earlier version did until they are indexed again.
  const spellings = isFolded ? new Set([foldCase(code), code]) : [code];
  return [...spellings].map((spelling) => valueText(key, spelling));
}
