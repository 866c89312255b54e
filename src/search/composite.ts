// Composite parameters: what their components read from one element, and how that element is stored:
// https://hl7.org/fhir/R4/search.html#composite

import type { SearchParameter } from '../fhir/definitions/snapshot.ts';
import type { Definitions } from '../fhir/definitions.ts';
import { compilePath } from '../fhir/fhirpath/compile.ts';
import type { ReachedElement } from '../fhir/fhirpath/elements.ts';
import type { IndexedParameter, SearchKind } from './search-parameters.ts';
import { tokenShapeOf } from './token-shape.ts';

export interface Composite {
  readonly components: readonly Component[];
  /**
   * `pairs`: a token of each combination. `keyed`: numbers under a unit that holds the code beside them. `apart`: nothing of
   * its own, the parameters of the components find what is then told on the resource.
   */
  readonly storage: 'pairs' | 'keyed' | 'apart';
}

export interface Component {
  /** Of values within one element; what it reads is a `CompositeElement`. */
  readonly parameter: IndexedParameter;
  /** The parameter on the whole resource that finds whatever it finds. */
  readonly standsFor: () => IndexedParameter | undefined;
}

/** One element of a composite, and the resource for components that read beyond it. */
export interface CompositeElement {
  readonly element: object;
  readonly resource: object;
}

/** Composites that are two others together: `combo-code-value-quantity` is what those of Observation and of its components store. */
const unions: Readonly<Record<string, readonly string[]>> = {
  'Observation.combo-code-value-concept': ['code-value-concept', 'component-code-value-concept'],
  'Observation.combo-code-value-quantity': ['code-value-quantity', 'component-code-value-quantity'],
  'Observation.combo-value-quantity': ['value-quantity', 'component-value-quantity'],
};

export interface PartsSource {
  readonly definitions: Definitions;
  readonly type: string;
  readonly definition: SearchParameter;
  /** Asked only once all parameters of the type are known. */
  readonly parameterOf: (code: string) => IndexedParameter | undefined;
  /** Whether a component reads what the parameter that its definition names reads; absent where it always does. */
  readonly readsSame?: (named: SearchParameter, expression: string) => boolean;
}

/**
 * The parameter with what it is made of, if anything. Undefined for a composite with a component of a kind that cannot be
 * compared within an element.
 */
export function withParts(parameter: IndexedParameter, source: PartsSource): IndexedParameter | undefined {
  const stored = unions[parameter.key];
  const storedIn = () => (stored ?? []).flatMap((code) => source.parameterOf(code) ?? []);
  const whole = stored ? { ...parameter, storedIn } : parameter;
  if (parameter.kind !== 'composite') return whole;
  const composite = createComposite(parameter, source);
  return composite && { ...whole, composite };
}

function createComposite(
  { key, elements = [] }: IndexedParameter,
  { definitions, type, definition, parameterOf, readsSame = () => true }: PartsSource,
): Composite | undefined {
  const found = (definition.components ?? []).map(({ definition: url, expression }, index) => {
    const named = definitions.searchParameterByUrl(url);
    const isSame = named !== undefined && readsSame(named, expression);
    const source = { type, key, index, expression, elements, isSame, parameterOf };
    return named && createComponent(definitions, { ...source, named });
  });
  if (found.length === 0 || found.some((component) => component === undefined)) return undefined;
  const components = found as Component[];
  return { components, storage: storageOf(components) };
}

interface ComponentSource {
  readonly type: string;
  readonly key: string;
  readonly index: number;
  /** The parameter its definition names. */
  readonly named: SearchParameter;
  readonly expression: string;
  readonly elements: readonly ReachedElement[];
  readonly isSame: boolean;
  readonly parameterOf: (code: string) => IndexedParameter | undefined;
}

function createComponent(definitions: Definitions, source: ComponentSource): Component | undefined {
  const { key, index, named, isSame } = source;
  const { read, elements } = readerOf(definitions, source);
  const kind = kindOf(named.type, elements);
  if (!kind) return undefined;
  const parameter: IndexedParameter = {
    code: `${index}`,
    kind,
    key: `${key}$${index}`,
    read: (object) => read(object as CompositeElement),
    ...(named.targets && kind === named.type && { targets: named.targets }),
    elements,
    tokenShape: tokenShapeOf(elements, definitions),
  };
  // The components of DocumentReference.relationship name each other's parameter.
  const isItself = isSame && kind === named.type;
  return { parameter, standsFor: () => (isItself ? source.parameterOf(named.code) : undefined) };
}

/** What R4 writes `DateTime` is no type. */
function readerOf(definitions: Definitions, { type, expression: written, elements }: ComponentSource) {
  const expression = written.replaceAll('ofType(DateTime)', 'ofType(dateTime)');
  const ofResource = /^%resource\.(.*)$/s.exec(expression)?.[1];
  if (ofResource !== undefined) {
    const path = compilePath(`${type}.${ofResource}`, type, definitions);
    return { read: ({ resource }: CompositeElement) => path.read(resource), elements: path.elements ?? [] };
  }
  const paths = new Map(elements.map((element) => [element.type, compilePath(expression, element.type, definitions)]));
  const own = paths.get(type);
  const inner = [...paths].find(([name]) => name !== type)?.[1];
  const read = ({ element, resource }: CompositeElement) => (element === resource ? own : inner)?.read(element) ?? [];
  return { read, elements: [...paths.values()].flatMap((path) => path.elements ?? []) };
}

const comparable: ReadonlySet<string> = new Set(['token', 'string', 'date', 'number', 'quantity', 'reference']);

function kindOf(type: SearchParameter['type'], elements: readonly ReachedElement[]): SearchKind | undefined {
  if (elements.length === 0) return undefined;
  if (elements.every((element) => element.type === 'Reference')) return 'reference';
  if (type === 'reference') return 'token';
  return comparable.has(type) ? (type as SearchKind) : undefined;
}

function storageOf(components: readonly Component[]): Composite['storage'] {
  const kinds = components.map(({ parameter }) => parameter.kind);
  if (kinds.every((kind) => kind === 'token' || kind === 'reference')) return 'pairs';
  return kinds.join() === 'token,quantity' ? 'keyed' : 'apart';
}
