// Compiles profiles to functions over plain resources, on top of what R4 itself asks: https://hl7.org/fhir/R4/profiling.html

import { isSpecialisation } from '../../fhir/fhirpath/place.ts';
import type { Issue } from '../../fhir/outcome.ts';
import type { Profile } from '../../fhir/profiles/profile-element.ts';
import type { ProfileSet } from '../../fhir/profiles/profile-set.ts';
import { typeTree } from '../../fhir/profiles/type-tree.ts';
import type { Compilation } from './compilation.ts';
import { compileContent } from './compile-element.ts';
import { compileExpression } from './compile-expression.ts';
import type { PlaceCheck } from './run.ts';

/** Keeps what it compiled, for as long as its set of profiles holds. */
export class ProfileCompiler {
  readonly profiles: ProfileSet;
  /** Of the profiles that all tenants share; these go first. */
  private readonly base: ProfileCompiler | undefined;
  private readonly compiled = new Map<Profile, CompiledProfile>();

  constructor(profiles: ProfileSet, base?: ProfileCompiler) {
    this.profiles = profiles;
    this.base = base;
  }

  /** Undefined for a canonical nobody defines; issues where its StructureDefinition cannot be used. */
  get(canonical: string): CompiledProfile | UnusableProfile | undefined {
    const shared = this.base?.get(canonical);
    if (shared) return shared;
    const generated = this.profiles.get(canonical);
    if (!generated) return undefined;
    return generated.profile ? this.compile(generated.profile) : { issues: generated.issues };
  }

  compile(profile: Profile): CompiledProfile {
    const known = this.compiled.get(profile);
    if (known) return known;
    const problems: Issue[] = [];
    const compilation = this.compilation(profile, problems);
    const { root, type } = profile;
    const baseline = typeTree(compilation.definitions, type) ?? root;
    const checkPlace = compileContent(root, baseline, root.name, compilation) ?? (() => undefined);
    const result = { profile, problems, checkPlace };
    this.compiled.set(profile, result);
    return result;
  }

  private compilation({ url }: Profile, problems: Issue[]): Compilation {
    const { profiles } = this;
    const { definitions } = profiles;
    const compilation: Compilation = {
      definitions,
      url,
      content: (element, baseline, id) => compileContent(element, baseline, id, compilation),
      profile: (canonical) => profiles.get(canonical)?.profile,
      nested: (canonical) => {
        const type = profiles.get(canonical)?.profile?.type;
        if (type === undefined) return undefined;
        return (place, run) => {
          if (place.type !== undefined && isSpecialisation(place.type, type, definitions)) {
            this.get(canonical)?.checkPlace?.(place, run);
          } else run.add('error', 'structure', { place }, `Profile ${canonical} is for ${type} only.`);
        };
      },
      expression: (source, type) => compileExpression(source, type, compilation),
      problem: (severity, id, text) => {
        if (problems.length >= problemsMax) return;
        const diagnostics = `StructureDefinition ${url}, element ${id}: ${text}`;
        problems.push({ severity, code: severity === 'error' ? 'invalid' : 'not-supported', diagnostics });
      },
    };
    return compilation;
  }
}

export interface CompiledProfile {
  readonly profile: Profile;
  /** What a resource or element of its type has to be by this profile, on top of R4. */
  readonly checkPlace: PlaceCheck;
  /** Rules of the profile that make no sense (errors), and those not checked here (warnings). */
  readonly problems: readonly Issue[];
  readonly issues?: undefined;
}

export interface UnusableProfile {
  readonly profile?: undefined;
  readonly checkPlace?: undefined;
  readonly issues: readonly Issue[];
}

const problemsMax = 20;
