// The value set an element is bound to, as the `context` of $expand and $validate-code names it: https://hl7.org/fhir/R4/valueset-operation-expand.html

import type { Definitions } from '../fhir/definitions.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { ProfileElement } from '../fhir/profiles/profile-element.ts';
import { typeTree } from '../fhir/profiles/type-tree.ts';
import { registryOf } from '../repository/profiles/registry-of.ts';
import type { Session } from '../repository/session.ts';

const typeUrl = 'http://hl7.org/fhir/StructureDefinition/';
const expression = 'Parameters.parameter';
/** Steps of a path: elements of elements may be of their own kind. */
const stepsMax = 30;

/** The canonical of the value set. "The recommended format for this URI is [Structure Definition URL]#[name or path]". */
export async function valueSetInContext(session: Session, context: string): Promise<string> {
  const [url = '', place = '', ...more] = context.split('#');
  if (url === '' || place === '' || more.length > 0) {
    const form = '[StructureDefinition URL]#[name or path of an element]';
    throw fhirError('not-supported', `A context is understood in the form ${form}.`, { status: 400, expression });
  }
  const { profiles } = (await registryOf(session)).compiler;
  const type = url.startsWith(typeUrl) ? url.slice(typeUrl.length).split('|')[0] : undefined;
  const root = profiles.get(url)?.profile?.root ?? typeTree(profiles.definitions, type ?? '');
  if (!root) {
    throw fhirError('not-found', 'No StructureDefinition of the context is known here.', { status: 400, expression });
  }
  const valueSet = elementAt(profiles.definitions, root, place)?.definition.binding?.valueSet;
  if (valueSet !== undefined) return valueSet;
  const diagnostics = 'The StructureDefinition of the context has no such element, or binds no value set to it.';
  throw fhirError('not-found', diagnostics, { status: 400, expression });
}

/** By a path such as `Patient.contact.gender` or `Observation.component:systolic.code`, or by the name of a slice. */
function elementAt(definitions: Definitions, root: ProfileElement, place: string): ProfileElement | undefined {
  const [first, ...steps] = place.split('.');
  if (steps.length > stepsMax) return undefined;
  if (first !== root.name) return steps.length === 0 ? sliceNamed(root, place) : undefined;
  let at: ProfileElement | undefined = root;
  for (const step of steps) at = at && childAt(definitions, at, step);
  return at;
}

function childAt(definitions: Definitions, parent: ProfileElement, step: string): ProfileElement | undefined {
  const [name = '', slice] = step.split(':');
  const children = parent.children.size > 0 ? parent.children : childrenOfType(definitions, parent);
  const child = children?.get(name) ?? children?.get(`${name}[x]`);
  return slice === undefined ? child : child?.slices.find(({ sliceName }) => sliceName === slice);
}

/** What the profile leaves as its type has it. */
function childrenOfType(definitions: Definitions, { contentType, definition }: ProfileElement) {
  const [type, ...others] = definition.type ?? [];
  const name = contentType ?? (others.length === 0 ? type?.code : undefined);
  return name === undefined ? undefined : typeTree(definitions, name)?.children;
}

function sliceNamed(root: ProfileElement, name: string): ProfileElement | undefined {
  const waiting = [root];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (next.sliceName === name) return next;
    waiting.push(...next.slices, ...next.children.values());
  }
  return undefined;
}
