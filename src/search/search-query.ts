// What a search asks for, once understood; transforms make new trees, nothing changes one: https://hl7.org/fhir/R4/search.html

import type { MillisecondRange } from '../fhir/dates.ts';
import type { Issue } from '../fhir/outcome.ts';
import type { IndexedParameter } from './search-parameters.ts';
import type { TokenShape } from './token-shape.ts';
import type { TokenKey } from './token-text.ts';

export interface SearchQuery {
  readonly type: string;
  /** The compartment the search was asked in; one of the criteria keeps it inside. */
  readonly compartment?: CompartmentName;
  /** All must hold. */
  readonly criteria: readonly Criterion[];
  readonly sort: readonly SortKey[];
  readonly includes: readonly Include[];
  /** Resources on a page. */
  readonly count: number;
  readonly total: 'none' | 'estimate' | 'accurate';
  readonly summary: 'true' | 'text' | 'data' | 'count' | 'false';
  /** Empty = all. */
  readonly elements: readonly string[];
  readonly cursor?: string;
  /** The parameters that were understood, in their order, for the self link; the cursor is not among them. */
  readonly understood: readonly (readonly [name: string, value: string])[];
  readonly warnings: readonly Issue[];
}

/** A compartment is named by the resource it belongs to: https://hl7.org/fhir/R4/compartmentdefinition.html */
export interface CompartmentName {
  readonly type: string;
  readonly id: string;
}

/** Where a search is below the FHIR base: what its links show and its cursors are bound to. */
export function searchPath({ type, compartment }: SearchQuery): string {
  return compartment ? `${compartment.type}/${compartment.id}/${type}` : type;
}

/** One parameter of the request; one of its values must hold. */
export type Criterion =
  | { readonly kind: 'id'; readonly ids: readonly string[] }
  | {
      readonly kind: 'token';
      readonly key: TokenKey;
      readonly shape: TokenShape;
      readonly values: readonly TokenValue[];
    }
  | {
      readonly kind: 'string';
      readonly parameter: IndexedParameter;
      readonly isExact: boolean;
      readonly texts: readonly string[];
    }
  /** Uris and references, which are compared as they are. */
  | { readonly kind: 'value'; readonly key: TokenKey; readonly texts: readonly string[] }
  /** One of the parameters holds the reference, or it is the compartment's own resource. */
  | {
      readonly kind: 'compartment';
      readonly keys: readonly TokenKey[];
      readonly reference: string;
      readonly ownId?: string;
    }
  | { readonly kind: 'lastUpdated'; readonly values: readonly DateValue[] }
  | { readonly kind: 'date'; readonly parameter: IndexedParameter; readonly values: readonly DateValue[] }
  | { readonly kind: 'identifyingDate'; readonly parameter: IndexedParameter; readonly values: readonly DateValue[] };

/** `code`, `system|code`, `|code` (system is empty) or `system|` (no code). */
export interface TokenValue {
  readonly system?: string;
  readonly code?: string;
}

export type DatePrefix = 'eq' | 'ne' | 'gt' | 'lt' | 'ge' | 'le' | 'sa' | 'eb' | 'ap';

/** The span the value stands for by its precision; with `ap` already widened. */
export interface DateValue extends MillisecondRange {
  readonly prefix: DatePrefix;
}

export interface SortKey {
  readonly by: 'id' | 'lastUpdated' | IndexedParameter;
  readonly isDescending: boolean;
}

/** `*` as parameter: every reference. */
export interface Include {
  readonly parameter: string;
  readonly targetType?: string;
}
