// What is stored now decides whether an intent creates, updates, deletes or does nothing.

import type { Resource } from '@medplum/fhirtypes';
import { requirePermission } from '../access/may.ts';
import { parseJson } from '../fhir/json.ts';
import { FhirError, fhirError, gone, notFound } from '../fhir/outcome.ts';
import {
  type Change,
  type ExactNumbers,
  type Preconditions,
  typeOf,
  type WriteIntent,
  type WriteResult,
} from './change.ts';
import type { Identified } from './identify.ts';
import { keepLabels } from './keep-labels.ts';
import type { Session } from './session.ts';
import { parseBody, type StoredVersion } from './stored-version.ts';
import { keyOf, type Target } from './target.ts';
import { passesTest } from './version-test.ts';

export interface Plan {
  /** One for each resource that changes, in the order of the intents. */
  readonly changes: Change[];
  /** Results of intents that change nothing, by index: deletes of what is not there, creates of what is. */
  readonly unchanged: ReadonlyMap<number, WriteResult>;
}

export function planChanges(session: Session, { targets, answered, stored }: Identified, byServer: boolean): Plan {
  const changes: Change[] = [];
  const unchanged = new Map(answered);
  for (const target of targets) {
    const { index, intent, id } = target;
    const old = stored.get(keyOf(typeOf(intent), id));
    const change = ofWrite(index, () => planChange(session, target, old));
    if (change) changes.push({ ...change, byServer, told: [] });
    else unchanged.set(index, nothingDeleted(session, typeOf(intent), id, old));
  }
  return { changes, unchanged };
}

type PlannedChange = Omit<Change, 'byServer' | 'told'>;

/** Undefined when there is nothing to do: a delete of what is not there. */
function planChange(session: Session, target: Target, old: StoredVersion | undefined): PlannedChange | undefined {
  const { index, intent, id } = target;
  if (intent.action === 'create') {
    return newVersion(session, { index, action: 'create', id, versionId: 1, old, oldResource: undefined }, intent);
  }
  if (intent.action === 'patch') return planPatch(session, target as TargetOf<'patch'>, old);
  requirePreconditions(typeOf(intent), id, intent, old);
  if (intent.action === 'update') return planUpdate(session, target as TargetOf<'update'>, old);
  return planDelete(target as TargetOf<'delete'>, old);
}

/** Says which write an error is about. */
export function ofWrite<T>(index: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof FhirError ? error.ofWrite(index) : error;
  }
}

type TargetOf<Action> = Target<WriteIntent & { readonly action: Action }>;

function planUpdate(session: Session, target: TargetOf<'update'>, old: StoredVersion | undefined): PlannedChange {
  const { index, intent, id } = target;
  const { resourceType } = intent.resource;
  if (target.mustBeFree && old?.body) throw idTaken(resourceType);
  // A new id is a create and needs the right to create: security.md 35.
  if (!old) requirePermission(session.caller, 'c', resourceType);
  const versionId = (old?.versionId ?? 0) + 1;
  const oldResource = old && parseBody(old);
  const content = { ...intent, resource: keepLabels(oldResource, intent.resource) };
  return newVersion(session, { index, action: old ? 'update' : 'create', id, versionId, old, oldResource }, content);
}

/** R4 leaves open what a conditional update that found nothing does where its body's id is in use; R5 says this. */
function idTaken(type: string): Error {
  return fhirError('conflict', `No ${type} meets the criteria, and the id in the body is that of another one.`, {
    expression: `${type}.id`,
  });
}

/** There must be something to patch: https://hl7.org/fhir/R4/http.html#patch */
function planPatch(session: Session, target: TargetOf<'patch'>, old: StoredVersion | undefined): PlannedChange {
  const { index, intent, id } = target;
  if (!old) throw notFound(intent.type, id);
  if (!old.body) throw gone(intent.type, id);
  requirePreconditions(intent.type, id, intent, old);
  const { value, exactNumbers } = parseJson(old.body.toString());
  const patched = intent.apply({ resource: value as Resource, ...(exactNumbers ? { exactNumbers } : {}) });
  const versionId = old.versionId + 1;
  const oldResource = parseBody(old);
  const content = intent.removesLabels ? patched : { ...patched, resource: keepLabels(oldResource, patched.resource) };
  return newVersion(session, { index, action: 'update', id, versionId, old, oldResource }, content);
}

function planDelete(
  { index, intent, id }: TargetOf<'delete'>,
  old: StoredVersion | undefined,
): PlannedChange | undefined {
  if (!old?.body) return undefined;
  const { action, type } = intent;
  const versionId = old.versionId + 1;
  const oldResource = parseBody(old);
  return { index, action, type, id, versionId, old, oldResource, resource: undefined, exactNumbers: undefined };
}

/** 412 when another version is current than the caller believes: https://hl7.org/fhir/R4/http.html#concurrency */
function requirePreconditions(
  type: string,
  id: string,
  { ifMatchVersionId, ifNoneMatchVersionId }: Preconditions,
  old: StoredVersion | undefined,
): void {
  if (ifMatchVersionId !== undefined && !passesTest(ifMatchVersionId, old)) {
    throw refused(`${type}/${id} is not at the version that If-Match names; read it and try again.`);
  }
  if (ifNoneMatchVersionId !== undefined && passesTest(ifNoneMatchVersionId, old)) {
    throw refused(`${type}/${id} is there already, at a version that If-None-Match excludes.`);
  }
}

function refused(diagnostics: string): Error {
  return fhirError('conflict', diagnostics, { status: 412 });
}

/** The server owns id, versionId and lastUpdated; whatever a client sends there is replaced. */
function newVersion(
  session: Session,
  version: Pick<Change, 'index' | 'action' | 'id' | 'versionId' | 'old' | 'oldResource'>,
  intent: { readonly resource: Resource; readonly exactNumbers?: ExactNumbers },
): PlannedChange {
  const { resourceType, id: _id, meta, ...rest } = intent.resource as Resource & { meta?: object };
  // A meta that is no object stays what it is, for the validator to refuse.
  const isMeta = meta === undefined || (typeof meta === 'object' && meta !== null && !Array.isArray(meta));
  const own = { versionId: String(version.versionId), lastUpdated: session.at.toISOString() };
  const owned = isMeta ? { ...meta, ...own } : meta;
  const resource = { resourceType, id: version.id, meta: owned, ...rest } as Resource;
  return { ...version, type: resourceType, resource, exactNumbers: intent.exactNumbers };
}

function nothingDeleted(session: Session, type: string, id: string, old: StoredVersion | undefined): WriteResult {
  return {
    action: 'delete',
    type,
    id,
    versionId: old?.versionId ?? 0,
    lastUpdated: old?.lastUpdated ?? session.at,
    json: undefined,
    changed: false,
  };
}
