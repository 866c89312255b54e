// A FHIR route as data: the router, the capability statement and the metrics all read the same table.

import type { AccessCode } from '../access/access-facts.ts';
import type { WorkKind } from '../database/tenant-transaction.ts';
import type { Declaration } from './capabilities/facts.ts';
import type { Interaction } from './interaction.ts';
import type { BodyKind } from './request-body.ts';

/** https://hl7.org/fhir/R4/valueset-type-restful-interaction.html, of types and of the whole system */
export type InteractionCode = Exclude<AccessCode, 'search-compartment' | 'batch' | 'transaction'>;

export interface FhirRoute {
  readonly code: InteractionCode;
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** Below the tenant's FHIR base. */
  readonly path: string;
  /** Whether its transaction writes. */
  readonly kind: WorkKind;
  /** What the body is; form fields join the query: https://hl7.org/fhir/R4/search.html#get-post */
  readonly carries?: BodyKind;
  /** Its query is that of a search, so that `_summary` and the like mean another answer than its own. */
  readonly isAboutSearch?: true;
  /** Its answer may be content that is no FHIR resource, which only its interaction knows. */
  readonly givesContent?: true;
  /** What the capability statement says of the types it is open for. */
  readonly declares?: Declaration;
  readonly run: Interaction;
}
