// What the AuditEvents of sign-ins and refusals are held to, and what each is in a line.

import { expect } from '@jest/globals';
import type { AuditEvent } from '@medplum/fhirtypes';
import { auditProfile } from '../../src/access/audit-parts.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { checkResource } from '../../src/validation/profiles/check-resource.ts';
import { ownDefinitions } from '../../src/validation/profiles/own-definitions.ts';
import { createRegistry } from '../../src/validation/profiles/registry.ts';
import { createValidator } from '../../src/validation/validate.ts';

const definitions = loadDefinitions();
const [validate, registry] = [createValidator(definitions), createRegistry(definitions, ownDefinitions())];

/** Valid by R4 and by its profile, and from this machine. */
export function expectRecorded(event: AuditEvent): void {
  expect([validate(event), checkResource(registry, event, { profiles: event.meta?.profile ?? [] })]).toEqual([[], []]);
  expect(event.agent.find(({ network }) => network?.type === '2')?.network?.address).toBe('127.0.0.1');
}

/** Profile, type, subtype, outcome and its description. */
export function whatIs({ meta, type, subtype, outcome, outcomeDesc }: AuditEvent) {
  return [
    meta?.profile?.[0]?.slice(auditProfile('' as 'login').length),
    ...[type.code, subtype?.[0]?.code, outcome, outcomeDesc],
  ];
}
