// Who may change some elements of a resource only changes no others, as pharmacists the status of prescriptions: domain.md section 5.

import { isDeepStrictEqual } from 'node:util';
import type { Resource } from '@medplum/fhirtypes';
import type { Grant } from '../access/caller.ts';
import { may } from '../access/may.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { Change } from '../repository/change.ts';
import type { Rule } from '../repository/module.ts';
import { meetsRows } from '../repository/row-access.ts';
import type { Session } from '../repository/session.ts';
import { limitedTypes } from './roles.ts';

export const limitedUpdates: readonly Rule<void>[] = [...limitedTypes].map((type) => ({
  name: 'limited-update',
  type,
  run: requireElements,
}));

/** Throws 403 for a change of other elements than the caller's rights to this resource, as it is and as it becomes, name. */
async function requireElements(changes: readonly Change[], session: Session): Promise<void> {
  if (!session.caller.grants.some(({ elements }) => elements)) return;
  for (const { byServer, action, type, oldResource, resource, index } of changes) {
    if (byServer || action !== 'update' || !resource) continue;
    const allowed = await elementsOf(session, [...(oldResource ? [oldResource] : []), resource]);
    if (allowed === 'all') continue;
    const other = changedElements(oldResource, resource).find((name) => !allowed.includes(name));
    if (other === undefined) continue;
    const diagnostics = `The access token allows to change ${allowed.join(' and ')} of this ${type}, and no more.`;
    throw fhirError('forbidden', diagnostics, { expression: `${type}.${other}`, writeIndex: index });
  }
}

/** Each right names its elements for the rows that it reaches; those without elements count together, as everywhere. */
async function elementsOf(session: Session, versions: readonly Resource[]): Promise<readonly string[] | 'all'> {
  const { grants } = session.caller;
  const whole = grants.filter(({ elements }) => elements === undefined);
  if (await mayUpdate(session, whole, versions)) return 'all';
  const allowed: string[] = [];
  for (const grant of grants) {
    if (grant.elements && (await mayUpdate(session, [grant], versions))) allowed.push(...grant.elements);
  }
  return allowed;
}

async function mayUpdate(session: Session, grants: readonly Grant[], versions: readonly Resource[]): Promise<boolean> {
  const alone = { ...session, caller: { ...session.caller, grants } };
  for (const version of versions) {
    if (!may(alone.caller, 'u', version.resourceType) || !(await meetsRows(alone, 'u', version))) return false;
  }
  return true;
}

/** With what a primitive element has beside its value: `_status` is `status`. */
function changedElements(before: Resource | undefined, after: Resource): string[] {
  const [old, next] = [contentOf(before), contentOf(after)];
  const names = new Set([...Object.keys(old), ...Object.keys(next)]);
  return [...names]
    .filter((name) => !isDeepStrictEqual(old[name], next[name]))
    .map((name) => (name.startsWith('_') ? name.slice(1) : name));
}

/** Without what the server says in every version. */
function contentOf(resource: Resource | undefined): Record<string, unknown> {
  const { meta, ...rest } = resource ?? {};
  const { versionId: _, lastUpdated: __, ...own } = meta ?? {};
  return { ...rest, ...(Object.keys(own).length > 0 && { meta: own }) };
}
