// What kind of values a token parameter reaches, which decides how `system|code` is looked up: https://hl7.org/fhir/R4/search.html#token

import type { Definitions } from '../fhir/definitions.ts';
import type { ReachedElement } from '../fhir/fhirpath/elements.ts';
import { isCaseInsensitive } from './token-text.ts';

export type TokenShape =
  | { readonly kind: 'coded' }
  | { readonly kind: 'contact' }
  /**
   * Primitives have no system; that of a `code` is implied by its binding, absent = unknown, so any will do. Folded: "if the underlying
   * datatype is string then the search is not case sensitive", nor are codes where none of the systems is.
   */
  | { readonly kind: 'bare'; readonly systems?: ImpliedSystems; readonly isFolded?: true };

/** With their codes, undefined where no value set can list them. */
type ImpliedSystems = ReadonlyMap<string, ReadonlySet<string> | undefined>;

export const coded: TokenShape = { kind: 'coded' };

const primitives: ReadonlySet<string> = new Set(['code', 'boolean', 'id', 'string', 'uri']);

export function tokenShapeOf(elements: readonly ReachedElement[] | undefined, definitions: Definitions): TokenShape {
  if (!elements || elements.length === 0) return coded;
  if (elements.every(({ type }) => type === 'ContactPoint')) return { kind: 'contact' };
  if (!elements.every(({ type }) => primitives.has(type))) return coded;
  const systems = elements.map(({ binding }) => binding && systemsOf(binding.valueSet, definitions));
  const isText = elements.every(({ type }) => type === 'string');
  if (systems.includes(undefined)) return { kind: 'bare', ...(isText && { isFolded: true }) };
  const known = new Map(systems.flatMap((one) => [...(one ?? [])]));
  const isFolded = isText || (known.size > 0 && [...known.keys()].every(isCaseInsensitive));
  return { kind: 'bare', systems: known, ...(isFolded && { isFolded }) };
}

/** Of codes that no value set can list: https://hl7.org/fhir/R4/valueset-mimetypes.html, https://hl7.org/fhir/R4/valueset-languages.html */
const unlisted: ReadonlyMap<string, readonly string[]> = new Map([
  ['http://hl7.org/fhir/ValueSet/mimetypes', ['urn:ietf:bcp:13']],
  ['http://hl7.org/fhir/ValueSet/languages', ['urn:ietf:bcp:47']],
]);

function systemsOf(valueSet: string, definitions: Definitions): ImpliedSystems | undefined {
  const open = unlisted.get(valueSet);
  if (open) return new Map(open.map((system) => [system, undefined]));
  const { systems, bySystem, codes } = definitions.valueSet(valueSet) ?? {};
  return systems && new Map(systems.map((system) => [system, bySystem?.get(system) ?? codes]));
}
