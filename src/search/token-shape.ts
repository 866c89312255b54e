// What kind of values a token parameter reaches, which decides how `system|code` is looked up: https://hl7.org/fhir/R4/search.html#token

import type { Definitions } from '../fhir/definitions.ts';
import type { ReachedElement } from '../fhir/fhirpath/elements.ts';

export type TokenShape =
  | { readonly kind: 'coded' }
  | { readonly kind: 'contact' }
  /** Primitives have no system; that of a `code` is implied by its binding, absent = unknown, so any will do. */
  | { readonly kind: 'bare'; readonly systems?: ReadonlySet<string> };

export const coded: TokenShape = { kind: 'coded' };

const primitives: ReadonlySet<string> = new Set(['code', 'boolean', 'id', 'string', 'uri']);

export function tokenShapeOf(elements: readonly ReachedElement[] | undefined, definitions: Definitions): TokenShape {
  if (!elements || elements.length === 0) return coded;
  if (elements.every(({ type }) => type === 'ContactPoint')) return { kind: 'contact' };
  if (!elements.every(({ type }) => primitives.has(type))) return coded;
  const systems = elements.map(({ binding }) => binding && definitions.valueSet(binding.valueSet)?.systems);
  if (systems.includes(undefined)) return { kind: 'bare' };
  return { kind: 'bare', systems: new Set(systems.flatMap((known) => known ?? [])) };
}
