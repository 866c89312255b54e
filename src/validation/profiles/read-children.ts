// Reads the places of an element below a place, by the type that place really has.

import type { Definitions } from '../../fhir/definitions.ts';
import { childrenOf, type ElementNames, elementNames, type Place } from '../../fhir/fhirpath/place.ts';

export type ReadChildren = (parent: Place) => Place[];

/** `name` is the FHIRPath name; that of a choice stands for all of its types. */
export function childReader(name: string, definitions: Definitions): ReadChildren {
  const known = new Map<string, ElementNames>();
  return (parent) => {
    if (parent.type === undefined) return [];
    let names = known.get(parent.type);
    if (!names) {
      names = elementNames(parent.type, name, definitions);
      known.set(parent.type, names);
    }
    return childrenOf(parent, names.length > 4 ? present(names, parent) : names, definitions);
  };
}

/** An extension's value has fifty names, of which one is there. */
function present(names: ElementNames, { value, extras, isPrimitive }: Place): ElementNames {
  const keys = new Set(Object.keys(Object(isPrimitive ? extras : value) as object));
  return names.filter(([name]) => keys.has(name) || keys.has(`_${name}`));
}
