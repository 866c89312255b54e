// The rights that a kept answer was made with, beside those that its caller has now: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html

import { createHash } from 'node:crypto';
import type { Caller, Grant } from '../access/caller.ts';

/**
 * The same for the same rights, and kept instead of them, which may be hundreds of grants. The purpose of use is none: an
 * emergency is more grants, and consents are asked whenever an answer is shown.
 */
export function rightsDigest(caller: Caller): string {
  const { kind, patient, fhirUser, grants, roles, operations } = caller;
  const all = [kind, patient, fhirUser, [...roles].sort(), [...(operations ?? [])].sort()];
  return createHash('sha256')
    .update(JSON.stringify([...all, grantsText(grants)]))
    .digest('base64url');
}

/** An array that serves all requests of a token. */
const texts = new WeakMap<readonly Grant[], string>();

function grantsText(grants: readonly Grant[]): string {
  const known = texts.get(grants);
  if (known !== undefined) return known;
  const text = JSON.stringify(grants.map(grantText).sort());
  texts.set(grants, text);
  return text;
}

function grantText({ context, type, permissions, constraints = [], isOwn, elements }: Grant): string {
  return JSON.stringify([context, type, [...permissions].sort(), [...constraints].sort(), isOwn, elements]);
}

/** True when `now` may do all that `then` could; what a wildcard gave is only given by a wildcard. */
export function includesRights(now: Caller, then: Caller): boolean {
  return (
    isSamePerson(now, then) &&
    then.roles.isSubsetOf(now.roles) &&
    (then.operations ?? none).isSubsetOf(now.operations ?? none) &&
    then.grants.every((grant) => now.grants.some((one) => includesGrant(one, grant)))
  );
}

/** For whom "own" is the same, and the patient in context. */
function isSamePerson(one: Caller, other: Caller): boolean {
  return one.kind === other.kind && one.patient === other.patient && one.fhirUser === other.fhirUser;
}

function includesGrant(wide: Grant, narrow: Grant): boolean {
  return (
    wide.context === narrow.context &&
    (wide.type === '*' || wide.type === narrow.type) &&
    narrow.permissions.isSubsetOf(wide.permissions) &&
    (wide.constraints ?? []).every((one) => narrow.constraints?.includes(one)) &&
    (wide.isOwn === undefined || narrow.isOwn === true) &&
    (wide.elements?.every((one) => narrow.elements?.includes(one)) ?? true)
  );
}

const none: ReadonlySet<string> = new Set();
