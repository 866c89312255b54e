// Profiles by canonical, generated when first asked for: https://hl7.org/fhir/R4/references.html#canonical

import type { Resource } from '@medplum/fhirtypes';
import type { Definitions } from '../definitions.ts';
import type { Issue } from '../outcome.ts';
import { type Generated, generateProfile, type Structure } from './generate-profile.ts';
import { containedBeside, containedOf, containedStructure, splitLocal } from './local-canonicals.ts';

/** Finds a StructureDefinition by url and, if given, version. */
export type FindStructure = (url: string, version: string | undefined) => Structure | undefined;

/** Bases of bases, types of types: nobody's profiles are this deep. */
const depthMax = 20;

export class ProfileSet {
  readonly definitions: Definitions;
  private readonly find: FindStructure;
  /** What it defines goes first, and is shared. */
  private readonly base: ProfileSet | undefined;
  /** Weak, for a definition may also be generated from for once. */
  private readonly known = new WeakMap<Structure, Generated>();
  private readonly underWay = new Set<Structure>();

  constructor(definitions: Definitions, find: FindStructure, base?: ProfileSet) {
    this.definitions = definitions;
    this.find = find;
    this.base = base;
  }

  /** Undefined for a canonical nobody defines. */
  get(canonical: string): Generated | undefined {
    const shared = this.base?.get(canonical);
    if (shared) return shared;
    const structure = this.own(canonical);
    return structure && this.generate(structure);
  }

  structure(canonical: string): Structure | undefined {
    return this.base?.structure(canonical) ?? this.own(canonical);
  }

  /** A resource that a definition contains, by `url|version#id`. */
  contained(canonical: string): Resource | undefined {
    const local = splitLocal(canonical);
    const holder = local && this.structure(local.container);
    return holder && containedOf(holder.resource, local.id);
  }

  private own(canonical: string): Structure | undefined {
    const local = splitLocal(canonical);
    if (local) {
      const holder = this.own(local.container);
      return holder && containedStructure(holder, local.id);
    }
    const bar = canonical.indexOf('|');
    return bar < 0 ? this.find(canonical, undefined) : this.find(canonical.slice(0, bar), canonical.slice(bar + 1));
  }

  generate(structure: Structure): Generated {
    const known = this.known.get(structure);
    if (known) return known;
    if (this.underWay.has(structure) || this.underWay.size >= depthMax) return { issues: tooDeep };
    this.underWay.add(structure);
    try {
      const generated = generateProfile(structure, {
        definitions: this.definitions,
        profile: (canonical) => {
          const near = containedBeside(structure, canonical);
          return (near ? this.generate(near) : this.get(canonical))?.profile;
        },
        typeOf: (canonical) => (containedBeside(structure, canonical) ?? this.structure(canonical))?.resource.type,
      });
      this.known.set(structure, generated);
      return generated;
    } finally {
      this.underWay.delete(structure);
    }
  }
}

const tooDeep: readonly Issue[] = [
  {
    severity: 'error',
    code: 'too-costly',
    diagnostics: 'StructureDefinitions that lead back to themselves, or too deep.',
  },
];
