// Warns where two elements of a resource have one id, so that neither is found by it: https://hl7.org/fhir/R4/element-definitions.html#Element.id

import type { Definitions } from '../../fhir/definitions.ts';
import { allChildren, type Place } from '../../fhir/fhirpath/place.ts';
import type { Run } from './run.ts';

/**
 * No invariant of R4 says it, so nothing is refused for it. Contained resources and those of entries have ids of their own.
 * The ElementDefinitions of a snapshot have those of the differential (sdf-16, sdf-17).
 */
export function checkIds(resource: Place, definitions: Definitions, run: Run): void {
  if (!hasRepeated(resource.value, new Set())) return;
  walk(resource, new Set(), { definitions, run });
}

const repeated = 'Another element of this resource has the same id.';

interface Walk {
  readonly definitions: Definitions;
  readonly run: Run;
}

function walk(place: Place, known: Set<string>, by: Walk): void {
  for (const child of allChildren(place, by.definitions)) {
    const { id } = ((child.isPrimitive ? child.extras : child.value) ?? {}) as { id?: unknown };
    const isResource = child.at?.property.type.code === 'Resource';
    if (!isResource && child.type !== 'ElementDefinition' && typeof id === 'string') {
      if (known.has(id)) by.run.add('warning', 'structure', { place: child, child: 'id' }, repeated);
      known.add(id);
    }
    walk(child, isResource ? new Set() : known, by);
  }
}

/** Of all resources within together, and so rather too often than too seldom; most have no ids of elements at all. */
function hasRepeated(value: unknown, known: Set<string>): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some((item) => hasRepeated(item, known));
  for (const [key, member] of Object.entries(value)) {
    if (key === 'id' && typeof member === 'string') {
      if ('resourceType' in value) continue;
      if (known.has(member)) return true;
      known.add(member);
    } else if (hasRepeated(member, known)) return true;
  }
  return false;
}
