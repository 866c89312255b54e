// Indexes some resources again, as they are: no new version, no other time, no AuditEvent.

import { parseJson } from '../../fhir/json.ts';
import type { IndexEntry } from '../../search/index-entry.ts';
import { auditEventType } from '../audit-rows.ts';
import type { Content } from '../change.ts';
import { deleteIndexRows, insertIndexRows, insertRanges } from '../index-rows.ts';
import type { StoredResource } from '../module.ts';
import type { Session } from '../session.ts';
import { countClassOf, tokensOf } from '../store-changes.ts';
import { openWithoutData, type VersionRow, versionColumns } from '../stored-version.ts';
import { takeBackgroundTurn } from '../turn.ts';
import { tokenAuditEvents } from './audit-chunk.ts';
import { hasSameTokens, withOtherRows } from './changed-rows.ts';
import { enterDefinition } from './enter-definitions.ts';
import { firstColumn, isInColumns, resealColumns } from './reseal-columns.ts';
import { resealRows } from './reseal-rows.ts';
import { markProgress, type Place, type RunRow } from './run-rows.ts';
import { unlessDamaged } from './unless-damaged.ts';

const rowsMax = 100;

type IndexedRow = VersionRow & { readonly tokens: string; readonly count_class: string | null };

/** True when there are no more. Their rows are locked meanwhile, so that nobody's write is lost. */
export async function indexChunk(session: Session, run: RunRow): Promise<boolean> {
  const { trx } = session;
  // Rather another time than that writers wait for these rows.
  trx.execute({ text: "SELECT pg_catalog.set_config('lock_timeout', '300', true)" });
  trx.execute({
    name: 'require-definitions',
    text: 'SELECT tenant.require_definitions($1)',
    values: [session.definitionsVersion],
  });
  if (run.at_type === auditEventType) return await tokenChunk(session, run);
  if (isInColumns(run)) return await columnChunk(session, run);
  const { rows, place, isLast } = await readChunk(session, run);
  const opened = await indexRows(session, rows);
  if (run.data_key !== null) await resealRows(session, opened);
  const column = isLast && run.data_key !== null ? firstColumn(session) : undefined;
  markProgress(trx, run.id, column ?? place, opened.length);
  return isLast && !column;
}

/** They are no resources, so none is counted. */
async function columnChunk(session: Session, run: RunRow): Promise<boolean> {
  const next = await resealColumns(session, run);
  if (next) markProgress(session.trx, run.id, next, 0);
  return !next;
}

interface Chunk {
  readonly rows: readonly IndexedRow[];
  readonly place: Place;
  readonly isLast: boolean;
}

async function tokenChunk(session: Session, { id, types, at_id: atId }: RunRow): Promise<boolean> {
  const { lastId, count, isLast } = await tokenAuditEvents(session, atId ?? '');
  const next = isLast ? typeAfter(types, auditEventType) : undefined;
  markProgress(
    session.trx,
    id,
    next === undefined ? { type: auditEventType, id: lastId } : { type: next, id: '' },
    count,
  );
  return isLast && next === undefined;
}

function typeAfter(types: readonly string[], type: string): string | undefined {
  return types[types.indexOf(type) + 1];
}

/** Copying an object takes as long as it is large: no more than one of them in a transaction. */
function oneObject({ rows, place, isLast }: Chunk): Chunk {
  const first = rows.findIndex(({ object_id: objectId }) => objectId !== null);
  const last = rows[first];
  if (!last || first === rows.length - 1) return { rows, place, isLast };
  return { rows: rows.slice(0, first + 1), place: { type: last.type, id: last.id }, isLast: false };
}

async function readChunk(session: Session, run: RunRow): Promise<Chunk> {
  const chunk = await readRows(session, run);
  return run.data_key === null ? chunk : oneObject(chunk);
}

async function readRows({ trx }: Session, { types, at_type: atType, at_id: atId }: RunRow): Promise<Chunk> {
  const rows: IndexedRow[] = [];
  let place: Place = { type: atType ?? (types[0] as string), id: atId ?? '' };
  for (;;) {
    const wanted = rowsMax - rows.length;
    const found = await trx.query<IndexedRow>({
      name: 'reindex-rows',
      text: `SELECT ${versionColumns}, tokens::text AS tokens, count_class FROM resource WHERE type = $1 AND id > $2
             ORDER BY id LIMIT $3 FOR UPDATE`,
      values: [place.type, place.id, wanted],
    });
    rows.push(...found);
    place = { ...place, id: found.at(-1)?.id ?? place.id };
    if (found.length === wanted) return { rows, place, isLast: false };
    const next = typeAfter(types, place.type);
    if (next === undefined) return { rows, place, isLast: true };
    place = { type: next, id: '' };
    if (next === auditEventType) return { rows, place, isLast: false };
  }
}

interface IndexedAgain {
  readonly change: IndexedRow;
  readonly entries: readonly IndexEntry[];
  readonly tokens: string;
  readonly countClass: string | null;
}

/** Gives those of resources that are there and open. */
async function indexRows(session: Session, rows: readonly IndexedRow[]): Promise<IndexedRow[]> {
  const indexed: IndexedAgain[] = [];
  const other: IndexedAgain[] = [];
  const turn = takeBackgroundTurn();
  // One after the other: each may be as large as a body can be.
  for (const row of rows) {
    const resource = row.deleted ? undefined : await unlessDamaged(session, () => resourceOf(session, row));
    if (!row.deleted && !resource) continue;
    const entries = resource ? session.extract(resource.resource, resource.exactNumbers) : [];
    const one = {
      change: row,
      entries,
      tokens: tokensOf(session, entries),
      countClass: countClassOf(session, entries),
    };
    indexed.push(one);
    if (row.count_class !== one.countClass || !hasSameTokens(row.tokens, one.tokens)) other.push(one);
    if (resource) await restoreRows(session, resource.resource);
    if (turn.isOver()) await turn.next();
  }
  if (other.length > 0) {
    session.trx.execute({
      name: 'reindex-tokens',
      text: `UPDATE resource SET tokens = row.tokens::bigint[], count_class = row.count_class
             FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS row (type, id, tokens, count_class)
             WHERE resource.type = row.type AND resource.id = row.id`,
      values: [
        other.map(({ change }) => change.type),
        other.map(({ change }) => change.id),
        other.map((one) => one.tokens),
        other.map((one) => one.countClass),
      ],
    });
  }
  const changed = await withOtherRows(session, indexed, turn);
  deleteIndexRows(
    session.trx,
    changed.map(({ change }) => change),
  );
  insertIndexRows(session.trx, changed);
  insertRanges(session, changed);
  return indexed.flatMap(({ change }) => (change.deleted ? [] : change));
}

async function restoreRows(session: Session, resource: StoredResource): Promise<void> {
  for (const { type, run } of session.repository.rules.restores) {
    if (type === resource.resourceType) await run(resource, session);
  }
}

/** Undefined for a deletion. */
async function resourceOf(
  session: Session,
  row: IndexedRow,
): Promise<(Content & { readonly resource: StoredResource }) | undefined> {
  const { cipher, repository } = session;
  const { body } = await openWithoutData({ cipher, objectStore: repository.objectStore }, row);
  if (!body) return undefined;
  const { value, exactNumbers } = parseJson(body.toString());
  const resource = value as StoredResource;
  await enterDefinition(session, row.id, resource);
  return { resource, ...(exactNumbers && { exactNumbers }) };
}
