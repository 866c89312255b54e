// Makes StructureDefinitions usable: the differential laid over its base, or the snapshot it came with: https://hl7.org/fhir/R4/profiling.html#snapshot

import type { StructureDefinition } from '@medplum/fhirtypes';
import type { Definitions } from '../definitions.ts';
import type { Issue, IssueCode } from '../outcome.ts';
import { type ListedElement, readElementList } from './element-list.ts';
import { givenTree } from './given-snapshot.ts';
import { qualifyLocal } from './local-canonicals.ts';
import { type MergeContext, mergeElement } from './merge.ts';
import type { Profile, ProfileElement } from './profile-element.ts';
import { typeTree } from './type-tree.ts';

export type Generated = { readonly profile: Profile; readonly issues?: undefined } | Unusable;

/** What is wrong with the StructureDefinition, by element id. */
export interface Unusable {
  readonly profile?: undefined;
  readonly issues: readonly Issue[];
}

/** It has passed the checks of R4 itself, so that its elements are of the right types. */
export interface Structure {
  readonly resource: StructureDefinition;
  readonly exactNumbers?: ReadonlyMap<string, string>;
  /** The definition that contains it, whose contained resources its `#id`s mean. */
  readonly holder?: Structure;
}

export interface GenerateContext {
  readonly definitions: Definitions;
  /** Other profiles, generated; undefined where they are unknown or unusable. */
  readonly profile: (canonical: string) => Profile | undefined;
  readonly typeOf: (canonical: string) => string | undefined;
}

const elementsMax = 20_000;
const issuesMax = 20;
const structureUrl = 'http://hl7.org/fhir/StructureDefinition/';

/** Never throws on what a StructureDefinition says, however wrong. */
export function generateProfile(structure: Structure, context: GenerateContext): Generated {
  const { resource } = structure;
  const faults = new Faults(resource);
  const base = faults.isShaped(resource) ? baseOf(resource, context, faults) : undefined;
  const root = base && (given(structure, base, context) ?? derived(structure, base, context, faults));
  if (!root || faults.issues.length > 0) return { issues: faults.issues };
  if (treeSize(root) > elementsMax) {
    faults.add('too-costly', undefined, `it has more than ${elementsMax} elements.`);
    return { issues: faults.issues };
  }
  const { url, version, name, type } = resource as Required<StructureDefinition>;
  return { profile: { url, name, type, root, ...(version !== undefined && { version }) } };
}

class Faults {
  readonly issues: Issue[] = [];
  private readonly url: string;

  constructor({ url }: StructureDefinition) {
    this.url = typeof url === 'string' ? url.slice(0, 300) : 'without url';
  }

  add(code: IssueCode, elementId: string | undefined, text: string): void {
    if (this.issues.length >= issuesMax) return;
    const id = elementId?.slice(0, 300);
    const expression = id ? `StructureDefinition.differential.element.where(id = '${id}')` : 'StructureDefinition';
    const diagnostics = `StructureDefinition ${this.url}${id ? `, element ${id}` : ''}: ${text}`;
    this.issues.push({ severity: 'error', code, diagnostics, expression: [expression] });
  }

  isShaped({ url, type, differential, snapshot }: StructureDefinition): boolean {
    if (typeof url !== 'string' || url === '') this.add('required', undefined, 'url is required.');
    if (typeof type !== 'string') this.add('required', undefined, 'type is required.');
    const list = differential?.element ?? snapshot?.element;
    if (!Array.isArray(list)) this.add('required', undefined, 'a differential with elements is required.');
    else if (list.length > elementsMax) this.add('too-costly', undefined, `it has more than ${elementsMax} elements.`);
    return this.issues.length === 0;
  }
}

function baseOf(
  { baseDefinition, type, derivation }: StructureDefinition,
  { definitions, profile }: GenerateContext,
  faults: Faults,
): ProfileElement | undefined {
  if (derivation !== 'constraint') {
    faults.add('not-supported', undefined, 'only constraints of R4 types are supported (derivation).');
    return undefined;
  }
  const own = typeof baseDefinition === 'string' ? typeTree(definitions, coreName(baseDefinition)) : undefined;
  const base = own ? undefined : profile(baseDefinition ?? '');
  const tree = own ?? base?.root;
  if (!tree)
    faults.add('not-found', undefined, 'its baseDefinition is not known, cannot be used, or leads back to itself.');
  else if ((base?.type ?? tree.name) !== type)
    faults.add('invalid', undefined, `type must be that of its base, ${tree.name}.`);
  else return tree;
  return undefined;
}

function coreName(canonical: string): string {
  const [url = ''] = canonical.split('|');
  return url.startsWith(structureUrl) ? url.slice(structureUrl.length) : '';
}

/** A whole snapshot is taken as it is. */
function given(structure: Structure, base: ProfileElement, context: GenerateContext): ProfileElement | undefined {
  const { resource, exactNumbers } = structure;
  const told = resource.snapshot?.element;
  if (!Array.isArray(told) || told.length > elementsMax) return undefined;
  let isWhole = true;
  const elements = qualifyLocal(told, structure, () => {
    isWhole = false;
  });
  if (!isWhole) return undefined;
  const listed = readElementList({ elements, pointer: '/snapshot/element', exactNumbers });
  return typeof listed === 'string' ? undefined : givenTree(listed, base, context.definitions);
}

function derived(
  structure: Structure,
  base: ProfileElement,
  context: GenerateContext,
  faults: Faults,
): ProfileElement | undefined {
  const { resource, exactNumbers } = structure;
  const elements = qualifyLocal(resource.differential?.element ?? [], structure, (id, local) => {
    faults.add('not-found', id, `${local.slice(0, 100)} is none of the resources that the definition contains.`);
  });
  const listed: ListedElement | string =
    elements.length === 0
      ? { name: base.name, id: base.name, definition: {}, children: new Map() }
      : readElementList({ elements, pointer: '/differential/element', exactNumbers });
  if (typeof listed === 'string') faults.add('structure', undefined, listed);
  else if (listed.name !== base.name) faults.add('structure', listed.id, `its elements must be those of ${base.name}.`);
  else {
    const report = (id: string, text: string) => faults.add('invalid', id, text);
    const merging: MergeContext = { ...context, report };
    return mergeElement(base, listed, merging);
  }
  return undefined;
}

/** Counts no further than it must: parts are shared, so a small definition can be a large tree. */
function treeSize(root: ProfileElement): number {
  let size = 0;
  const count = (element: ProfileElement): void => {
    size++;
    for (const child of element.children.values()) if (size <= elementsMax) count(child);
    for (const slice of element.slices) if (size <= elementsMax) count(slice);
  };
  count(root);
  return size;
}
