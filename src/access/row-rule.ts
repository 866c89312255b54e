// Which rows of a type a caller's grants reach: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html

import { fhirError } from '../fhir/outcome.ts';
import type { Caller, Grant, Permission } from './caller.ts';
import { ownParametersOf } from './own-rows.ts';
import { reachOfPatient, releaseOf } from './patient-types.ts';

/** Every row, or those that meet all conditions of one alternative; no alternative = none. */
export type RowRule = 'all' | readonly RowAlternative[];

export type RowAlternative = readonly RowCondition[];

export type RowCondition =
  /** In the compartment of this patient, and of no other. */
  | { readonly kind: 'patient'; readonly id: string }
  /** One of these parameters names the practitioner, or it is that resource itself. */
  | { readonly kind: 'own'; readonly reference: string; readonly parameters: readonly string[] }
  /** Meets this search parameter: `name=value`, still encoded. */
  | { readonly kind: 'constraint'; readonly query: string }
  /** A Binary that says by its securityContext whose it is; to be written, a record of a patient. */
  | { readonly kind: 'context'; readonly isOfPatient: boolean };

export function rowRule(caller: Caller, permission: Permission, type: string): RowRule {
  // Nothing is allocated for those whom nothing restricts.
  for (const grant of caller.grants) if (gives(grant, permission, type) && isPlain(caller, grant)) return 'all';
  const alternatives = new Map<string, RowAlternative>();
  for (const grant of caller.grants) {
    const conditions = gives(grant, permission, type) ? conditionsOf(caller, grant, permission, type) : undefined;
    if (conditions?.length === 0) return 'all';
    if (conditions) alternatives.set(JSON.stringify(conditions), conditions);
  }
  return [...alternatives.values()];
}

/**
 * Throws 403 unless every row of the type is within reach: for what is walked by time, in which nothing tells whose a version
 * was.
 */
export function requireEveryRow(caller: Caller, type: string): void {
  if (rowRule(caller, 's', type) === 'all') return;
  throw fhirError(
    'forbidden',
    `The access token allows some of ${type} only: search them instead, or ask for the history of each.`,
  );
}

/** True when the grant reaches any row at all. Whoever asks for `*` asks for all rows of all types. */
export function reaches(caller: Caller, grant: Grant, permission: Permission, type: string): boolean {
  if (!gives(grant, permission, type)) return false;
  return isPlain(caller, grant) || (type !== '*' && conditionsOf(caller, grant, permission, type) !== undefined);
}

function gives(grant: Grant, permission: Permission, type: string): boolean {
  return (grant.type === '*' || grant.type === type) && grant.permissions.has(permission);
}

/** True when for some type it is not every row that the caller reaches. */
export function hasRowRules(caller: Caller): boolean {
  for (const grant of caller.grants) if (!isPlain(caller, grant)) return true;
  return false;
}

/** A person who is a patient reaches no other one's records, whatever a role says. */
function isPlain({ kind }: Caller, { context, constraints, isOwn }: Grant): boolean {
  return kind !== 'patient' && context !== 'patient' && constraints === undefined && isOwn === undefined;
}

/** All must be met; undefined for a grant that reaches nothing, as without the context that it needs (security.md 26). */
function conditionsOf(
  { kind, patient, fhirUser }: Caller,
  { context, constraints = [], isOwn }: Grant,
  permission: Permission,
  type: string,
): RowCondition[] | undefined {
  const conditions: RowCondition[] = constraints.map((query) => ({ kind: 'constraint', query }));
  if (context === 'patient') {
    const reach = patient === undefined ? undefined : conditionsOfPatient(patient, permission, type);
    if (!reach) return undefined;
    conditions.push(...reach);
  }
  if (!isOwn && (kind !== 'patient' || reachOfPatient(type) === 'any')) return conditions;
  const own = fhirUser === undefined ? undefined : conditionsOfOwn(fhirUser, permission, type);
  if (!own) return undefined;
  const released = isPatient(kind, fhirUser) ? releaseOf(type) : [];
  const further = [...own, ...released.map((query) => ({ kind: 'constraint', query }) as const)];
  for (const one of further) if (!conditions.some((known) => isSame(known, one))) conditions.push(one);
  return conditions;
}

/** Also a client that stands for a patient. */
function isPatient(kind: Caller['kind'], fhirUser: string | undefined): boolean {
  return kind === 'patient' || fhirUser?.startsWith('Patient/') === true;
}

const readingLetters: ReadonlySet<Permission> = new Set(['r', 's']);

function conditionsOfPatient(id: string, permission: Permission, type: string): RowCondition[] | undefined {
  // By an index nobody can tell whose a Binary is.
  if (type === 'Binary') return permission === 's' ? undefined : [{ kind: 'context', isOfPatient: permission !== 'r' }];
  const reach = reachOfPatient(type);
  if (reach === 'any') return readingLetters.has(permission) ? [] : undefined;
  return reach && [{ kind: 'patient', id }];
}

function conditionsOfOwn(fhirUser: string, permission: Permission, type: string): RowCondition[] | undefined {
  const id = /^Patient\/(?<id>.+)$/.exec(fhirUser)?.groups?.id;
  if (id === undefined) {
    const parameters = ownParametersOf(type, fhirUser);
    return parameters && [{ kind: 'own', reference: fhirUser, parameters }];
  }
  const conditions = conditionsOfPatient(id, permission, type);
  // What any patient may read is nobody's own.
  return conditions?.length === 0 ? undefined : conditions;
}

function isSame(one: RowCondition, other: RowCondition): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
