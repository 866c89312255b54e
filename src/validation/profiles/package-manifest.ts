// What a FHIR package's package.json says of it: https://confluence.hl7.org/display/FHIR/NPM+Package+Specification#NPMPackageSpecification-Packagemanifest

import { fhirError } from '../../fhir/outcome.ts';

export interface Manifest {
  readonly name: string;
  readonly version: string;
  /** Canonical base of its definitions. */
  readonly canonical?: string;
  /** Packages it builds on, with their versions. */
  readonly dependencies: ReadonlyMap<string, string>;
}

const namePattern = /^[A-Za-z][\w-]{0,100}(?:\.[\w-]{1,100}){0,20}$/;
const versionPattern = /^[\w.+-]{1,100}$/;
const dependenciesMax = 200;

/** Throws a FhirError that says which element is wrong, and for packages of other versions of FHIR. */
export function readManifest(value: unknown): Manifest {
  const manifest = (value ?? {}) as Readonly<Record<string, unknown>>;
  const { name, version, canonical } = manifest;
  if (typeof name !== 'string' || !namePattern.test(name)) throw refuse('name must be a name such as hl7.fhir.us.core');
  if (typeof version !== 'string' || !versionPattern.test(version)) throw refuse('version must be one such as 6.1.0');
  requireR4(manifest);
  return {
    name,
    version,
    ...(typeof canonical === 'string' && canonical.length <= 500 && { canonical }),
    dependencies: readDependencies(manifest.dependencies),
  };
}

/** Older packages say `fhir-version-list`, some say it by what they depend on only. */
function requireR4(manifest: Readonly<Record<string, unknown>>): void {
  const listed = manifest.fhirVersions ?? manifest['fhir-version-list'];
  const versions: readonly unknown[] = Array.isArray(listed) ? listed : [];
  const isR4 = (version: unknown) => typeof version === 'string' && /^4\.0(?:\.\d+)?$/.test(version);
  if (versions.length > 0 && !versions.some(isR4))
    throw refuse('fhirVersions must name 4.0.1, the version of this server');
}

function readDependencies(value: unknown): Map<string, string> {
  if (value === undefined || value === null) return new Map();
  if (typeof value !== 'object' || Array.isArray(value)) throw refuse('dependencies must be an object');
  const entries = Object.entries(value);
  const isNamed = ([name, version]: [string, unknown]) =>
    namePattern.test(name) && typeof version === 'string' && version.length <= 100;
  if (entries.length > dependenciesMax || !entries.every(isNamed)) {
    throw refuse('dependencies must be names of packages with their versions');
  }
  return new Map(entries as [string, string][]);
}

function refuse(what: string) {
  return fhirError('invalid', `package/package.json cannot be used: ${what}.`);
}
