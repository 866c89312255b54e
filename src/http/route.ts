// A FHIR route as data: the router, the capability statement and the metrics all read the same table.

import type { Interaction } from './interaction.ts';

export interface FhirRoute {
  /** https://hl7.org/fhir/R4/valueset-type-restful-interaction.html */
  readonly code: 'read' | 'vread' | 'update' | 'delete' | 'history-instance' | 'create' | 'search-type';
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** Below the tenant's FHIR base. */
  readonly path: string;
  /** What the body is; form fields join the query: https://hl7.org/fhir/R4/search.html#get-post */
  readonly carries?: 'resource' | 'form';
  readonly run: Interaction;
}
