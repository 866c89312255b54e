// What a reference text points at, and a walk over all references of a resource: https://hl7.org/fhir/R4/references.html

import type { Reference, Resource } from '@medplum/fhirtypes';
import type { Definitions } from './definitions.ts';

export type ReferenceTarget =
  /** A resource of this server, relative or below its base URL. */
  | { readonly kind: 'resource'; readonly type: string; readonly id: string; readonly versionId?: string }
  /** `Type?parameters`, which a transaction resolves: https://hl7.org/fhir/R4/http.html#trules */
  | { readonly kind: 'conditional'; readonly type: string; readonly query: string }
  /** `urn:uuid:` or `urn:oid:`, an entry of the same Bundle. */
  | { readonly kind: 'urn'; readonly urn: string }
  /** `#id`; the empty id is the containing resource itself. */
  | { readonly kind: 'contained'; readonly id: string }
  | { readonly kind: 'external'; readonly url: string }
  | { readonly kind: 'invalid' };

/** `baseUrl` is the tenant's own FHIR base, without a slash at its end. */
export function parseReference(text: string, baseUrl?: string): ReferenceTarget {
  if (text.startsWith('#'))
    return isId(text.slice(1)) || text === '#' ? { kind: 'contained', id: text.slice(1) } : invalid;
  if (text.startsWith('urn:')) return { kind: 'urn', urn: text };
  if (baseUrl !== undefined && text.startsWith(`${baseUrl}/`)) return parseRelative(text.slice(baseUrl.length + 1));
  return hasScheme(text) ? { kind: 'external', url: text } : parseRelative(text);
}

const invalid: ReferenceTarget = { kind: 'invalid' };

function parseRelative(text: string): ReferenceTarget {
  const question = text.indexOf('?');
  if (question >= 0) {
    const type = text.slice(0, question);
    return isTypeName(type) ? { kind: 'conditional', type, query: text.slice(question + 1) } : invalid;
  }
  const [type = '', id = '', history, versionId, ...more] = text.split('/', 6);
  if (!isTypeName(type) || !isId(id) || more.length > 0) return invalid;
  if (history === undefined) return { kind: 'resource', type, id };
  if (history !== '_history' || versionId === undefined || !isId(versionId)) return invalid;
  return { kind: 'resource', type, id, versionId };
}

function isTypeName(text: string): boolean {
  return /^[A-Z][A-Za-z]{1,63}$/.test(text);
}

/** https://hl7.org/fhir/R4/datatypes.html#id */
function isId(text: string): boolean {
  return /^[A-Za-z0-9.-]{1,64}$/.test(text);
}

/** https://www.rfc-editor.org/rfc/rfc3986#section-3.1 */
function hasScheme(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]{0,63}:/.test(text);
}

/** A Reference that has a literal `reference`; the visitor may replace the text. */
export type LiteralReference = Reference & { reference: string };

/**
 * Visits every literal reference with its FHIRPath (`Observation.subject`), in contained and bundled resources and in
 * extensions too. Elements R4 does not know are passed over: they are the validator's matter.
 */
export function forEachReference(
  definitions: Definitions,
  resource: Resource,
  visit: (reference: LiteralReference, path: string) => void,
): void {
  walk(resource, resource.resourceType, { name: resource.resourceType });

  function walk(node: object, typeName: string, place: Place): void {
    if (isLiteralReference(node, typeName)) visit(node, pathOf(place));
    const properties = definitions.properties(typeName);
    for (const [key, value] of Object.entries(node)) {
      if (typeof value !== 'object' || value === null) continue;
      const property = properties.get(key.startsWith('_') ? key.slice(1) : key);
      if (!property) continue;
      const type = key.startsWith('_') ? 'Element' : property.type.code;
      const name = property.element.name;
      if (!Array.isArray(value)) walkItem(value, type, { parent: place, name });
      else for (const [index, item] of value.entries()) walkItem(item, type, { parent: place, name, index });
    }
  }

  function walkItem(item: unknown, type: string, place: Place): void {
    if (typeof item !== 'object' || item === null) return;
    if (type !== 'Resource') walk(item, type, place);
    else if ('resourceType' in item && typeof item.resourceType === 'string') walk(item, item.resourceType, place);
  }
}

/** Paths are written out only where a reference is found. */
interface Place {
  readonly parent?: Place;
  readonly name: string;
  readonly index?: number;
}

function pathOf({ parent, name, index }: Place): string {
  const step = index === undefined ? name : `${name}[${index}]`;
  return parent ? `${pathOf(parent)}.${step}` : step;
}

function isLiteralReference(node: object, typeName: string): node is LiteralReference {
  return typeName === 'Reference' && 'reference' in node && typeof node.reference === 'string';
}
