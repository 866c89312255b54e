// Reads the flat list of a differential or snapshot into a tree: https://hl7.org/fhir/R4/elementdefinition.html#id

import type { ElementDefinition } from '@medplum/fhirtypes';
import type { ElementRules } from './profile-element.ts';

/** The root, or a sentence that says what is wrong with the list. Elements left out between are made up. */
export function readElementList({ elements, pointer, exactNumbers }: ElementList): ListedElement | string {
  const root = toListed('', '');
  const latest = new LatestSlices();
  const numbers = numbersByElement(pointer, exactNumbers);
  for (const [index, element] of elements.entries()) {
    if (typeof element?.path !== 'string') return `Element ${index} of the list has no path.`;
    const steps = stepsOf(element, latest);
    const fault = placeElement(root, steps, element, numbers.get(index));
    if (fault) return fault;
  }
  const [only, another] = root.children.values();
  if (!only) return 'The list has no elements.';
  return another ? `The list starts with ${only.name}, but ${another.id} is not below it.` : only;
}

export interface ElementList {
  readonly elements: readonly ElementDefinition[];
  /** JSON Pointer of the list, as `exactNumbers` of the StructureDefinition has it. */
  readonly pointer: string;
  readonly exactNumbers: ReadonlyMap<string, string> | undefined;
}

export interface ListedElement {
  readonly name: string;
  readonly sliceName?: string;
  /** As the list has it, for messages. */
  readonly id: string;
  /** Undefined where only something below it is listed. */
  definition: ElementRules | undefined;
  exactNumbers?: ReadonlyMap<string, string>;
  /** By name and slice, in the order of the list. */
  readonly children: Map<string, ListedElement>;
}

/** Paths deeper than this are nobody's profile. */
const stepsMax = 40;
const stepPattern = /^[A-Za-z0-9_\-[\]@/]{1,100}$/;

interface Step {
  readonly name: string;
  readonly sliceName: string | undefined;
}

/** By id where it fits the path; else by path and sliceName, children following their slice. */
function stepsOf({ id, path, sliceName }: ElementDefinition, latest: LatestSlices): readonly Step[] {
  const names = path.split('.');
  const steps = typeof id === 'string' ? id.split('.').map(toStep) : [];
  const fits = steps.length === names.length && steps.every(({ name }, i) => name === names[i]);
  const isSliceTold = typeof sliceName !== 'string' || steps.at(-1)?.sliceName !== undefined;
  return latest.remember(fits && isSliceTold ? steps : latest.complete(names, sliceName));
}

function toStep(text: string): Step {
  const colon = text.indexOf(':');
  return colon < 0
    ? { name: text, sliceName: undefined }
    : { name: text.slice(0, colon), sliceName: text.slice(colon + 1) };
}

/** Which slice the last element of each path was in. */
class LatestSlices {
  private steps: readonly Step[] = [];

  complete(names: readonly string[], sliceName: string | undefined): Step[] {
    let isInside = true;
    return names.map((name, i) => {
      const known = this.steps[i];
      isInside = isInside && known?.name === name;
      const inherited = isInside ? known?.sliceName : undefined;
      return { name, sliceName: i === names.length - 1 ? sliceName : inherited };
    });
  }

  remember(steps: readonly Step[]): readonly Step[] {
    this.steps = steps;
    return steps;
  }
}

function placeElement(
  root: ListedElement,
  steps: readonly Step[],
  element: ElementDefinition,
  exactNumbers: ReadonlyMap<string, string> | undefined,
): string | undefined {
  if (steps.length > stepsMax) return `A path of the list has more than ${stepsMax} steps.`;
  let place = root;
  for (const { name, sliceName } of steps) {
    if (!stepPattern.test(name) || (sliceName !== undefined && !stepPattern.test(sliceName))) {
      return 'A path or slice name of the list has characters that no element can have.';
    }
    const step = sliceName === undefined ? name : `${name}:${sliceName}`;
    const known = place.children.get(step);
    const next = known ?? toListed(name, place === root ? step : `${place.id}.${step}`, sliceName);
    if (!known) place.children.set(step, next);
    place = next;
  }
  if (place.definition) return `${place.id} is in the list twice.`;
  const { id: _id, path: _path, sliceName: _sliceName, ...definition } = element;
  place.definition = definition;
  if (exactNumbers) place.exactNumbers = exactNumbers;
  return undefined;
}

function toListed(name: string, id: string, sliceName?: string): ListedElement {
  return { name, id, definition: undefined, children: new Map(), ...(sliceName !== undefined && { sliceName }) };
}

/** Of the fixed and pattern values, by the element's place in the list, with pointers below the value. */
function numbersByElement(
  pointer: string,
  exactNumbers: ElementList['exactNumbers'],
): Map<number, Map<string, string>> {
  const byElement = new Map<number, Map<string, string>>();
  for (const [at, text] of exactNumbers ?? []) {
    if (!at.startsWith(`${pointer}/`)) continue;
    const [index = '', key = '', ...below] = at.slice(pointer.length + 1).split('/');
    if (!/^(?:fixed|pattern)[A-Z]/.test(key)) continue;
    const numbers = byElement.get(Number(index)) ?? new Map<string, string>();
    byElement.set(Number(index), numbers.set(below.map((step) => `/${step}`).join(''), text));
  }
  return byElement;
}
