// What is wrong with contained resources and the references to them: https://hl7.org/fhir/R4/references.html#contained

import type { Property } from '../fhir/definitions.ts';
import type { Fault } from './faults.ts';
import { type ContainerNode, containedTypes } from './reference-checks.ts';

/** The resource whose contained ones `#id` can mean; their types by id once they are asked for. */
export interface Containment {
  readonly resource: ContainerNode;
  types?: ReadonlyMap<unknown, string>;
}

/** A Reference whose `#id` is not there, or is of a type it must not be of. */
export function localFault(node: object, property: Property | undefined, containment: Containment): Fault | undefined {
  const { reference } = node as { readonly reference?: unknown };
  if (typeof reference !== 'string' || !reference.startsWith('#')) return undefined;
  containment.types ??= containedTypes(containment.resource);
  const type = containment.types.get(reference.slice(1));
  if (type === undefined) {
    const rule = 'refers to a contained resource, but none has this id (ref-1)';
    return { code: 'invariant', rule, message: 'MSG_LOCAL_FAIL' };
  }
  const { targets } = property?.type ?? {};
  if (!targets || targets.includes(type)) return undefined;
  const rule = `must refer to a contained resource of type ${targets.join(' or ')}; found another`;
  return { code: 'value', rule, message: 'MSG_RESOURCE_TYPE_MISMATCH' };
}

export function containmentFaults({ contained }: ContainerNode): (Fault & { readonly place: string })[] {
  if (!Array.isArray(contained)) return [];
  const faults: (Fault & { readonly place: string })[] = [];
  const ids = new Set<unknown>();
  for (const [index, item] of contained.entries()) {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) continue;
    const { id } = item as { readonly id?: unknown };
    const place = `contained[${index}].id`;
    if (id === undefined) {
      const rule = 'is required, for a contained resource is found by it alone; found nothing';
      faults.push({ place, code: 'required', rule, message: 'MSG_RESOURCE_ID_MISSING' });
    } else if (ids.has(id)) {
      const rule = 'must not be the id of another contained resource';
      faults.push({ place, code: 'structure', rule, message: 'MSG_DUPLICATE_ID' });
    }
    ids.add(id);
  }
  return faults;
}
