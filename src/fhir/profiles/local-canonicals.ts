// Canonicals of the form `#id`, which mean a resource that the definition itself contains: https://hl7.org/fhir/R4/references.html#canonical

import type { ElementDefinition, Resource, StructureDefinition } from '@medplum/fhirtypes';
import type { Structure } from './generate-profile.ts';

/**
 * With their definition's canonical before the `#`, so that they mean the same in every profile that builds on it.
 * `onMissing` is told of those that are not contained.
 */
export function qualifyLocal(
  elements: readonly ElementDefinition[],
  { resource, holder: { resource: container } = { resource } }: Structure,
  onMissing: (elementId: string | undefined, local: string) => void,
): readonly ElementDefinition[] {
  return elements.map((element) =>
    mapCanonicals(element, (canonical) => {
      if (!canonical.startsWith('#')) return canonical;
      if (!containedOf(container, canonical.slice(1))) onMissing(element.id ?? element.path, canonical);
      return canonicalOf(container) + canonical;
    }),
  );
}

/** What is told of a definition's own contained resources, as it would tell it itself. */
export function unqualifyLocal(
  element: ElementDefinition,
  resource: { readonly url: string; readonly version?: string },
) {
  const own = `${canonicalOf(resource)}#`;
  return mapCanonicals(element, (canonical) =>
    canonical.startsWith(own) ? canonical.slice(own.length - 1) : canonical,
  );
}

export function canonicalOf({ url, version }: { readonly url: string; readonly version?: string | undefined }): string {
  return version === undefined ? url : `${url}|${version}`;
}

/** Canonical of the container and id of `url|version#id`; undefined for a canonical without a fragment. */
export function splitLocal(canonical: string): { readonly container: string; readonly id: string } | undefined {
  const hash = canonical.indexOf('#');
  return hash < 0 ? undefined : { container: canonical.slice(0, hash), id: canonical.slice(hash + 1) };
}

export function containedOf({ contained }: Pick<StructureDefinition, 'contained'>, id: string): Resource | undefined {
  return Array.isArray(contained) ? contained.find((one) => one?.id === id) : undefined;
}

const known = new WeakMap<Structure, Map<string, Structure>>();

/** The same object at every call. Its own `#id`s are those of its container, for nothing is contained twice over. */
export function containedStructure(holder: Structure, id: string): Structure | undefined {
  const byId = known.get(holder) ?? new Map<string, Structure>();
  known.set(holder, byId);
  const found = byId.get(id);
  if (found) return found;
  const resource = containedOf(holder.resource, id);
  if (resource?.resourceType !== 'StructureDefinition') return undefined;
  const index = holder.resource.contained?.indexOf(resource);
  const exactNumbers = numbersBelow(`/contained/${index}`, holder.exactNumbers);
  const structure: Structure = { resource, holder, ...(exactNumbers && { exactNumbers }) };
  byId.set(id, structure);
  return structure;
}

/** What a definition's own `url|version#id` means, whether or not anybody has stored the definition. */
export function containedBeside(structure: Structure, canonical: string): Structure | undefined {
  const local = splitLocal(canonical);
  const { holder = structure } = structure;
  return local?.container === canonicalOf(holder.resource) ? containedStructure(holder, local.id) : undefined;
}

function numbersBelow(pointer: string, exactNumbers: Structure['exactNumbers']): Map<string, string> | undefined {
  const below = [...(exactNumbers ?? [])].filter(([at]) => at.startsWith(`${pointer}/`));
  return below.length === 0 ? undefined : new Map(below.map(([at, text]) => [at.slice(pointer.length), text]));
}

/** Of its binding and types. */
function mapCanonicals(element: ElementDefinition, change: (canonical: string) => string): ElementDefinition {
  const { binding, type } = element ?? {};
  return {
    ...element,
    ...(binding && { binding: mapStrings(binding, '', change) as typeof binding }),
    ...(type && { type: mapStrings(type, '', change) as typeof type }),
  };
}

/** The last two in extensions, such as the greatest value set that a weak binding leaves. */
const canonicalNames: ReadonlySet<string> = new Set([
  ...['valueSet', 'profile', 'targetProfile', 'valueCanonical', 'valueUri'],
]);

function mapStrings(node: unknown, name: string, change: (canonical: string) => string): unknown {
  if (typeof node === 'string') return canonicalNames.has(name) ? change(node) : node;
  if (Array.isArray(node)) return node.map((item) => mapStrings(item, name, change));
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, mapStrings(value, key, change)]));
}
