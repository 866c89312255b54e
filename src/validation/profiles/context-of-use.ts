// Where an extension may stand: https://hl7.org/fhir/R4/defining-extensions.html#context

import type { StructureDefinition } from '@medplum/fhirtypes';
import { compileBounded } from '../../fhir/fhirpath/compile-bounded.ts';
import type { Place } from '../../fhir/fhirpath/place.ts';
import { FhirError } from '../../fhir/outcome.ts';
import { ancestry } from '../../fhir/profiles/type-tree.ts';
import type { ProfileCompiler } from './compile-profile.ts';
import { pointerOf, rootsOf } from './place-text.ts';
import type { Run } from './run.ts';

export interface ExtensionAt {
  readonly place: Place;
  /** The element that has the extension. */
  readonly parent: Place;
}

/** These are compiled at each use: hardly any definition has one. */
const compileSteps = 1_000;

type Allows = (at: ExtensionAt, run: Run) => boolean;

export class ContextsOfUse {
  private readonly compiler: ProfileCompiler;
  private readonly known = new Map<string, Allows>();

  constructor(compiler: ProfileCompiler) {
    this.compiler = compiler;
  }

  /** Only for an extension whose definition is known. */
  allow(url: string, at: ExtensionAt, run: Run): boolean {
    const structure = this.compiler.profiles.structure(url)?.resource;
    if (!structure) return true;
    const allows = this.known.get(url) ?? this.compile(structure);
    this.known.set(url, allows);
    return allows(at, run);
  }

  describe(url: string): string {
    const { context = [], contextInvariant = [] } = this.compiler.profiles.structure(url)?.resource ?? {};
    return [...context.map(({ type, expression }) => `${type} ${expression}`), ...contextInvariant].join(', ');
  }

  private compile({ context = [], contextInvariant = [] }: StructureDefinition): Allows {
    const places = context.map(({ type, expression = '' }) => this.compileContext(type ?? '', expression));
    const conditions = contextInvariant.map((source) => this.compileInvariant(source));
    return (at, run) =>
      (places.length === 0 || places.some((allows) => allows(at, run))) && conditions.every((holds) => holds(at, run));
  }

  private compileContext(type: string, expression: string): Allows {
    if (type === 'element') return ({ parent }) => this.elementNames(parent).has(expression);
    if (type === 'extension') {
      const [url] = expression.split('#');
      return ({ parent }) => parent.type === 'Extension' && (parent.value as { url?: unknown }).url === url;
    }
    return type === 'fhirpath' ? this.compilePath(expression) : () => false;
  }

  /** What the element is called: its type and all that specialises, its path, and its element in its type. */
  private elementNames(place: Place): ReadonlySet<string> {
    const { definitions } = this.compiler.profiles;
    const names = new Set(place.type === undefined ? [] : ancestry(definitions, place.type));
    names.add(pathOf(place));
    if (!place.at) return names;
    const { parent, property } = place.at;
    for (const type of parent.type === undefined ? [] : ancestry(definitions, parent.type)) {
      names.add(`${type}.${property.element.name}`);
      if (property.element.isChoice) names.add(`${type}.${property.element.name}[x]`);
    }
    return names;
  }

  private compilePath(source: string): Allows {
    const { definitions } = this.compiler.profiles;
    return ({ parent }, run) =>
      attempt(() => {
        run.steps.spend(compileSteps);
        const { resource } = rootsOf(parent);
        const path = compileBounded(source, { type: resource.type ?? 'Resource', definitions });
        const found = path.find(resource, { steps: run.steps, roots: rootsOf(parent) });
        const pointer = pointerOf(parent);
        return found.some((one) => pointerOf(one) === pointer);
      });
  }

  private compileInvariant(source: string): Allows {
    const { definitions } = this.compiler.profiles;
    return ({ place, parent }, run) =>
      attempt(() => {
        run.steps.spend(compileSteps);
        const hooks = { constant: (name: string) => (name === 'extension' ? place.value : undefined) };
        const path = compileBounded(source, { type: parent.type ?? 'Element', definitions, hooks });
        const [only] = path.find(parent, { steps: run.steps, roots: rootsOf(parent) });
        return only === undefined || only.value?.valueOf() !== false;
      });
  }
}

/** From the resource, without indexes: `Patient.name.given`. */
function pathOf({ at, type }: Place): string {
  if (!at || at.property.type.code === 'Resource') return type ?? '';
  return `${pathOf(at.parent)}.${at.property.element.name}`;
}

/** What cannot be evaluated here forbids nothing. */
function attempt(test: () => boolean): boolean {
  try {
    return test();
  } catch (error) {
    if (error instanceof FhirError) return true;
    throw error;
  }
}
