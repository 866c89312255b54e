// Profiles, tags and security labels as sets: https://hl7.org/fhir/R4/resource-operation-meta-add.html

import type { Coding, Meta } from '@medplum/fhirtypes';

/** From a resource's meta and the one a client gave to the next meta; both stay as they are. */
export type MetaChange = (meta: Meta, given: Meta) => Meta;

/** Whatever else the given meta holds (version, source) is not added. */
export function addToMeta(meta: Meta, given: Meta): Meta {
  const profiles = profilesOf(meta);
  const known = new Set(profiles.map(({ url }) => url));
  const added = profilesOf(given).filter(({ url }) => url !== null && !known.has(url) && known.add(url));
  return withSets(meta, [...profiles, ...added], (kind) => {
    const codings = [...(meta[kind] ?? [])];
    for (const coding of given[kind] ?? []) if (!codings.some((one) => isSame(one, coding))) codings.push(coding);
    return codings;
  });
}

/** What is not there need not be: deleting it is no error. */
export function deleteFromMeta(meta: Meta, given: Meta): Meta {
  const urls = new Set(profilesOf(given).map(({ url }) => url));
  const kept = profilesOf(meta).filter(({ url }) => url === null || !urls.has(url));
  return withSets(meta, kept, (kind) =>
    (meta[kind] ?? []).filter((coding) => !given[kind]?.some((one) => isSame(one, coding))),
  );
}

/** How many profiles, tags and labels there are, since neither change replaces one by another. */
export function countOfMeta(meta: Meta): number {
  return profilesOf(meta).length + (meta.tag?.length ?? 0) + (meta.security?.length ?? 0);
}

/** Version and display are ignored. */
function isSame(one: Coding, other: Coding): boolean {
  return one.system === other.system && one.code === other.code;
}

/** A canonical and what stands beside it in `_profile`; one of them may be missing. */
interface Profile {
  readonly url: string | null;
  readonly element: unknown;
}

type WithElements = Meta & { readonly _profile?: readonly unknown[] };

function profilesOf({ profile = [], _profile: elements = [] }: WithElements): Profile[] {
  return Array.from({ length: Math.max(profile.length, elements.length) }, (_, index) => ({
    url: profile[index] ?? null,
    element: elements[index] ?? null,
  }));
}

function withSets(meta: WithElements, profiles: readonly Profile[], codingsOf: (kind: 'tag' | 'security') => Coding[]) {
  const { profile: _profile, _profile: _elements, tag: _tag, security: _security, ...rest } = meta;
  const tag = codingsOf('tag');
  const security = codingsOf('security');
  // FHIR has no empty arrays: https://hl7.org/fhir/R4/json.html#xml
  return {
    ...rest,
    ...(profiles.length > 0 && { profile: profiles.map(({ url }) => url) }),
    ...(profiles.some(({ element }) => element !== null) && { _profile: profiles.map(({ element }) => element) }),
    ...(security.length > 0 && { security }),
    ...(tag.length > 0 && { tag }),
  } as Meta;
}
