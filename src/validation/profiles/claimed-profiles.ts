// The profiles a resource says it has, in itself and in the resources within it: https://hl7.org/fhir/R4/resource-definitions.html#Meta.profile

import type { Definitions } from '../../fhir/definitions.ts';
import { childrenOf, elementNames, type Place } from '../../fhir/fhirpath/place.ts';

export interface Claim {
  readonly canonical: string;
  readonly place: Place;
  /** Below the resource: `meta.profile[0]`; absent where another asks for the profile. */
  readonly claimedAt?: string;
}

/** Nobody claims more; each costs a check. */
const claimsMax = 100;

export function claimedProfiles(place: Place, definitions: Definitions): Claim[] {
  return resourcesWithin(place, definitions).flatMap(claimsOf).slice(0, claimsMax);
}

function claimsOf(place: Place): Claim[] {
  const { meta } = place.value as { meta?: { profile?: unknown } | null };
  const profiles: readonly unknown[] = Array.isArray(meta?.profile) ? meta.profile : [];
  return profiles.flatMap((canonical, i) =>
    typeof canonical === 'string' ? [{ canonical, place, claimedAt: `meta.profile[${i}]` }] : [],
  );
}

/** Itself, what it contains, and the entries of a Bundle with what they contain. */
function resourcesWithin(place: Place, definitions: Definitions): Place[] {
  if (place.type === undefined || typeof place.value !== 'object' || place.value === null) return [];
  const below = (parent: Place, name: string) =>
    parent.type === undefined ? [] : childrenOf(parent, elementNames(parent.type, name, definitions), definitions);
  const entries = place.type === 'Bundle' ? below(place, 'entry').flatMap((entry) => below(entry, 'resource')) : [];
  const inner = [...below(place, 'contained'), ...entries];
  return [place, ...inner.flatMap((one) => resourcesWithin(one, definitions))];
}
