// What the server knows of FHIR R4, loaded once per process: https://hl7.org/fhir/R4/resourcelist.html

import { readFileSync } from 'node:fs';
import { buildSnapshot, writeSnapshot } from './definitions/build-snapshot.ts';
import {
  type Compartment,
  type ElementDefinition,
  type ElementType,
  type SearchParameter,
  type Snapshot,
  snapshotFile,
  type TypeDefinition,
  type ValueSetCodes,
} from './definitions/snapshot.ts';

let loaded: Definitions | undefined;

/** Reads the snapshot, or makes it when `postinstall` did not run (a second, once). */
export function loadDefinitions(): Definitions {
  loaded ??= createDefinitions(readSnapshot() ?? makeSnapshot());
  return loaded;
}

export interface Definitions {
  /** The 146 concrete resource types of R4. */
  readonly resourceTypes: ReadonlySet<string>;
  /** A resource, datatype or backbone element (`Patient.contact`). */
  typeDefinition(name: string): TypeDefinition | undefined;
  /** The JSON names an object of this type may have (without `resourceType` and `_name`), choices spelled out. */
  properties(typeName: string): ReadonlyMap<string, Property>;
  /** By code: the type's own search parameters and those of DomainResource and Resource. */
  searchParameters(type: string): ReadonlyMap<string, SearchParameter>;
  /** For the components of a composite parameter. */
  searchParameterByUrl(url: string): SearchParameter | undefined;
  compartment(code: string): Compartment | undefined;
  /** The codes of a required binding's value set; undefined where they need a terminology service. */
  valueSet(url: string): ValueSetMembers | undefined;
  /** The same of an extensible or preferred binding's. */
  advisedValueSet(url: string): ValueSetMembers | undefined;
  /** Of a tenant that has search parameters of its own: see overlay.ts. */
  readonly own?: OwnDefinitions;
}

export interface OwnDefinitions {
  /** Those of every tenant. */
  readonly base: Definitions;
  /** The tenant's own search parameters of the type, which are among all of the type too. */
  ofType(type: string): readonly SearchParameter[];
  /** Why a search parameter that is not among them cannot be asked by yet, as the end of a sentence. */
  whyUnready(type: string, code: string): string | undefined;
}

export interface Property {
  readonly element: ElementDefinition;
  /** The type this JSON name stands for: Quantity for `valueQuantity`. */
  readonly type: ElementType;
  readonly isPrimitive: boolean;
}

export interface ValueSetMembers {
  readonly codes: ReadonlySet<string>;
  readonly systems: readonly string[];
  /** Where there are several systems: which has which code. */
  readonly bySystem?: ReadonlyMap<string, ReadonlySet<string>>;
}

function readSnapshot(): Snapshot | undefined {
  try {
    return JSON.parse(readFileSync(snapshotFile(), 'utf8')) as Snapshot;
  } catch {
    return undefined;
  }
}

function makeSnapshot(): Snapshot {
  const snapshot = buildSnapshot();
  try {
    writeSnapshot(snapshot, snapshotFile());
  } catch {
    // node_modules may be read-only: then every start pays for the derivation.
  }
  return snapshot;
}

function createDefinitions(snapshot: Snapshot): Definitions {
  const types = new Map(Object.entries(snapshot.types));
  const parametersByUrl = new Map(snapshot.searchParameters.map((parameter) => [parameter.url, parameter]));
  const compartments = new Map(Object.entries(snapshot.compartments));
  const valueSets = new Map(Object.entries(snapshot.valueSets));
  const advisedValueSets = new Map(Object.entries(snapshot.advisedValueSets));
  return {
    resourceTypes: new Set([...types.values()].filter(isConcreteResource).map(({ name }) => name)),
    typeDefinition: (name) => types.get(name),
    properties: memoise((typeName) => propertiesOf(types, typeName)),
    searchParameters: memoise((type) => searchParametersOf(types, snapshot.searchParameters, type)),
    searchParameterByUrl: (url) => parametersByUrl.get(url),
    compartment: (code) => compartments.get(code),
    valueSet: memoise((url) => membersOf(valueSets.get(url))),
    advisedValueSet: memoise((url) => membersOf(advisedValueSets.get(url))),
  };
}

function membersOf(expansion: ValueSetCodes | undefined): ValueSetMembers | undefined {
  if (!expansion) return undefined;
  const { codes, systems, bySystem } = expansion;
  const parts = Object.entries(bySystem ?? {}).map(([system, own]) => [system, new Set(own)] as const);
  return { codes: new Set(codes), systems, ...(parts.length > 0 && { bySystem: new Map(parts) }) };
}

function isConcreteResource({ kind, isAbstract }: TypeDefinition): boolean {
  return kind === 'resource' && !isAbstract;
}

function propertiesOf(types: ReadonlyMap<string, TypeDefinition>, typeName: string): Map<string, Property> {
  const properties = new Map<string, Property>();
  for (const element of types.get(typeName)?.elements ?? []) {
    for (const type of element.types) {
      const name = element.isChoice
        ? element.name + type.code.charAt(0).toUpperCase() + type.code.slice(1)
        : element.name;
      properties.set(name, { element, type, isPrimitive: types.get(type.code)?.kind === 'primitive-type' });
    }
  }
  return properties;
}

function searchParametersOf(
  types: ReadonlyMap<string, TypeDefinition>,
  parameters: readonly SearchParameter[],
  type: string,
): Map<string, SearchParameter> {
  const bases = new Set<string>();
  for (let base: string | undefined = type; base; base = types.get(base)?.base) bases.add(base);
  const own = parameters.filter((parameter) => parameter.base.some((base) => bases.has(base)));
  return new Map(own.map((parameter) => [parameter.code, parameter]));
}

/** Remembers what was found only: names that clients make up must not fill the memory. */
function memoise<T>(compute: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const value = compute(key);
    if (isKnown(value)) known.set(key, value);
    return value;
  };
}

function isKnown(value: unknown): boolean {
  return value instanceof Map ? value.size > 0 : value !== undefined;
}
