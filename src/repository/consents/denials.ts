// What patients keep from others by their Consents, understood: https://hl7.org/fhir/R4/consent.html

import type { Provision } from './provision.ts';

/** Of one tenant. */
export interface Denials {
  readonly consents: readonly DenyingConsent[];
}

/** An active one of privacy that denies something somewhere. */
export interface DenyingConsent {
  readonly patient: string;
  readonly provision: Provision;
}
