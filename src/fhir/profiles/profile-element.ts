// An element of a profile with everything below it, merged from all definitions it builds on: https://hl7.org/fhir/R4/elementdefinition.html

import type { ElementDefinition } from '@medplum/fhirtypes';

/** Never changed once made, so that profiles share what they leave as their base has it. */
export interface ProfileElement {
  /** The last step of its path: `code`, `value[x]`. */
  readonly name: string;
  readonly sliceName?: string;
  readonly definition: ElementRules;
  /** By name; empty where nothing is said of the inside of its type. */
  readonly children: ReadonlyMap<string, ProfileElement>;
  readonly slices: readonly ProfileElement[];
  /** The backbone element (`Patient.contact`) whose elements it has; absent where `definition.type` tells. */
  readonly contentType?: string;
  /** JSON Pointer below its fixed or pattern value -> source text of a number that is not written as JavaScript would. */
  readonly exactNumbers?: ReadonlyMap<string, string>;
}

/** Without id, path and sliceName, which follow from its place in the tree. */
export type ElementRules = Partial<ElementDefinition>;

/** A StructureDefinition ready for use. */
export interface Profile {
  readonly url: string;
  readonly version?: string;
  readonly name: string;
  /** The R4 type it constrains. */
  readonly type: string;
  readonly root: ProfileElement;
}

/** The element's own step of an id: `value[x]:valueQuantity`. */
export function stepOf({ name, sliceName }: ProfileElement): string {
  return sliceName === undefined ? name : `${name}:${sliceName}`;
}
