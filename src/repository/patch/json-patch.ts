// JSON Patch: https://www.rfc-editor.org/rfc/rfc6902

import { nestingMax } from '../../fhir/json-scanner.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { copyTree, ExactNumber, isContainer, isObject, type JsonObject } from '../exact-tree.ts';
import { CannotApply, failedOperation, runOperation } from './failed.ts';
import { guardOwned } from './owned.ts';
import { insertAt, type Pointer, parsePointer, removeAt, replaceAt, type Slot, slotAt, valueAt } from './pointer.ts';
import { requireFewOperations, type TreePatch } from './tree-patch.ts';

type Verb = 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test';

interface Operation {
  readonly op: Verb;
  readonly path: Pointer;
  /** Of move and copy. */
  readonly from: Pointer;
  /** Of add, replace and test. */
  readonly value: unknown;
}

/** What copies and moves may carry together: copying a list into itself doubles it each time. */
const copiedMax = 2_000_000;

/** Throws 400 for what is no JSON Patch and 422 for paths that lead nowhere. */
export function parseJsonPatch(document: unknown): TreePatch {
  if (!Array.isArray(document)) throw fhirError('structure', 'A JSON Patch is an array of operations (RFC 6902).');
  requireFewOperations(document);
  const operations = document.map(parseOperation);
  return (resource) => {
    const run = new Run(resource);
    for (const [index, operation] of operations.entries()) {
      runOperation({ index, type: operation.op }, () => run.apply(operation));
    }
    return run.finish();
  };
}

const needsValue: ReadonlySet<unknown> = new Set<Verb>(['add', 'replace', 'test']);
const needsFrom: ReadonlySet<unknown> = new Set<Verb>(['move', 'copy']);
const verbs: ReadonlySet<unknown> = new Set([...needsValue, ...needsFrom, 'remove']);

function parseOperation(operation: unknown, index: number): Operation {
  const { op, path, from = '', value } = isObject(operation) ? operation : {};
  const isComplete =
    verbs.has(op) &&
    typeof path === 'string' &&
    typeof from === 'string' &&
    (!needsValue.has(op) || value !== undefined) &&
    (!needsFrom.has(op) || Object.hasOwn(operation as object, 'from'));
  if (!isComplete) {
    throw fhirError('structure', `Operation ${index} of the patch has not the op, path, from or value of RFC 6902.`);
  }
  const pointers = { path: parsePointer(path), from: parsePointer(from) };
  if (!pointers.path || !pointers.from) {
    throw failedOperation({ index, type: op as Verb }, 'its path or from is no JSON Pointer to an element (RFC 6901)');
  }
  return { op: op as Verb, path: pointers.path, from: pointers.from, value };
}

class Run {
  /** The resource is the one member, so that the empty pointer has a slot like any other. */
  readonly #root: JsonObject;
  readonly #requireOwned: (patched: unknown) => void;
  readonly #emptied: { readonly slot: Slot; readonly list: unknown[] }[] = [];
  #copied = 0;

  constructor(resource: unknown) {
    this.#root = { resource };
    this.#requireOwned = guardOwned(resource);
  }

  apply(operation: Operation): void {
    this.#change(operation);
    this.#requireOwned(this.#root.resource);
  }

  /** FHIR has no empty lists, so one whose last item was removed goes: https://hl7.org/fhir/R4/json.html */
  finish(): unknown {
    for (const { slot, list } of this.#emptied) {
      const { container, key } = slot;
      if (list.length === 0 && !Array.isArray(container) && container[key] === list) delete container[key];
    }
    return this.#root.resource;
  }

  #change({ op, path, from, value }: Operation): void {
    const slot = this.#slot(path);
    if (op === 'add') insertAt(slot, copyOf(value, path.length));
    else if (op === 'replace') replaceAt(slot, copyOf(value, path.length));
    else if (op === 'remove') this.#remove(path);
    else if (op === 'copy') insertAt(slot, this.#copy(valueAt(this.#slot(from)), path.length));
    else if (op === 'move') this.#move(from, path);
    else if (!isEqual(valueAt(slot), value)) throw new CannotApply('the value is another one');
  }

  /** Removal comes first, and may move the place it goes to: RFC 6902 section 4.4 */
  #move(from: Pointer, path: Pointer): void {
    if (from.length < path.length && from.every((key, index) => key === path[index])) {
      throw new CannotApply('it moves an element into itself');
    }
    const value = this.#copy(this.#remove(from), path.length);
    insertAt(this.#slot(path), value);
  }

  #slot(pointer: Pointer): Slot {
    return slotAt(this.#root, ['resource', ...pointer]);
  }

  #remove(pointer: Pointer): unknown {
    const slot = this.#slot(pointer);
    const value = removeAt(slot);
    const list = slot.container;
    if (Array.isArray(list) && list.length === 0) {
      this.#emptied.push({ slot: this.#slot(pointer.slice(0, -1)), list });
    }
    return value;
  }

  #copy(value: unknown, depth: number): unknown {
    return copyOf(value, depth, (size) => {
      this.#copied += size;
      if (this.#copied > copiedMax) throw new CannotApply('the patch copies and moves too much', 'too-costly');
    });
  }
}

/** Depth is that of the place it goes to. */
function copyOf(value: unknown, depth: number, spend: (size: number) => void = () => undefined): unknown {
  return copyTree(value, (part, levels) => {
    if (depth + levels >= nestingMax && isContainer(part)) throw new CannotApply('it nests elements too deep');
    spend(typeof part === 'string' ? part.length : 1);
  });
}

/** Numbers are equal by their value: RFC 6902 section 4.6 */
function isEqual(left: unknown, right: unknown): boolean {
  if (left instanceof ExactNumber || right instanceof ExactNumber) return left?.valueOf() === right?.valueOf();
  if (!isContainer(left) || !isContainer(right)) return left === right;
  const keys = Object.keys(left);
  if (Array.isArray(left) !== Array.isArray(right) || keys.length !== Object.keys(right).length) return false;
  const [one, other] = [left as JsonObject, right as JsonObject];
  return keys.every((key) => Object.hasOwn(other, key) && isEqual(one[key], other[key]));
}
