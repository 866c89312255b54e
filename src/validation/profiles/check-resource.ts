// Checks a resource by profiles, its extensions by their definitions: https://hl7.org/fhir/R4/validation.html

import { TooManySteps } from '../../fhir/fhirpath/places.ts';
import type { Issue } from '../../fhir/outcome.ts';
import { checkIds } from './check-ids.ts';
import { type Claim, claimedProfiles } from './claimed-profiles.ts';
import type { ProfileRegistry } from './registry.ts';
import { coreType, isOfCode } from './rules-of.ts';
import { Run, resourcePlace, type Surroundings } from './run.ts';

export interface CheckOptions extends Surroundings {
  /** Canonicals of profiles the resource must have, whatever it claims. */
  readonly profiles?: readonly string[];
  /** Whether those of `meta.profile` are checked too, also in contained and bundled resources; true by default. */
  readonly withClaims?: boolean;
  readonly exactNumbers?: ReadonlyMap<string, string> | undefined;
}

/**
 * All that is wrong, at most 100 issues. The structure of R4 is checked elsewhere; what breaks it is passed over here. A
 * claimed profile nobody knows is a warning, since a claim obliges nobody to know it; a demanded one is an error. What of a
 * profile could not be checked is told as a warning.
 */
export function checkResource(registry: ProfileRegistry, resource: object, options: CheckOptions = {}): Issue[] {
  const { profiles = [], withClaims = true, exactNumbers, ...given } = options;
  const place = resourcePlace(resource);
  const surroundings = { ...given, isMember: given.isMember ?? registry.isMember };
  const { definitions } = registry.compiler.profiles;
  const run = new Run({ definitions, surroundings, exactNumbers });
  try {
    for (const canonical of profiles) checkClaim(registry, { canonical, place }, 'error', run);
    if (withClaims)
      for (const claim of claimedProfiles(place, definitions)) checkClaim(registry, claim, 'warning', run);
    registry.extensions.check(place, run);
    checkIds(place, definitions, run);
  } catch (error) {
    if (!(error instanceof TooManySteps)) throw error;
    run.add('error', 'too-costly', { place }, `The profiles of this resource cannot be checked: ${error.message}.`);
  }
  return withoutRepeats(run.issues);
}

function checkClaim(
  { compiler }: ProfileRegistry,
  { canonical, place, claimedAt }: Claim,
  severityOfUnknown: 'error' | 'warning',
  run: Run,
): void {
  const { definitions } = compiler.profiles;
  const at = { place, ...(claimedAt !== undefined && { child: claimedAt }) };
  const ofOther = (type: string) =>
    run.add('error', 'structure', at, `Profile ${shown(canonical)} is for ${type} only.`);
  // The definition of a type itself is what the checks of R4 are about.
  const core = coreType(canonical, definitions);
  if (core !== undefined) {
    if (!isOfCode(place.type, core, definitions)) ofOther(core);
    return;
  }
  const compiled = compiler.get(canonical);
  if (!compiled) {
    run.add(severityOfUnknown, 'not-found', at, `Profile ${shown(canonical)} is not known on this server.`);
  } else if (!compiled.profile) {
    const [first] = compiled.issues;
    run.add(severityOfUnknown, 'not-supported', at, `The profile cannot be used: ${first?.diagnostics}`);
  } else if (compiled.profile.type !== place.type) {
    ofOther(compiled.profile.type);
  } else {
    run.check(compiled.checkPlace, place);
    for (const { code, diagnostics } of compiled.problems) run.add('warning', code, at, diagnostics);
  }
}

function shown(canonical: string): string {
  return /^[!-~]{1,300}$/.test(canonical) ? canonical : 'of this canonical';
}

/** An extension may be looked at by its own definition and by the profile that asks for it. */
function withoutRepeats(issues: readonly Issue[]): Issue[] {
  const known = new Map(issues.map((issue) => [`${issue.expression?.[0]} ${issue.code} ${issue.diagnostics}`, issue]));
  return [...known.values()];
}
