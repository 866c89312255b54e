// Checks every extension of a resource by its own definition, wherever it stands: https://hl7.org/fhir/R4/extensibility.html

import type { Property } from '../../fhir/definitions.ts';
import { childrenOf, type Place } from '../../fhir/fhirpath/place.ts';
import type { CompiledProfile, ProfileCompiler } from './compile-profile.ts';
import { ContextsOfUse } from './context-of-use.ts';
import type { Run } from './run.ts';

/** Walks a resource; a resource without extensions costs a look at its members. */
export class ExtensionChecks {
  private readonly compiler: ProfileCompiler;
  private readonly contexts: ContextsOfUse;

  constructor(compiler: ProfileCompiler) {
    this.compiler = compiler;
    this.contexts = new ContextsOfUse(compiler);
  }

  check(place: Place, run: Run): void {
    if (hasExtensions(place.value)) this.walk(place, run);
  }

  /** Only where extensions are below. */
  private walk(place: Place, run: Run): void {
    const { definitions } = this.compiler.profiles;
    const holder: unknown = place.isPrimitive ? place.extras : place.value;
    if (place.type === undefined || typeof holder !== 'object' || holder === null) return;
    const properties = definitions.properties(place.type);
    const names: [string, Property][] = [];
    for (const [key, member] of Object.entries(holder)) {
      const name = key.startsWith('_') ? key.slice(1) : key;
      const property = properties.get(name);
      if (property && (isExtension(key) || hasExtensions(member))) names.push([name, property]);
    }
    run.steps.spend(names.length + 1);
    for (const child of childrenOf(place, names, definitions)) {
      if (child.type === 'Extension') this.checkOne(child, place, run);
      this.walk(child, run);
    }
  }

  private checkOne(place: Place, parent: Place, run: Run): void {
    const { url } = (place.value ?? {}) as { url?: unknown };
    // A relative url names a part of the extension around it, whose definition says what it is.
    if (typeof url !== 'string' || (parent.type === 'Extension' && !url.includes(':'))) return;
    const isModifier = place.at?.jsonName === 'modifierExtension';
    const compiled = this.compiler.get(url);
    if (compiled?.profile) this.checkKnown(compiled, { place, parent, isModifier }, run);
    else if (!compiled) tellUnknown(place, { url, isModifier }, run);
  }

  private checkKnown(compiled: CompiledProfile, { place, parent, isModifier }: Found, run: Run): void {
    const { url, root, type } = compiled.profile;
    if (type !== 'Extension') {
      run.add('error', 'extension', { place }, `${url} is no extension but a profile of ${type}.`);
      return;
    }
    if ((root.definition.isModifier === true) !== isModifier) {
      const holder = isModifier ? 'extension' : 'modifierExtension';
      run.add('error', 'extension', { place }, `${url} must stand in ${holder}.`);
    }
    if (!this.contexts.allow(url, { place, parent }, run)) {
      const contexts = this.contexts.describe(url);
      run.add('error', 'extension', { place }, `${url} must not stand here; its context of use: ${contexts}.`);
    }
    run.check(compiled.checkPlace, place);
  }
}

/**
 * Nobody may process a modifier they do not understand: https://hl7.org/fhir/R4/extensibility.html#modifierExtension
 * Anything else is kept and passed on as it is.
 */
function tellUnknown(place: Place, { url, isModifier }: { url: string; isModifier: boolean }, run: Run): void {
  if (isModifier)
    run.add('error', 'extension', { place }, 'The definition of this modifier extension is not known here.');
  else if (!ofOtherVersion.test(url)) {
    run.add(
      'warning',
      'extension',
      { place },
      'The definition of this extension is not known here: it is not checked.',
    );
  }
}

/** Elements of other versions of FHIR, which R4 itself gives their urls: https://hl7.org/fhir/R4/versions.html#extensions */
const ofOtherVersion =
  /^http:\/\/hl7\.org\/fhir\/\d\.\d\/StructureDefinition\/extension-[A-Z][A-Za-z]*\.[A-Za-z.[\]]+$/;

interface Found {
  readonly place: Place;
  readonly parent: Place;
  readonly isModifier: boolean;
}

function hasExtensions(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some((item) => hasExtensions(item));
  return Object.entries(value).some(([key, member]) => isExtension(key) || hasExtensions(member));
}

function isExtension(key: string): boolean {
  return key === 'extension' || key === 'modifierExtension';
}
