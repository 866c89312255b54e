// Stores the definitions of a FHIR package as the tenant's own, all or none: https://confluence.hl7.org/display/FHIR/NPM+Package+Specification

import { FhirError, fhirError, type Issue } from '../../fhir/outcome.ts';
import type { FhirPackage, PackagedResource } from '../../validation/profiles/read-package.ts';
import type { WriteIntent } from '../change.ts';
import type { Session } from '../session.ts';
import { write } from '../write.ts';

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** `Type/id` of what was stored. */
  readonly stored: readonly string[];
  /** Packages it builds on, which are not fetched. */
  readonly dependencies: readonly string[];
}

/** Throws 422 with the file and the element of each fault. Definitions of the same id are replaced. */
export async function installPackage(session: Session, fhirPackage: FhirPackage): Promise<InstalledPackage> {
  const { name, version, resources, dependencies } = fhirPackage;
  if (resources.length === 0) throw fhirError('invalid', 'The package has no definitions in its main folder.');
  const faults = resources.flatMap((packaged) => faultsOf(session, packaged));
  if (faults.length > 0) throw new FhirError(faults.slice(0, issuesMax), { status: 422 });
  const results = await write(session, resources.map(toIntent)).catch((error: unknown) => {
    throw error instanceof FhirError ? ofFile(error, resources) : error;
  });
  return {
    name,
    version,
    stored: results.map(({ type, id }) => `${type}/${id}`),
    dependencies: [...dependencies].map(([dependency, itsVersion]) => `${dependency}@${itsVersion}`),
  };
}

const issuesMax = 100;

function toIntent({ resource, exactNumbers }: PackagedResource): WriteIntent {
  const content = { resource, ...(exactNumbers && { exactNumbers }) };
  return resource.id === undefined
    ? { action: 'create', ...content }
    : { action: 'update', id: resource.id, ...content };
}

function faultsOf({ repository }: Session, { file, resource, exactNumbers }: PackagedResource): Issue[] {
  const issues = repository
    .validate(resource, exactNumbers && { exactNumbers })
    .filter(({ severity }) => severity === 'error' || severity === 'fatal');
  return issues.map((issue) => named(issue, file));
}

function named(issue: Issue, file: string | undefined): Issue {
  return file === undefined ? issue : { ...issue, diagnostics: `package/${file}: ${issue.diagnostics}` };
}

function ofFile(error: FhirError, resources: readonly PackagedResource[]): FhirError {
  const file = error.writeIndex === undefined ? undefined : resources[error.writeIndex]?.file;
  return new FhirError(
    error.issues.map((issue) => named(issue, file)),
    { status: error.status, cause: error },
  );
}
