// Indexes some resources again, as they are: no new version, no other time, no AuditEvent.

import type { Resource } from '@medplum/fhirtypes';
import { parseJson } from '../../fhir/json.ts';
import type { IndexEntry } from '../../search/index-entry.ts';
import { deleteIndexRows, insertIndexRows, insertRanges } from '../index-rows.ts';
import type { Session } from '../session.ts';
import { tokensOf } from '../store-changes.ts';
import { openWithoutData, type VersionRow, versionColumns } from '../stored-version.ts';
import { takeTurn } from '../turn.ts';
import { withOtherRows } from './changed-rows.ts';
import { enterDefinition } from './enter-definitions.ts';
import { markProgress, type Place, type RunRow } from './run-rows.ts';

const rowsMax = 100;

type IndexedRow = VersionRow & { readonly tokens: string };

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
  const { rows, place, isLast } = await readChunk(session, run);
  await indexRows(session, rows);
  markProgress(trx, run.id, place, rows.filter(({ deleted }) => !deleted).length);
  return isLast;
}

interface Chunk {
  readonly rows: readonly IndexedRow[];
  readonly place: Place;
  readonly isLast: boolean;
}

async function readChunk({ trx }: Session, { types, at_type: atType, at_id: atId }: RunRow): Promise<Chunk> {
  const rows: IndexedRow[] = [];
  let place: Place = { type: atType ?? (types[0] as string), id: atId ?? '' };
  for (;;) {
    const wanted = rowsMax - rows.length;
    const found = await trx.query<IndexedRow>({
      name: 'reindex-rows',
      text: `SELECT ${versionColumns}, tokens::text AS tokens FROM resource WHERE type = $1 AND id > $2
             ORDER BY id LIMIT $3 FOR UPDATE`,
      values: [place.type, place.id, wanted],
    });
    rows.push(...found);
    place = { ...place, id: found.at(-1)?.id ?? place.id };
    if (found.length === wanted) return { rows, place, isLast: false };
    const next = types[types.indexOf(place.type) + 1];
    if (next === undefined) return { rows, place, isLast: true };
    place = { type: next, id: '' };
  }
}

async function indexRows(session: Session, rows: readonly IndexedRow[]): Promise<void> {
  const indexed: { readonly change: IndexedRow; readonly entries: readonly IndexEntry[]; readonly tokens: string }[] =
    [];
  const turn = takeTurn();
  // One after the other: each may be as large as a body can be.
  for (const row of rows) {
    const entries = await entriesOf(session, row);
    indexed.push({ change: row, entries, tokens: tokensOf(session, entries) });
    if (turn.isOver()) await turn.next();
  }
  const other = indexed.filter(({ change, tokens }) => !hasSame(change.tokens, tokens));
  if (other.length > 0) {
    session.trx.execute({
      name: 'reindex-tokens',
      text: `UPDATE resource SET tokens = row.tokens::bigint[]
             FROM unnest($1::text[], $2::text[], $3::text[]) AS row (type, id, tokens)
             WHERE resource.type = row.type AND resource.id = row.id`,
      values: [
        other.map(({ change }) => change.type),
        other.map(({ change }) => change.id),
        other.map((one) => one.tokens),
      ],
    });
  }
  const changed = await withOtherRows(session, indexed);
  deleteIndexRows(
    session.trx,
    changed.map(({ change }) => change),
  );
  insertIndexRows(session.trx, changed);
  insertRanges(session, changed);
}

/** None of a deletion. */
async function entriesOf(session: Session, row: IndexedRow): Promise<IndexEntry[]> {
  const { cipher, repository, extract } = session;
  const { body } = await openWithoutData({ cipher, objectStore: repository.objectStore }, row);
  if (!body) return [];
  const { value, exactNumbers } = parseJson(body.toString());
  const resource = value as Resource;
  await enterDefinition(session, row.id, resource);
  return extract(resource, exactNumbers);
}

/** Of two PostgreSQL texts of bigint[], in whatever order. */
function hasSame(one: string, other: string): boolean {
  const sorted = (text: string) => text.slice(1, -1).split(',').sort().join();
  return one.length === other.length && sorted(one) === sorted(other);
}
