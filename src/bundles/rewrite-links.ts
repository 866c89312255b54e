// Replaces links to other entries wherever R4 lets one stand: references, uris and narrative: https://hl7.org/fhir/R4/http.html#trules

import type { Resource } from '@medplum/fhirtypes';
import type { Definitions } from '../fhir/definitions.ts';

/** What becomes of a link; undefined = it stays. */
export interface LinkTargets {
  ofReference(reference: string): string | undefined;
  /** Links in uris and in the narrative. */
  ofUrl(url: string): string | undefined;
}

/** Canonicals are left alone: they name a definition, not an entry. */
const linkTypes: ReadonlySet<string> = new Set(['uri', 'url', 'oid', 'uuid']);
/** Its value stands between the two quotation marks of either kind: https://www.w3.org/TR/xml/#NT-AttValue */
const narrativeLink = /\b((?:href|src)[ \t\r\n]*=[ \t\r\n]*)(?:"([^"]{1,1000})"|'([^']{1,1000})')/g;

/** Puts back what stood there before. */
export type Undo = () => void;

/**
 * In place, adding to `undos` what takes it back. A Bundle in an entry is a whole of its own, with links between its own
 * entries, and is left alone.
 */
export function rewriteLinks(definitions: Definitions, resource: Resource, targets: LinkTargets, undos: Undo[]): void {
  if (resource.resourceType !== 'Bundle') walk(resource, resource.resourceType);

  function walk(node: object, typeName: string): void {
    const properties = definitions.properties(typeName);
    const members = node as Record<string, unknown>;
    for (const [key, value] of Object.entries(members)) {
      const property = properties.get(key.startsWith('_') ? key.slice(1) : key);
      if (!property) continue;
      if (typeof value === 'string') {
        const target = targetOf(value, typeName, key, property.type.code);
        if (target !== undefined) replace(members, key, target);
      } else if (typeof value === 'object' && value !== null) {
        walkMember(value, key.startsWith('_') ? 'Element' : property.type.code);
      }
    }
  }

  function walkMember(value: object, type: string): void {
    if (!Array.isArray(value)) walkItem(value, type);
    else for (const [index, item] of value.entries()) walkListed(value, index, item, type);
  }

  function walkListed(list: unknown[], index: number, item: unknown, type: string): void {
    if (typeof item === 'object' && item !== null) walkItem(item, type);
    else if (typeof item === 'string' && linkTypes.has(type)) replace(list, index, targets.ofUrl(item) ?? item);
  }

  function walkItem(item: object, type: string): void {
    if (type !== 'Resource') walk(item, type);
    else if ('resourceType' in item && typeof item.resourceType === 'string' && item.resourceType !== 'Bundle')
      walk(item, item.resourceType);
  }

  function replace<Key extends string | number>(holder: { [key in Key]?: unknown }, key: Key, value: string): void {
    const before = holder[key];
    if (before === value) return;
    undos.push(() => {
      holder[key] = before;
    });
    holder[key] = value;
  }

  function targetOf(value: string, typeName: string, key: string, type: string): string | undefined {
    if (typeName === 'Reference' && key === 'reference') return targets.ofReference(value);
    if (typeName === 'Narrative' && key === 'div') return inNarrative(value);
    const namesDefinition = typeName === 'Extension' && key === 'url';
    return linkTypes.has(type) && !namesDefinition ? targets.ofUrl(value) : undefined;
  }

  function inNarrative(div: string): string {
    return div.replace(narrativeLink, (whole: string, start: string, doubled?: string, single = '') => {
      const target = targets.ofUrl(doubled ?? single);
      const mark = whole.at(-1);
      return target === undefined ? whole : start + mark + target + mark;
    });
  }
}
