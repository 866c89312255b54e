// What the parts of the profile compiler share while one profile is compiled.

import type { Definitions } from '../../fhir/definitions.ts';
import type { Place } from '../../fhir/fhirpath/place.ts';
import type { Profile, ProfileElement } from '../../fhir/profiles/profile-element.ts';
import type { PlaceCheck, Run } from './run.ts';

/** Whether an expression is true of an element; `unknown` where it fails or costs too much there. */
export type Condition = (place: Place, run: Run) => boolean | 'unknown';

export interface Compilation {
  readonly definitions: Definitions;
  /** Canonical of the profile, for messages. */
  readonly url: string;
  /** What the element rules beyond `baseline`, which is checked elsewhere; undefined when that is nothing. */
  readonly content: (element: ProfileElement, baseline: ProfileElement, id: string) => PlaceCheck | undefined;
  /** Another profile, generated; undefined when it is unknown or unusable. */
  readonly profile: (canonical: string) => Profile | undefined;
  /** The checks of another profile, compiled when they first run; undefined when it is unknown or unusable. */
  readonly nested: (canonical: string) => PlaceCheck | undefined;
  /** Undefined for what is no expression. */
  readonly expression: (source: string, typeName: string) => Condition | undefined;
  /** Told of rules that cannot be checked, with the id of the element. */
  readonly problem: (severity: 'error' | 'warning', id: string, text: string) => void;
}

/** The type whose elements an element has inside, as far as it is one only. */
export function contentTypeOf({ contentType, definition }: ProfileElement, codes: readonly string[]): string {
  if (contentType !== undefined) return contentType;
  const only = definition.type && new Set(codes).size === 1 ? codes[0] : undefined;
  return only ?? 'Element';
}
