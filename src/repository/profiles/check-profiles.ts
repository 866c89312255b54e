// Holds writes against the profiles they claim and those their tenant asks for, by the tenant's policy: https://hl7.org/fhir/R4/resource-definitions.html#Meta.profile

import type { Resource } from '@medplum/fhirtypes';
import { FhirError, type Issue } from '../../fhir/outcome.ts';
import type { Change } from '../change.ts';
import type { Session } from '../session.ts';
import { profileIssues } from './profile-issues.ts';
import { registryOf } from './registry-of.ts';

/** Of a tenant: its settings `profiles.check` and `profiles.required`. */
export interface ProfilePolicy {
  readonly check: 'off' | 'warn' | 'enforce';
  /** Resource type -> canonical. */
  readonly required: Readonly<Record<string, string>>;
}

/**
 * What is to be told of each write, by its index. Throws 422 with all issues of the first write that has an error where the
 * policy is to enforce. What the server itself writes has its own profiles, and must not fail by a tenant's.
 */
export async function checkProfiles(
  session: Session,
  { check, required }: ProfilePolicy,
  changes: readonly Change[],
): Promise<ReadonlyMap<number, readonly Issue[]>> {
  const written = changes.filter(({ resource }) => resource !== undefined);
  if (check === 'off' || session.caller.kind === 'server' || written.length === 0) return new Map();
  const candidates = written.map(({ resource, type, exactNumbers }) => ({
    resource: resource as Resource,
    profiles: Object.hasOwn(required, type) ? [required[type] as string] : [],
    ...(exactNumbers && { exactNumbers }),
  }));
  const issues = await profileIssues(session, await registryOf(session), candidates, changes);
  const found = new Map(written.map(({ index }, i) => [index, issues[i] ?? []]));
  if (check === 'warn') return new Map([...found].map(([index, its]) => [index, its.map(asWarning)]));
  for (const [writeIndex, its] of found) {
    if (its.some(isError)) throw new FhirError(errorsFirst(its), { status: 422, writeIndex });
  }
  return found;
}

/** They are what it is refused for. */
function errorsFirst(issues: readonly Issue[]): Issue[] {
  return [...issues.filter(isError), ...issues.filter((issue) => !isError(issue))];
}

/** It is written all the same. */
function asWarning(issue: Issue): Issue {
  return isError(issue) ? { ...issue, severity: 'warning' } : issue;
}

function isError({ severity }: Issue): boolean {
  return severity === 'error' || severity === 'fatal';
}
