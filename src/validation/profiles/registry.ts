// The profiles one may be checked by, each compiled when it is first needed: https://hl7.org/fhir/R4/profiling.html

import type { ValueSet } from '@medplum/fhirtypes';
import type { Definitions } from '../../fhir/definitions.ts';
import type { Structure } from '../../fhir/profiles/generate-profile.ts';
import { ProfileSet } from '../../fhir/profiles/profile-set.ts';
import { publishedStructures } from '../../fhir/profiles/published-structures.ts';
import { ExtensionChecks } from './check-extensions.ts';
import { ProfileCompiler } from './compile-profile.ts';
import type { ConformanceSet } from './conformance-set.ts';
import { createMembership } from './membership.ts';
import { isOfRelease } from './rules-of.ts';
import type { Surroundings } from './run.ts';

export interface ProfileRegistry {
  readonly compiler: ProfileCompiler;
  readonly extensions: ExtensionChecks;
  /** From the value sets that are known here; undefined where a terminology service must be asked. */
  readonly isMember: NonNullable<Surroundings['isMember']>;
}

type Definable = Omit<ConformanceSet, 'searchParameters'>;

/** This project's own, before those of R4, which are read when first asked for. */
export function createRegistry(definitions: Definitions, own: Definable): ProfileRegistry {
  const find = finder(own.structures);
  const profiles = new ProfileSet(definitions, (url, version) => find(url, version) ?? findPublished(url, version));
  return toRegistry(new ProfileCompiler(profiles), createMembership(definitions, own));
}

/** With what a tenant added. It cannot replace what the server defines, and other tenants do not see it. */
export function extendRegistry(base: ProfileRegistry, added: Definable): ProfileRegistry {
  const { profiles } = base.compiler;
  const own = new ProfileSet(profiles.definitions, finder(added.structures), profiles);
  const isMember = createMembership(profiles.definitions, added);
  return toRegistry(new ProfileCompiler(own, base.compiler), (valueSet, coding) => {
    return base.isMember(valueSet, coding) ?? isMember(valueSet, coding);
  });
}

type IsMember = ProfileRegistry['isMember'];

function toRegistry(compiler: ProfileCompiler, isMember: IsMember): ProfileRegistry {
  const isContained = containedMembership(compiler.profiles);
  return {
    compiler,
    isMember: (valueSet, coding) => (valueSet.includes('#') ? isContained : isMember)(valueSet, coding),
    extensions: new ExtensionChecks(compiler),
  };
}

/** Of value sets that stand within a definition: a binding names them by `url|version#id`. */
function containedMembership(profiles: ProfileSet): IsMember {
  const known = new WeakMap<ValueSet, IsMember>();
  return (canonical, coding) => {
    const valueSet = profiles.contained(canonical);
    if (valueSet?.resourceType !== 'ValueSet') return undefined;
    const found =
      known.get(valueSet) ??
      createMembership(profiles.definitions, { valueSets: [{ ...valueSet, url: 'urn:contained' }], codeSystems: [] });
    known.set(valueSet, found);
    return found('urn:contained', coding);
  };
}

function findPublished(url: string, version: string | undefined): Structure | undefined {
  const isOfR4 = url.startsWith('http://hl7.org/fhir/StructureDefinition/') && isOfRelease(version);
  return isOfR4 ? publishedStructures().get(url) : undefined;
}

/** Without a version the latest: https://hl7.org/fhir/R4/references.html#canonical */
function finder(structures: readonly Structure[]): (url: string, version: string | undefined) => Structure | undefined {
  const byUrl = Map.groupBy(structures, ({ resource }) => resource.url);
  for (const versions of byUrl.values()) versions.sort(latestFirst);
  return (url, version) => {
    const versions = byUrl.get(url);
    return version === undefined ? versions?.[0] : versions?.find(({ resource }) => resource.version === version);
  };
}

function latestFirst({ resource: a }: Structure, { resource: b }: Structure): number {
  return (b.version ?? '').localeCompare(a.version ?? '', 'en', { numeric: true });
}
