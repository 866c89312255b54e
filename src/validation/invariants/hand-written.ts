// Invariants whose expression looks at the whole resource again for each of its parts, written as one pass:
// https://hl7.org/fhir/R4/references.html#contained

import type { Definitions } from '../../fhir/definitions.ts';
import type { Node } from '../../fhir/fhirpath/flat/flat-part.ts';
import { isSpecialisation } from '../../fhir/fhirpath/place.ts';

/** Undefined where the expression itself has to say it. */
export type HandWritten = (focus: unknown) => boolean | undefined;

/** By the expression; undefined for one that is compiled. A test holds each to what its expression says. */
export function handWritten(expression: string, definitions: Definitions): HandWritten | undefined {
  return makers.get(expression)?.(definitions);
}

export const dom3 =
  "contained.where((('#'+id in (%resource.descendants().reference | %resource.descendants().as(canonical) | %resource.descendants().as(uri) | %resource.descendants().as(url))) or descendants().where(reference = '#').exists() or descendants().where(as(canonical) = '#').exists() or descendants().where(as(canonical) = '#').exists()).not()).trace('unmatched', id).empty()";

const makers = new Map<string, (definitions: Definitions) => HandWritten>([
  [dom3, areContainedNeeded],
  ['concept.code.combine($this.descendants().concept.code).isDistinct()', () => areCodesDistinct],
]);

/** csd-1, for code systems of tens of thousands of concepts. What is contained may have concepts, too. */
function areCodesDistinct(focus: unknown): boolean | undefined {
  const { concept, contained } = focus as Node;
  return contained === undefined ? collectCodes(concept, new Set()) : undefined;
}

/** False at the second of two equal codes. */
function collectCodes(concepts: unknown, codes: Set<unknown>): boolean {
  if (!Array.isArray(concepts)) return true;
  return concepts.every(({ code, concept }: Node) => {
    if (code !== undefined && codes.has(code)) return false;
    codes.add(code);
    return collectCodes(concept, codes);
  });
}

/** dom-3: the container points to each resource it contains, or that one back to it. */
function areContainedNeeded(definitions: Definitions): HandWritten {
  const pointers = new LocalPointers(definitions);
  return (focus) => {
    const { contained, resourceType } = focus as Node;
    if (!Array.isArray(contained)) return true;
    const inAll = pointers.in(focus as Node, resourceType as string);
    return contained.every((resource: Node) => {
      if (resource.id === undefined || inAll.references.has(`#${resource.id}`)) return true;
      const own = pointers.in(resource, resource.resourceType as string);
      return own.references.has('#') || own.canonicals.has('#');
    });
  };
}

interface Found {
  /** What `reference` elements and URIs say. */
  readonly references: Set<unknown>;
  readonly canonicals: Set<unknown>;
}

class LocalPointers {
  readonly #definitions: Definitions;

  constructor(definitions: Definitions) {
    this.#definitions = definitions;
  }

  in(node: Node, type: string): Found {
    const found: Found = { references: new Set(), canonicals: new Set() };
    this.#collect(node, type, found);
    return found;
  }

  #collect(node: Node, type: string, found: Found): void {
    const properties = this.#definitions.properties(type);
    for (const key in node) {
      const property = properties.get(key.startsWith('_') ? key.slice(1) : key);
      if (!property) continue;
      const childType = key.startsWith('_') ? 'Element' : property.type.code;
      const value = node[key];
      for (const item of Array.isArray(value) ? value : [value]) {
        if (typeof item === 'string') this.#note(item, childType, property.element.name, found);
        else if (typeof item === 'object' && item !== null) {
          this.#collect(
            item as Node,
            childType === 'Resource' ? ((item as Node).resourceType as string) : childType,
            found,
          );
        }
      }
    }
  }

  #note(text: string, type: string, name: string, { references, canonicals }: Found): void {
    if (!text.startsWith('#')) return;
    if (name === 'reference' || isSpecialisation(type, 'uri', this.#definitions)) references.add(text);
    if (isSpecialisation(type, 'canonical', this.#definitions)) canonicals.add(text);
  }
}
