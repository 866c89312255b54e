// Checks resources by profiles given in a test.

import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import type { Issue } from '../../../src/fhir/outcome.ts';
import type { Structure } from '../../../src/fhir/profiles/generate-profile.ts';
import { type CheckOptions, checkResource } from '../../../src/validation/profiles/check-resource.ts';
import { createRegistry, type ProfileRegistry } from '../../../src/validation/profiles/registry.ts';

export function registryOf(...structures: readonly Structure[]): ProfileRegistry {
  return createRegistry(loadDefinitions(), { structures, valueSets: [], codeSystems: [] });
}

/** By the first profile; `severity code expression` of each issue, errors without their severity. */
export function check(
  structures: readonly [Structure, ...Structure[]],
  resource: object,
  options: CheckOptions = {},
): string[] {
  const [first] = structures;
  const profiles = [first.resource.url ?? ''];
  return checkResource(registryOf(...structures), resource, { ...options, profiles }).map(shortly);
}

export function shortly({ severity, code, expression }: Issue): string {
  return `${severity === 'error' ? '' : `${severity} `}${code} ${expression?.[0]}`;
}
