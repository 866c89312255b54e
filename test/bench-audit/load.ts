// Loads a year of AuditEvents into the partitions of its months: rows and tokens as the server makes them.

import type { AuditEvent } from '@medplum/fhirtypes';
import type pg from 'pg';
import { buildAccessAudit } from '../../src/access/access-audit.ts';
import type { TenantCipher } from '../../src/crypto/tenant-cipher.ts';
import { newId } from '../../src/fhir/ids.ts';
import { groupedTokens } from '../../src/repository/audit-tokens.ts';
import { bodyContext } from '../../src/repository/stored-version.ts';
import { createExtractor } from '../../src/search/extract.ts';
import { houseDefinitions } from '../../src/search/own/house-definitions.ts';
import { groupAll, withoutSubjects } from '../bench/audit-groups.ts';
import { copyRows } from '../bench-clinic/copy.ts';
import { eventSql, factsOf, isAsked, kinds, months, patientsAmong, plannedEvent, users } from './plan.ts';

export interface AuditLoad {
  /** As superuser. */
  readonly database: pg.Client;
  readonly cipher: TenantCipher;
  readonly tenantId: number;
  readonly events: number;
  readonly report: (line: string) => void;
}

const chunk = 100_000;

/** Gives the first moment of the year that it made. */
export async function loadYear(load: AuditLoad): Promise<Date> {
  const { database, events, report } = load;
  const from = await makeMonths(database);
  const indexes = await dropIndexes(database);
  await makeTokenTables(load);
  const startedAt = performance.now();
  for (let n = 0; n < events; n += chunk) {
    await loadChunk(load, from, n, Math.min(n + chunk, events));
    const rate = ((n + chunk) / (performance.now() - startedAt)) * 1_000;
    report(`${Math.floor(((n + chunk) * 100) / events)} % of ${events.toLocaleString('en')}, ${Math.round(rate)}/s`);
  }
  await database.query('DROP TABLE store.bench_head, store.bench_patient, store.bench_whole');
  report('building the indexes');
  await database.query("SET maintenance_work_mem = '1GB'");
  for (const index of indexes) await database.query(index);
  report('vacuum and checkpoint');
  await database.query('VACUUM ANALYZE store.audit_event');
  await database.query('CHECKPOINT');
  return from;
}

/** The partitions of the eleven months before this one. */
async function makeMonths(database: pg.Client): Promise<Date> {
  const now = new Date();
  const monthOf = (ago: number) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - ago, 1));
  for (let ago = months - 1; ago > 0; ago--) {
    const month = monthOf(ago).toISOString().slice(0, 10);
    const { rows } = await database.query('SELECT to_regclass($1) AS there', [
      `store.audit_event_${month.slice(0, 7).replace('-', '_')}`,
    ]);
    if (rows[0]?.there === null) await database.query("SELECT store.make_partition('audit_event', $1::date)", [month]);
  }
  return monthOf(months - 1);
}

/** Building them once takes less than adding to them row by row. Gives what makes them again. */
async function dropIndexes(database: pg.Client): Promise<string[]> {
  const { rows } = await database.query<{ name: string; text: string }>(
    `SELECT indexrelid::regclass::text AS name, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') AS text
     FROM pg_index WHERE indrelid = 'store.audit_event'::regclass AND NOT indisunique`,
  );
  for (const { name } of rows) await database.query(`DROP INDEX ${name}`);
  return rows.map(({ text }) => text);
}

const extract = createExtractor(houseDefinitions());

/**
 * The tokens of one event are those of who did what, of the patient, and of the resource, which is another one each time. The
 * first are groups, as of all that comes again.
 */
async function makeTokenTables(load: AuditLoad): Promise<void> {
  const { database, tenantId, cipher, events } = load;
  await database.query(`
    CREATE UNLOGGED TABLE store.bench_head (tenant_id integer, "user" integer, kind integer, tokens bigint[]);
    CREATE UNLOGGED TABLE store.bench_patient (tenant_id integer, patient integer, tokens bigint[]);
    CREATE UNLOGGED TABLE store.bench_whole (tenant_id integer, n bigint PRIMARY KEY, id text, content bytea, tokens bigint[])`);
  const heads: [user: number, kind: number, AuditEvent][] = Array.from({ length: users }, (_, user) =>
    kinds.map((kind, place): [number, number, AuditEvent] => [
      user,
      place,
      withoutSubjects(auditOf({ user, patient: 0, kind })),
    ]),
  ).flat();
  for (let start = 0; start < heads.length; start += groupedAtOnce)
    await storeGroups(load, heads.slice(start, start + groupedAtOnce));
  await copyRows(database, tenantId, {
    table: 'bench_head',
    columns: ['"user"', 'kind', 'tokens'],
    rows: heads.map(([user, kind, head]) => [user, kind, groupedTokens({ cipher, extract }, head)]),
  });
  const ofPatients = Array.from({ length: patientsAmong(events) }, (_, patient) => {
    const { entity = [] } = auditOf({ user: 0, patient, kind: 'read' });
    const own = entity
      .filter(({ role }) => role?.code === '1')
      .map(({ what }) => ({ what: { reference: what?.reference } }));
    return [patient, tokenText(cipher, { resourceType: 'AuditEvent', entity: own } as AuditEvent)];
  });
  await copyRows(database, tenantId, { table: 'bench_patient', columns: ['patient', 'tokens'], rows: ofPatients });
  await database.query(
    'CREATE INDEX ON store.bench_head ("user", kind); CREATE INDEX ON store.bench_patient (patient)',
  );
  await database.query('ANALYZE store.bench_head, store.bench_patient');
}

const groupedAtOnce = 100;

const auditOf = (planned: Parameters<typeof factsOf>[0]) => buildAccessAudit(factsOf(planned, newId(0), 0, 'x'));

async function storeGroups(
  { database, tenantId, cipher }: AuditLoad,
  heads: readonly (readonly [number, number, AuditEvent])[],
): Promise<void> {
  const events = heads.map(([, , head]) => head);
  for (const { values = [] } of groupAll({ cipher, extract }, events)) {
    await database.query(
      `INSERT INTO store.audit_token_group (tenant_id, token, tokens)
       SELECT $1, token, tokens::bigint[] FROM unnest($2::bigint[], $3::text[]) AS row (token, tokens)
       ON CONFLICT DO NOTHING`,
      [tenantId, ...values.slice(0, 2)],
    );
  }
}

function tokenText(cipher: TenantCipher, event: AuditEvent): string {
  const tokens = extract(event).flatMap((entry) => (entry.kind === 'token' ? [cipher.tokenOf(entry.text)] : []));
  return `{${[...new Set(tokens)].join(',')}}`;
}

async function loadChunk(load: AuditLoad, from: Date, first: number, end: number): Promise<void> {
  const { database, tenantId, events } = load;
  const stepMs = (Date.now() - 60_000 - from.getTime()) / events;
  await database.query('BEGIN');
  await database.query('SET LOCAL synchronous_commit = off; TRUNCATE store.bench_whole');
  const columns = ['n', 'id', 'content', 'tokens'];
  await copyRows(database, tenantId, {
    table: 'bench_whole',
    columns,
    rows: wholeRows(load, from, stepMs, first, end),
  });
  const { user, patient, kind } = eventSql(patientsAmong(events));
  await database.query(
    `INSERT INTO store.audit_event (tenant_id, id, last_updated, content, tokens)
     SELECT $1, coalesce(whole.id, made.id), made.at, coalesce(whole.content, decode(repeat(md5(made.id), 20), 'hex')),
       coalesce(whole.tokens, head.tokens || patient.tokens
         || ARRAY[hashtextextended(made.id, 1), hashtextextended(made.id, 2), hashtextextended(made.id, 3)])
     FROM (SELECT n, date_trunc('milliseconds', $2::timestamptz + n * $3::float8 * interval '1 millisecond') AS at,
         uuidv7($2::timestamptz + n * $3::float8 * interval '1 millisecond' - clock_timestamp())::text AS id
       FROM generate_series($4::bigint, $5::bigint - 1) AS n) AS made
     JOIN store.bench_head AS head ON head."user" = ${user} AND head.kind = ${kind}
     JOIN store.bench_patient AS patient ON patient.patient = ${patient}
     LEFT JOIN store.bench_whole AS whole USING (n) ORDER BY n`,
    [tenantId, from, stepMs, first, end],
  );
  await database.query('COMMIT');
}

/** Those that can be asked for. */
function wholeRows({ cipher, events }: AuditLoad, from: Date, stepMs: number, first: number, end: number): unknown[][] {
  const patients = patientsAmong(events);
  const rows: unknown[][] = [];
  for (let n = first; n < end; n++) {
    const event = plannedEvent(n, patients);
    if (!isAsked(event)) continue;
    const recordedMs = Math.floor(from.getTime() + n * stepMs);
    const id = newId(recordedMs);
    const audit = buildAccessAudit(factsOf(event, id, recordedMs, `observation-${n}`));
    const content = cipher.seal(Buffer.from(JSON.stringify(audit)), bodyContext('AuditEvent', id, 1));
    rows.push([n, id, content, groupedTokens({ cipher, extract }, audit)]);
  }
  return rows;
}
