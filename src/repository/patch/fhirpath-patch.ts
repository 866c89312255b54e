// FHIRPath Patch: https://hl7.org/fhir/R4/fhirpatch.html

import { NotSingle } from '../../fhir/fhirpath/functions.ts';
import type { Place, Position } from '../../fhir/fhirpath/place.ts';
import { Steps, TooManySteps } from '../../fhir/fhirpath/places.ts';
import { holderOf, type Item, readItems, removeAtPlace, replaceAtPlace, writeItems } from './edit-place.ts';
import { CannotApply, runOperation } from './failed.ts';
import { guardOwned } from './owned.ts';
import { type OperationType, type PatchTarget, type PathOperation, readOperations } from './read-operations.ts';
import type { TreePatch } from './tree-patch.ts';
import { addElement, fitValue, isList, type Part, requireTarget, type Target } from './value-part.ts';

/** What the paths of a patch may cost together: some tenth of a second. */
const stepsMax = 200_000;

/** The parameters are those of a valid Parameters resource. */
export function parseFhirpathPatch(parameters: readonly Part[], target: PatchTarget): TreePatch {
  const operations = readOperations(parameters, target);
  return (resource) => {
    const requireOwned = guardOwned(resource);
    const run: Run = { ...target, resource: resource as object, steps: new Steps(stepsMax) };
    for (const operation of operations) {
      runOperation(operation.place, () => {
        apply(operation, run);
        requireOwned(resource);
      });
    }
    return resource;
  };
}

interface Run extends PatchTarget {
  readonly resource: object;
  readonly steps: Steps;
}

function apply(operation: PathOperation, run: Run): void {
  try {
    appliers[operation.type](operation, run);
  } catch (error) {
    if (error instanceof TooManySteps) throw new CannotApply(`its path is too costly: ${error.message}`, 'too-costly');
    throw error instanceof NotSingle ? new CannotApply(`its path fails: ${error.message}`) : error;
  }
}

const appliers: Readonly<Record<OperationType, (operation: PathOperation, run: Run) => void>> = {
  add({ path, name, value }, run) {
    const parent = onlyOne(path.find(run.resource, run.steps));
    const target = requireTarget(typeOf(parent), name, run.definitions);
    const item = fitValue(value, target, run.definitions);
    addElement(holderOf(parent), target, item);
  },

  insert(operation, run) {
    const { parent, target } = findList(operation, run);
    const item = fitValue(operation.value, target, run.definitions);
    editItems(parent, item.jsonName, (items) => {
      requireIndex(operation.index, items.length + 1);
      return items.toSpliced(operation.index, 0, item);
    });
  },

  /** Nothing to delete is no error: "Path of the element to delete (if found)". */
  delete({ path }, run) {
    const found = path.find(run.resource, run.steps);
    if (found.length > 0) removeAtPlace(positionOf(onlyOne(found)));
  },

  replace({ path, value }, run) {
    const at = positionOf(onlyOne(path.find(run.resource, run.steps)));
    const target = requireTarget(typeOf(at.parent), at.property.element.name, run.definitions);
    replaceAtPlace(at, fitValue(value, target, run.definitions));
  },

  move(operation, run) {
    const { parent, target } = findList(operation, run);
    const { source, destination } = operation;
    editItems(parent, (target.candidates[0] as [string, unknown])[0], (items) => {
      requireIndex(source, items.length);
      requireIndex(destination, items.length);
      return items.toSpliced(source, 1).toSpliced(destination, 0, items[source] as Item);
    });
  },
};

function findList({ path }: PathOperation, run: Run): { readonly parent: Place; readonly target: Target } {
  if (!path.list) throw new CannotApply('its path does not end in the name of a list');
  const parent = onlyOne(path.list.findParents(run.resource, run.steps));
  const target = requireTarget(typeOf(parent), path.list.name, run.definitions);
  if (!isList(target)) throw new CannotApply(`${target.name} is no list`);
  return { parent, target };
}

function editItems(parent: Place, jsonName: string, edit: (items: Item[]) => Item[]): void {
  const holder = holderOf(parent);
  writeItems(holder, jsonName, edit(readItems(holder, jsonName)));
}

function onlyOne(places: readonly Place[]): Place {
  const [place] = places;
  if (!place) throw new CannotApply('its path finds nothing');
  if (places.length > 1) throw new CannotApply(`its path finds ${places.length} elements, not one`);
  return place;
}

function typeOf({ type }: Place): string {
  if (type === undefined) throw new CannotApply('its path leads to no element');
  return type;
}

function positionOf({ at, type }: Place): Position {
  if (at) return at;
  throw new CannotApply(`its path leads to ${type === undefined ? 'no element' : 'the resource itself'}`);
}

function requireIndex(index: number, length: number): void {
  if (index >= length) throw new CannotApply(`${index} is beyond the end of the list`);
}
