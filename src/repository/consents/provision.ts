// The provisions of a Consent, of which each that is inside another is an exception from it: https://hl7.org/fhir/R4/consent.html#6.2.4.5

/** What a provision is about; what is absent does not narrow it. */
export interface Provision {
  readonly isDenial: boolean;
  /** Milliseconds since 1970, both ends inclusive. */
  readonly period?: { readonly low: number; readonly high: number };
  /** Whom, as literal references. */
  readonly actors?: ReadonlySet<string>;
  /** For which purposes of use, and all kinds of these: codes. */
  readonly purposes?: ReadonlySet<string>;
  /** Which resource types. */
  readonly types?: ReadonlySet<string>;
  /** Resources with one of these labels. */
  readonly labels?: readonly { readonly system?: string; readonly code: string }[];
  readonly exceptions: readonly Provision[];
}
