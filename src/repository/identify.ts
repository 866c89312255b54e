// First step of a write: which resource each intent is about, by its id or by criteria, and what is stored there now.

import { fhirError } from '../fhir/outcome.ts';
import { criteriaOf, typeOf, type WriteIntent, type WriteResult } from './change.ts';
import { lockRows } from './lock-rows.ts';
import { OpenedBytes } from './opened-bytes.ts';
import { ofWrite } from './plan-changes.ts';
import { resolveConditions } from './resolve-conditions.ts';
import type { Session } from './session.ts';
import { openVersion, openWithoutData, type StoredVersion } from './stored-version.ts';
import { keyOf, type Target, targetOf } from './target.ts';

export interface Resolution {
  /** In the order of the intents; a delete by criteria has one for each resource it deletes. */
  readonly targets: readonly Target[];
  /** Results of intents that nothing is to be done for, by index. */
  readonly answered: ReadonlyMap<number, WriteResult>;
}

export interface Identified extends Resolution {
  /** The current versions, locked, by `Type/id`. */
  readonly stored: ReadonlyMap<string, StoredVersion>;
}

const attemptsMax = 5;

/** What a search found is looked at again once it is locked, and searched again if somebody was faster. */
export async function identify(session: Session, intents: readonly WriteIntent[]): Promise<Identified> {
  const isConditional = intents.some(criteriaOf);
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const resolution = isConditional ? await resolveConditions(session, intents) : ofIds(session, intents);
    requireDistinct(resolution);
    const stored = await lockStored(session, resolution.targets);
    if (!isConditional || resolution.targets.every((target) => isAsFound(target, stored))) {
      return { ...resolution, stored };
    }
  }
  throw fhirError('conflict', 'Other requests changed what meets the criteria again and again; try again.');
}

function ofIds(session: Session, intents: readonly WriteIntent[]): Resolution {
  const targets = intents.map((intent, index) => ofWrite(index, () => targetOf(session, index, intent)));
  return { targets, answered: new Map() };
}

/** One resource cannot be written twice at once: https://hl7.org/fhir/R4/http.html#trules */
function requireDistinct({ targets, answered }: Resolution): void {
  const seen = new Map<string, number>();
  const add = (type: string, id: string, index: number) => {
    const key = keyOf(type, id);
    const before = seen.get(key);
    seen.set(key, index);
    if (before === undefined) return;
    throw fhirError('invalid', `${key} is written twice in one transaction.`, { writeIndex: Math.max(before, index) });
  };
  for (const { intent, id, index } of targets) add(typeOf(intent), id, index);
  for (const [index, { type, id }] of answered) if (id !== '') add(type, id, index);
}

function isAsFound({ intent, id, foundVersionId }: Target, stored: Identified['stored']): boolean {
  return foundVersionId === undefined || stored.get(keyOf(typeOf(intent), id))?.versionId === foundVersionId;
}

/** Reads and locks the current versions of all that is updated or deleted. */
async function lockStored(session: Session, targets: readonly Target[]): Promise<Map<string, StoredVersion>> {
  const keys = targets.flatMap(({ intent, id, isNew }) => (isNew ? [] : [{ type: typeOf(intent), id }]));
  if (keys.length === 0) return new Map();
  const rows = await lockRows(session, keys);
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  // A content is needed only by whoever patches it.
  const patched = new Set(targets.flatMap(({ intent, id }) => (intent.action === 'patch' ? [id] : [])));
  const stored = new Map<string, StoredVersion>();
  const indexes = new Map(targets.map(({ intent, id, index }) => [keyOf(typeOf(intent), id), index]));
  const opened = new OpenedBytes();
  // One after the other: each may be as large as a body can be.
  for (const row of rows) {
    const version = await (patched.has(row.id) ? openVersion(reader, row) : openWithoutData(reader, row));
    const key = keyOf(row.type, row.id);
    ofWrite(indexes.get(key) ?? 0, () => opened.add(version.body?.length ?? 0));
    stored.set(key, version);
  }
  return stored;
}
