// What search stores about a resource beside its encrypted content (README, Search).

export type IndexEntry =
  /** A normalised `Type.parameter|value` of token-text.ts; the repository stores 8 bytes of its HMAC. */
  | { readonly kind: 'token'; readonly text: string }
  /** The class that the resource is counted in, a text of count-classes.ts; the repository stores it keyed as well. */
  | { readonly kind: 'class'; readonly text: string }
  /** A link to a resource of this server, readable, for joins. */
  | {
      readonly kind: 'reference';
      readonly parameter: string;
      readonly targetType: string;
      readonly targetId: string;
    }
  /** Milliseconds since 1970, both ends inclusive; an open end is one of the bounds of date-span.ts. */
  | { readonly kind: 'date'; readonly parameter: string; readonly low: number; readonly high: number }
  /** Numbers as texts of exact-number.ts, both ends inclusive. The repository keys the unit, which says all that must be equal. */
  | {
      readonly kind: 'range';
      readonly parameter: string;
      readonly unit: string;
      readonly low: string;
      readonly high: string;
    };
