// First step of a write: what is stored now decides whether an intent creates, updates, deletes or does nothing.

import type { Resource } from '@medplum/fhirtypes';
import { requirePermission } from '../access/may.ts';
import { newId, requireId } from '../fhir/ids.ts';
import { parseJson } from '../fhir/json.ts';
import { FhirError, fhirError, gone, notFound } from '../fhir/outcome.ts';
import type { Change, ExactNumbers, WriteIntent, WriteResult } from './change.ts';
import type { Session } from './session.ts';
import { openVersion, parseBody, type StoredVersion, type VersionRow, versionColumns } from './stored-version.ts';

export interface Plan {
  /** One per intent that changes something, in the order of the intents. */
  readonly changes: Change[];
  /** Results of intents that change nothing, by index: deletes of what is not there. */
  readonly unchanged: ReadonlyMap<number, WriteResult>;
}

export async function planChanges(session: Session, intents: readonly WriteIntent[]): Promise<Plan> {
  requireDistinct(intents);
  const stored = await lockStored(session, intents);
  const changes: Change[] = [];
  const unchanged = new Map<number, WriteResult>();
  for (const [index, intent] of intents.entries()) {
    const change = ofWrite(index, () => planChange(session, index, intent, stored));
    if (change) changes.push(change);
    else if (intent.action === 'delete') {
      unchanged.set(index, nothingDeleted(session, intent, stored.get(keyOf(intent.type, intent.id))));
    }
  }
  return { changes, unchanged };
}

/** Undefined when there is nothing to do: a delete of what is not there. */
function planChange(session: Session, index: number, intent: WriteIntent, stored: StoredByKey): Change | undefined {
  if (intent.action === 'create') {
    const id = intent.id ?? newId(session.at.getTime());
    return newVersion(
      session,
      { index, action: 'create', id, versionId: 1, old: undefined, oldResource: undefined },
      intent,
    );
  }
  if (intent.action === 'update') return planUpdate(session, index, intent, stored);
  if (intent.action === 'patch') return planPatch(session, index, intent, stored);
  return planDelete(index, intent, stored);
}

/** Says which write an error is about. */
export function ofWrite<T>(index: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof FhirError ? error.ofWrite(index) : error;
  }
}

type StoredByKey = ReadonlyMap<string, StoredVersion>;

/** The type an intent is about. */
export function typeOf(intent: WriteIntent): string {
  return 'resource' in intent ? intent.resource.resourceType : intent.type;
}

const keyOf = (type: string, id: string) => `${type}/${id}`;

/** Reads and locks the current versions of all that is updated or deleted, in key order so that writers cannot deadlock. */
async function lockStored(session: Session, intents: readonly WriteIntent[]): Promise<Map<string, StoredVersion>> {
  const targets = intents.flatMap((intent) => {
    if (intent.action === 'create') return [];
    const type = typeOf(intent);
    requireId(intent.id, `${type}.id`);
    return [{ type, id: intent.id }];
  });
  if (targets.length === 0) return new Map();
  const rows = await session.trx.query<VersionRow>(lockStatement(targets));
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  const versions = await Promise.all(rows.map((row) => openVersion(reader, row)));
  return new Map(versions.map((version) => [keyOf(version.type, version.id), version]));
}

function lockStatement(targets: readonly { type: string; id: string }[]) {
  const [only] = targets;
  if (only && targets.length === 1) {
    return {
      name: 'lock-one',
      text: `SELECT ${versionColumns} FROM resource WHERE type = $1 AND id = $2 FOR UPDATE`,
      values: [only.type, only.id],
    };
  }
  return {
    name: 'lock-many',
    text: `SELECT ${versionColumns} FROM resource WHERE (type, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
           ORDER BY type, id FOR UPDATE`,
    values: [targets.map((target) => target.type), targets.map((target) => target.id)],
  };
}

function planUpdate(
  session: Session,
  index: number,
  intent: WriteIntent & { action: 'update' },
  stored: StoredByKey,
): Change {
  const type = intent.resource.resourceType;
  const old = stored.get(keyOf(type, intent.id));
  requireVersion(type, intent, old);
  // A new id is a create and needs the right to create: security.md 35.
  if (!old) requirePermission(session.caller, 'c', type);
  const versionId = (old?.versionId ?? 0) + 1;
  const oldResource = old && parseBody(old);
  return newVersion(
    session,
    { index, action: old ? 'update' : 'create', id: intent.id, versionId, old, oldResource },
    intent,
  );
}

/** There must be something to patch: https://hl7.org/fhir/R4/http.html#patch */
function planPatch(
  session: Session,
  index: number,
  intent: WriteIntent & { action: 'patch' },
  stored: StoredByKey,
): Change {
  const { type, id } = intent;
  const old = stored.get(keyOf(type, id));
  if (!old) throw notFound(type, id);
  if (!old.body) throw gone(type, id);
  requireVersion(type, intent, old);
  const { value, exactNumbers } = parseJson(old.body.toString());
  const content = intent.apply({ resource: value as Resource, ...(exactNumbers ? { exactNumbers } : {}) });
  const version = {
    index,
    action: 'update',
    id,
    versionId: old.versionId + 1,
    old,
    oldResource: parseBody(old),
  } as const;
  return newVersion(session, version, content);
}

function planDelete(
  index: number,
  intent: WriteIntent & { action: 'delete' },
  stored: StoredByKey,
): Change | undefined {
  const { action, type, id } = intent;
  const old = stored.get(keyOf(type, id));
  requireVersion(type, intent, old);
  if (!old?.body) return undefined;
  const versionId = old.versionId + 1;
  const oldResource = parseBody(old);
  return { index, action, type, id, versionId, old, oldResource, resource: undefined, exactNumbers: undefined };
}

/** 412 when another version is current than the caller believes: https://hl7.org/fhir/R4/http.html#concurrency */
function requireVersion(
  type: string,
  intent: { id: string; ifMatchVersionId?: number },
  old: StoredVersion | undefined,
): void {
  if (intent.ifMatchVersionId === undefined || intent.ifMatchVersionId === old?.versionId) return;
  throw fhirError(
    'conflict',
    `${type}/${intent.id} is not at version ${intent.ifMatchVersionId} any more; read it and try again.`,
    {
      status: 412,
    },
  );
}

/** The server owns id, versionId and lastUpdated; whatever a client sends there is replaced. */
function newVersion(
  session: Session,
  version: Pick<Change, 'index' | 'action' | 'id' | 'versionId' | 'old' | 'oldResource'>,
  intent: { readonly resource: Resource; readonly exactNumbers?: ExactNumbers },
): Change {
  const { resourceType, id: _id, meta, ...rest } = intent.resource as Resource & { meta?: object };
  // A meta that is no object stays what it is, for the validator to refuse.
  const isMeta = meta === undefined || (typeof meta === 'object' && meta !== null && !Array.isArray(meta));
  const own = { versionId: String(version.versionId), lastUpdated: session.at.toISOString() };
  const owned = isMeta ? { ...meta, ...own } : meta;
  const resource = { resourceType, id: version.id, meta: owned, ...rest } as Resource;
  return { ...version, type: resourceType, resource, exactNumbers: intent.exactNumbers };
}

function nothingDeleted(
  session: Session,
  intent: WriteIntent & { action: 'delete' },
  old: StoredVersion | undefined,
): WriteResult {
  return {
    action: 'delete',
    type: intent.type,
    id: intent.id,
    versionId: old?.versionId ?? 0,
    lastUpdated: old?.lastUpdated ?? session.at,
    json: undefined,
    changed: false,
  };
}

/** One resource cannot be written twice at once: https://hl7.org/fhir/R4/http.html#trules */
function requireDistinct(intents: readonly WriteIntent[]): void {
  const seen = new Set<string>();
  for (const [writeIndex, intent] of intents.entries()) {
    if (intent.id === undefined) continue;
    const key = keyOf(typeOf(intent), intent.id);
    if (seen.has(key)) throw fhirError('invalid', `${key} is written twice in one transaction.`, { writeIndex });
    seen.add(key);
  }
}
