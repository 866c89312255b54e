// Holds resources against profiles with everything the tenant knows: for writes and for $validate: https://hl7.org/fhir/R4/resource-operation-validate.html

import { fhirError, type Issue } from '../../fhir/outcome.ts';
import { checkResource } from '../../validation/profiles/check-resource.ts';
import { type AskingCheck, checkWithLookups } from '../../validation/profiles/check-with-lookups.ts';
import type { ProfileRegistry } from '../../validation/profiles/registry.ts';
import type { Change, Content } from '../change.ts';
import type { Session } from '../session.ts';
import { takeTurn } from '../turn.ts';
import { profileLookups } from './profile-lookups.ts';

export interface Candidate extends Content {
  /** Canonicals it must have, besides those it claims. */
  readonly profiles: readonly string[];
}

/** Of all resources of a request together; a tenant's own profiles may be as costly as they like. */
const checkMsMax = 5_000;

/** The issues of each; `changes` are what the session is about to write. */
export async function profileIssues(
  session: Session,
  registry: ProfileRegistry,
  candidates: readonly Candidate[],
  changes: readonly Change[] = [],
): Promise<Issue[][]> {
  let spentMs = 0;
  const checks = candidates.map(({ resource, profiles, exactNumbers }): AskingCheck => {
    return (surroundings) => {
      if (spentMs > checkMsMax) throw tooCostly();
      const beganAt = performance.now();
      const issues = checkResource(registry, resource, { ...surroundings, profiles, exactNumbers });
      spentMs += performance.now() - beganAt;
      return issues;
    };
  });
  const turn = takeTurn();
  return await checkWithLookups(checks, profileLookups(session, registry, changes), {
    known: { isMember: registry.isMember },
    pause: async () => {
      if (turn.isOver()) await turn.next();
    },
  });
}

function tooCostly(): Error {
  const diagnostics = 'To check the profiles of all these resources takes too long; send fewer at once.';
  return fhirError('too-costly', diagnostics, { status: 422 });
}
