// Writes the rows of all changes of a transaction with a fixed number of statements, however many changes there are.

import type { Resource } from '@medplum/fhirtypes';
import { sealFrames } from '../crypto/frames.ts';
import { newId } from '../fhir/ids.ts';
import { parseJson, serializeJson } from '../fhir/json.ts';
import type { IndexEntry } from '../search/index-entry.ts';
import { requireContext, type StoredBody, storeBinary } from './binary-store.ts';
import type { Change, WriteResult } from './change.ts';
import { deleteIndexRows, insertIndexRows, insertRanges, sameIndexRows } from './index-rows.ts';
import { forgetAhead } from './lock-rows.ts';
import { insertResources, keepHistory, type ResourceRow, updateResources } from './resource-rows.ts';
import type { Session } from './session.ts';
import { bodyContext } from './stored-version.ts';
import { takeTurn } from './turn.ts';

export interface StoredChange {
  readonly change: Change;
  readonly entries: readonly IndexEntry[];
  readonly result: WriteResult;
}

/** Larger bodies would make every scan of the table slower; they and the content of all Binary go to the object store. */
const contentBytesMax = 1_000_000;

export async function storeChanges(session: Session, changes: readonly Change[]): Promise<StoredChange[]> {
  const rows: ResourceRow[] = [];
  const stored: StoredChange[] = [];
  const turn = takeTurn();
  for (const change of changes) {
    if (turn.isOver()) await turn.next();
    const entries = change.resource ? session.extract(change.resource, change.exactNumbers) : [];
    if (change.type === 'Binary') await requireContext(session, change);
    const body = await storeBody(session, change);
    rows.push(resourceRow(session, change, entries, body));
    stored.push({ change, entries, result: resultOf(session, change, body?.json) });
  }
  forgetAhead(session, changes);
  const replacing = rows.filter((_, index) => changes[index]?.old);
  const added = rows.filter((_, index) => !changes[index]?.old);
  if (replacing.length > 0) {
    keepHistory(session.trx, replacing);
    updateResources(session.trx, session.at, replacing);
  }
  if (added.length > 0) insertResources(session.trx, session.at, added);
  storeIndexRows(session, stored);
  return stored;
}

/** Index rows of an update are rewritten only when they differ. */
function storeIndexRows(session: Session, stored: readonly StoredChange[]): void {
  const stale: Change[] = [];
  const fresh: StoredChange[] = [];
  for (const item of stored) {
    const old = item.change.oldResource;
    // A deletion leaves nothing, also of what a search parameter that is gone has stored.
    if (old && item.change.resource && sameIndexRows(oldEntries(session, item.change, old), item.entries)) continue;
    if (old) stale.push(item.change);
    fresh.push(item);
  }
  deleteIndexRows(session.trx, stale);
  insertIndexRows(session.trx, fresh);
  insertRanges(session, fresh);
}

/** The texts of its numbers are read again only where an index holds numbers. */
function oldEntries({ extract }: Session, { old }: Change, oldResource: Resource): IndexEntry[] {
  const entries = extract(oldResource);
  if (!old?.body || !entries.some(({ kind }) => kind === 'range')) return entries;
  const { exactNumbers } = parseJson(old.body.toString());
  return exactNumbers ? extract(oldResource, exactNumbers) : entries;
}

/** Undefined for a deletion. */
async function storeBody(session: Session, change: Change): Promise<StoredBody | undefined> {
  const { type, id, versionId, resource } = change;
  if (!resource) return undefined;
  if (type === 'Binary') return await storeBinary(session, change);
  const json = serializeJson(resource, change.exactNumbers);
  const body = Buffer.from(json);
  const context = bodyContext(type, id, versionId);
  if (body.length <= contentBytesMax) return { json, content: session.cipher.seal(body, context), objectId: null };
  const objectId = newId(session.at.getTime());
  await session.repository.objectStore.put(objectId, sealFrames(session.cipher, [body], context));
  return { json, content: null, objectId };
}

function resourceRow(
  session: Session,
  { type, id, versionId }: Change,
  entries: readonly IndexEntry[],
  body: StoredBody | undefined,
): ResourceRow {
  const { content = null, objectId = null } = body ?? {};
  const [tokens, countClass] = [tokensOf(session, entries), countClassOf(session, entries)];
  return { type, id, versionId, deleted: !body, content, objectId, tokens, countClass };
}

/** PostgreSQL's text of the keyed tokens. */
export function tokensOf({ cipher }: Pick<Session, 'cipher'>, entries: readonly IndexEntry[]): string {
  return `{${storedTokens(cipher, entries).join(',')}}`;
}

/** PostgreSQL's text of the keyed class, null where there is none: a resource is in one, under the index key that searches ask by. */
export function countClassOf(
  { cipher }: { cipher: Pick<Session['cipher'], 'tokenOf'> },
  entries: readonly IndexEntry[],
): string | null {
  const entry = entries.find(({ kind }) => kind === 'class');
  return entry?.kind === 'class' ? cipher.tokenOf(entry.text).toString() : null;
}

/** While the index key is rotated those under both keys. */
export function storedTokens({ tokenOf, alsoTokenOf }: Session['cipher'], entries: readonly IndexEntry[]): bigint[] {
  const tokens: bigint[] = [];
  for (const entry of entries) {
    if (entry.kind !== 'token') continue;
    tokens.push(tokenOf(entry.text));
    if (alsoTokenOf) tokens.push(alsoTokenOf(entry.text));
  }
  return tokens;
}

function resultOf(session: Session, change: Change, json: string | undefined): WriteResult {
  const { action, type, id, versionId } = change;
  return { action, type, id, versionId, lastUpdated: session.at, json, changed: true };
}
