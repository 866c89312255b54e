// A profile as the flat list of a StructureDefinition's snapshot: https://hl7.org/fhir/R4/structuredefinition-definitions.html#StructureDefinition.snapshot

import type { ElementDefinition } from '@medplum/fhirtypes';
import { unqualifyLocal } from './local-canonicals.ts';
import { valueKey } from './narrow.ts';
import { type Profile, type ProfileElement, stepOf } from './profile-element.ts';

/** Numbers that keep their text are added to `exactNumbers`, by JSON Pointer from the StructureDefinition. */
export function snapshotElements(profile: Profile, exactNumbers?: Map<string, string>): ElementDefinition[] {
  const elements: ElementDefinition[] = [];
  const add = (element: ProfileElement, id: string, path: string): void => {
    const { sliceName, definition } = element;
    const key = valueKey(definition, 'fixed') ?? valueKey(definition, 'pattern');
    for (const [below, text] of element.exactNumbers ?? []) {
      exactNumbers?.set(`/snapshot/element/${elements.length}/${key}${below}`, text);
    }
    const told = { id, path, ...(sliceName !== undefined && { sliceName }), ...definition } as ElementDefinition;
    elements.push(unqualifyLocal(told, profile));
    for (const child of element.children.values()) addWithSlices(child, id, `${path}.${child.name}`);
  };
  const addWithSlices = (element: ProfileElement, parentId: string, path: string): void => {
    add(element, `${parentId}.${stepOf(element)}`, path);
    for (const slice of element.slices) addWithSlices(slice, parentId, path);
  };
  const { root } = profile;
  add(root, root.name, root.name);
  return elements;
}
