// Everything a tenant has, as files of one JSON text a line, made while they are sent: nothing is kept, and a file that broke off is asked for again: https://hl7.org/fhir/R4/nd-json.html

import { serverCaller } from '../access/caller.ts';
import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { fhirError } from '../fhir/outcome.ts';
import { listAccounts } from '../people/accounts.ts';
import { listClients } from '../people/clients.ts';
import { historyType } from '../repository/history-type.ts';
import { inSession, type Repository, type Session } from '../repository/session.ts';
import type { StoredVersion } from '../repository/stored-version.ts';

export interface ExportFile {
  /** A resource type, or what is no resource: `accounts`. */
  readonly name: string;
  /** Of the resources as they are now; the file has their earlier versions too. */
  readonly resources?: number;
}

const versionsPerPage = 200;
const auditEventType = 'AuditEvent';

export async function listExportFiles(repository: Repository, tenantId: number): Promise<ExportFile[]> {
  return await inTenant(repository, tenantId, async ({ trx }) => {
    const types = await typesOf(trx);
    return [...types, { name: auditEventType }, ...Object.keys(tables).map((name) => ({ name }))];
  });
}

/** Throws 404 for a name that is no file's. Each page of the walk is a transaction of its own, however slowly it is read. */
export function exportFile(repository: Repository, tenantId: number, name: string): AsyncGenerator<string> {
  const table = Object.hasOwn(tables, name) ? tables[name] : undefined;
  if (table) return tableLines(repository, tenantId, table);
  if (repository.definitions.resourceTypes.has(name)) return versionLines(repository, tenantId, name);
  throw fhirError('not-found', 'The export has no such file.');
}

function inTenant<T>(repository: Repository, tenantId: number, work: (session: Session) => Promise<T>): Promise<T> {
  return inSession(repository, serverCaller(tenantId, 'export'), work, 'read');
}

/** Also those of which everything is deleted. */
async function typesOf(trx: TenantTransaction): Promise<ExportFile[]> {
  return await trx.query<ExportFile>({
    text: `WITH RECURSIVE known (type) AS (
             (SELECT type FROM resource ORDER BY type LIMIT 1)
             UNION ALL
             SELECT (SELECT next.type FROM resource next WHERE next.type > known.type ORDER BY next.type LIMIT 1)
             FROM known WHERE known.type IS NOT NULL)
           SELECT type AS name, coalesce((SELECT sum(amount) FROM type_count c WHERE c.type = known.type), 0)::float8 AS resources
           FROM known WHERE type IS NOT NULL ORDER BY type`,
  });
}

/** Newest first. */
async function* versionLines(repository: Repository, tenantId: number, type: string): AsyncGenerator<string> {
  let cursor: string | undefined;
  do {
    const request = { type, id: '', count: versionsPerPage, ...(cursor !== undefined && { cursor }) };
    const page = await inTenant(repository, tenantId, (session) => historyType(session, request));
    for (const version of page.versions) yield `${version.body ?? deletion(version)}\n`;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

/** A deletion is no resource; in a history it is an entry: https://hl7.org/fhir/R4/http.html#history */
function deletion({ type, id, versionId, lastUpdated }: StoredVersion): string {
  const response = { status: '204', etag: `W/"${versionId}"`, lastModified: lastUpdated.toISOString() };
  const entry = [{ request: { method: 'DELETE', url: `${type}/${id}` }, response }];
  return JSON.stringify({ resourceType: 'Bundle', type: 'history', entry });
}

/** Rows of a page, and where the next one begins; that is absent on the last. */
interface RowPage {
  readonly rows: readonly object[];
  readonly next?: string;
}

type ReadRows = (session: Session, after: string | undefined) => Promise<RowPage>;

async function* tableLines(repository: Repository, tenantId: number, read: ReadRows): AsyncGenerator<string> {
  let after: string | undefined;
  do {
    const { rows, next } = await inTenant(repository, tenantId, (session) => read(session, after));
    for (const row of rows) yield `${JSON.stringify(row)}\n`;
    after = next;
  } while (after !== undefined);
}

/** What is no resource, without anything that opens a door: no hash, no secret, no key. */
const tables: Readonly<Record<string, ReadRows>> = {
  accounts: readAccounts,
  clients: readClients,
  roles: ({ trx }) => whole(trx, 'SELECT slug, name, grants, active FROM role ORDER BY 1'),
  settings: ({ trx }) => whole(trx, 'SELECT key, value FROM setting ORDER BY 1'),
  'number-series': ({ trx }) =>
    whole(
      trx,
      `SELECT code, pattern, coalesce((SELECT min(number) FROM free_number free
         WHERE free.code = series.code AND free.epoch = series.epoch), next_number) AS "nextNumber"
       FROM number_series series ORDER BY 1`,
    ),
};

const rowsPerPage = 500;

async function readAccounts({ trx, cipher }: Session, after: string | undefined): Promise<RowPage> {
  const accounts = await listAccounts(trx, cipher, { after, limit: rowsPerPage });
  const rows = accounts.map(({ passwordHash: _, ...account }) => account);
  return pageOf(rows, accounts.at(-1)?.id);
}

async function readClients({ trx, cipher }: Session, after: string | undefined): Promise<RowPage> {
  const clients = await listClients(trx, cipher, { after, limit: rowsPerPage });
  const rows = clients.map(({ secretHash: _, previousSecretHash: __, ...client }) => client);
  return pageOf(rows, clients.at(-1)?.clientId);
}

function pageOf(rows: readonly object[], last: string | undefined): RowPage {
  return { rows, ...(rows.length === rowsPerPage && last !== undefined && { next: last }) };
}

/** A clinic has so few of these that one page holds them. */
async function whole(trx: TenantTransaction, text: string): Promise<RowPage> {
  return { rows: await trx.query<object>({ text }) };
}
