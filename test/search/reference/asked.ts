// One value of one search parameter as it is asked of one resource.

import type { CodeSystem, Resource } from '@medplum/fhirtypes';
import type { ReferenceParameter } from './parameters.ts';

/** Everything that is stored, and the circumstances of the search. */
export interface World {
  readonly resources: readonly Resource[];
  /** By `Type/id`. */
  readonly byPlace: ReadonlyMap<string, Resource>;
  /** That value sets may hold in whole. */
  readonly codeSystems?: readonly CodeSystem[];
  /** The server's own FHIR base. */
  readonly baseUrl: string;
  readonly now: number;
}

/** A parameter of a query, decoded. */
export type Pair = readonly [name: string, value: string];

/** Whether a resource meets a pair. */
export type Matches = (world: World, resource: Resource, pair: Pair) => boolean;

export interface Asked {
  readonly parameter: Pick<ReferenceParameter, 'code' | 'type' | 'targets'>;
  readonly modifier: string | undefined;
  /** Between commas, still escaped. */
  readonly raw: string;
  /** What the parameter's expression gives for the resource. */
  readonly values: readonly unknown[];
  readonly world: World;
}

export type Members = Readonly<Record<string, unknown>>;

/** The members of a complex value; none for a primitive one. */
export function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null ? (value as Members) : {};
}

/** The value of an element that may repeat. */
export function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}
