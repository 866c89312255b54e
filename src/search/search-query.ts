// What a search asks for, once understood; transforms make new trees, nothing changes one: https://hl7.org/fhir/R4/search.html

import type { MillisecondRange } from '../fhir/dates.ts';
import type { Issue } from '../fhir/outcome.ts';
import type { NumberTest } from './number-range.ts';
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
      /** Keys of other parameters that store a part of the same values. */
      readonly otherKeys?: readonly TokenKey[];
      readonly shape: TokenShape;
      readonly values: readonly TokenValue[];
    }
  | CodesCriterion
  /** An identifier with its type, each as `type system|type code|value`. */
  | {
      readonly kind: 'typedIdentifier';
      readonly parameter: IndexedParameter;
      readonly values: readonly TypedIdentifier[];
    }
  | {
      readonly kind: 'string';
      readonly parameter: IndexedParameter;
      readonly match: 'starts' | 'exact' | 'contains';
      readonly texts: readonly string[];
    }
  /** Words of the narrative, of the whole resource, or beside a code. */
  | {
      readonly kind: 'words';
      readonly parameter: IndexedParameter;
      /** Of the words of the type. */
      readonly key: TokenKey;
      readonly texts: readonly string[];
    }
  /** Uris and references, which are compared as they are, or by a place that they are below. */
  | {
      readonly kind: 'value';
      readonly key: TokenKey;
      readonly texts: readonly string[];
      readonly below?: readonly string[];
    }
  /** One of the parameters holds the reference, or it is the compartment's own resource. */
  | {
      readonly kind: 'compartment';
      readonly keys: readonly TokenKey[];
      readonly reference: string;
      readonly ownId?: string;
    }
  | { readonly kind: 'lastUpdated'; readonly values: readonly DateValue[] }
  /** A text of the element is this one, or begins or ends with it, without case and accents; `narrowing` holds as well. */
  | {
      readonly kind: 'compared';
      readonly parameter: IndexedParameter;
      readonly by: 'eq' | 'sw' | 'ew';
      readonly text: string;
      readonly narrowing: Criterion;
    }
  /** The resource has no value of the parameter, or has one. */
  | { readonly kind: 'missing'; readonly parameter: IndexedParameter; readonly isMissing: boolean }
  /** Not all of them hold. */
  | { readonly kind: 'not'; readonly criteria: readonly Criterion[] }
  /** All of one of these lists hold. */
  | { readonly kind: 'any'; readonly anyOf: readonly (readonly Criterion[])[] }
  /** The parameter refers to a resource that meets the criterion of its type. */
  | { readonly kind: 'chain'; readonly name: string; readonly parameter: string; readonly targets: readonly Linked[] }
  /** A resource that meets the criterion refers to this one by the parameter of its own. */
  | { readonly kind: 'has'; readonly name: string; readonly parameter: string; readonly source: Linked }
  /** One of these Lists holds the resource. */
  | { readonly kind: 'list'; readonly ids: readonly string[] }
  | {
      readonly kind: 'number' | 'quantity';
      readonly parameter: IndexedParameter;
      readonly values: readonly QuantityValue[];
    }
  /** The components of one of these values, all on the same element. */
  | { readonly kind: 'composite'; readonly values: readonly CompositeValue[] }
  /** A position within one of these circles. */
  | { readonly kind: 'near'; readonly parameter: IndexedParameter; readonly circles: readonly Circle[] }
  | { readonly kind: 'date'; readonly parameter: IndexedParameter; readonly values: readonly DateValue[] }
  | { readonly kind: 'identifyingDate'; readonly parameter: IndexedParameter; readonly values: readonly DateValue[] };

/** Resources of another type, by one criterion on them. */
export interface Linked {
  readonly type: string;
  readonly criterion: Criterion;
}

/** `code`, `system|code`, `|code` (system is empty) or `system|` (no code). */
export interface TokenValue {
  readonly system?: string;
  readonly code?: string;
}

/**
 * Codes that only a ValueSet or a CodeSystem tells: they are looked up before the search is compiled, which makes a `token` of
 * it, or a `not` for `not-in`.
 */
export interface CodesCriterion {
  readonly kind: 'codes';
  /** As the request has it, for errors. */
  readonly name: string;
  readonly modifier: 'in' | 'not-in' | 'above' | 'below';
  /** What the codes are asked of, without values. */
  readonly token: Criterion & { readonly kind: 'token' };
  /** Of value sets by canonical url or `ValueSet/id`. */
  readonly valueSets: readonly string[];
  /** To which others are above or below. */
  readonly codes: readonly { readonly system: string; readonly code: string }[];
}

export interface TypedIdentifier {
  readonly system: string;
  readonly code: string;
  readonly value: string;
}

export type DatePrefix = 'eq' | 'ne' | 'gt' | 'lt' | 'ge' | 'le' | 'sa' | 'eb' | 'ap';

/** The span the value stands for by its precision; with `ap` already widened. */
export interface DateValue extends MillisecondRange {
  readonly prefix: DatePrefix;
}

export interface QuantityValue extends NumberTest {
  /** In which the ends are; empty = whatever the unit. */
  readonly unit: string;
  /** The unit's code or name, where no system tells which it is. */
  readonly spelling?: string;
}

export interface CompositeValue {
  /** That stores what the request's parameter reads, or a part of it. */
  readonly parameter: IndexedParameter;
  readonly components: readonly ComponentCriteria[];
}

/** One component of a composite value. */
export interface ComponentCriteria {
  readonly parameter: IndexedParameter;
  /** On what the parameter reads within one element. */
  readonly within: Criterion;
  /** On the whole resource, by the parameter that the component stands for; absent where there is none. */
  readonly anywhere?: Criterion;
}

export interface Circle {
  readonly latitude: number;
  readonly longitude: number;
  readonly radiusMeters: number;
}

export interface SortKey {
  readonly by: 'id' | 'lastUpdated' | IndexedParameter;
  readonly isDescending: boolean;
  /** Nobody asked for it: any other order that stays the same from page to page will do. */
  readonly isFree?: true;
}

/** What is sent along with the matches: https://hl7.org/fhir/R4/search.html#revinclude */
export interface Include {
  /** `forward`: what a reference points to; `reverse`: what points here. */
  readonly direction: 'forward' | 'reverse';
  /** The type that holds the reference; `*` = any. */
  readonly sourceType: string;
  /** `*` = every reference. */
  readonly parameter: string;
  readonly targetType?: string;
  /** Followed from included resources as well. */
  readonly iterate: boolean;
}
