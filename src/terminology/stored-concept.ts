// The rows of code systems and concepts as the tables have them.

import type { Designation, PropertyValue, SourceSystem } from './source-system.ts';

/** The tables of all tenants, or of the transaction's own. */
export type Origin = 'shared' | 'tenant';

export interface StoredSystem
  extends Pick<SourceSystem, 'url' | 'version' | 'title' | 'content' | 'subsumes' | 'caseSensitive' | 'properties'> {
  readonly origin: Origin;
  readonly id: number;
  readonly conceptCount: number;
  /** Whether its sets are stored: what is small is read whole instead. */
  readonly indexed: boolean;
}

export interface StoredConcept {
  readonly id: number;
  readonly code: string;
  readonly key: string;
  readonly display: string | null;
  readonly inactive: boolean;
  readonly abstract: boolean;
  /** Numbers of the concepts directly above. */
  readonly parents: readonly number[];
  /** Its own number and those of all concepts below, as spans: see number-concepts.ts. */
  readonly below: readonly number[];
  readonly detail: Detail | null;
}

export interface Detail {
  readonly definition?: string;
  readonly designations?: readonly Designation[];
  readonly properties?: readonly PropertyValue[];
}
