// Fetches the row of a read while its access token is used for the first time, in the message in which the token's own row is asked for.
// It stays sealed until the caller is known, and is dropped when there is none or the caller may not read it.

import { isDeepStrictEqual } from 'node:util';
import type { Statement } from '../database/statement.ts';
import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { readStatement } from '../repository/read.ts';
import type { Repository, Session } from '../repository/session.ts';
import type { Admitted, FhirContext } from './admit.ts';
import { admitRecorded, type RecordedAdmission } from './admit-recorded.ts';

export interface AdmittedRead extends Admitted {
  readonly fetched?: FetchedRow;
}

export interface FetchedRow {
  readonly tenantId: number;
  readonly statement: Statement;
  /** Undefined when it has to be asked for again. */
  readonly rows: Promise<readonly unknown[] | undefined>;
}

/** What is fetched for those who are then refused, costs a tenant so many rows in so long. */
const [underWayMax, pauseMs] = [16, 1_000];

/** Admits to a read of `:type/:id`; throws what `admitRecorded` throws. */
export function createReadAhead(options: RecordedAdmission): (ctx: FhirContext) => Promise<AdmittedRead> {
  /** By tenant. */
  const pausedUntilMs = new Map<number, number>();
  let underWay = 0;
  return async (ctx) => {
    let fetched: FetchedRow | undefined;
    try {
      const admitted = await admitRecorded(options, ctx, ({ id: tenantId }) => {
        if (underWay >= underWayMax || performance.now() < (pausedUntilMs.get(tenantId) ?? 0)) return;
        fetched = fetchRow(options.repository, tenantId, ctx.params);
        if (fetched) underWay += 1;
      });
      return fetched ? { ...admitted, fetched } : admitted;
    } catch (error) {
      if (fetched) pausedUntilMs.set(fetched.tenantId, performance.now() + pauseMs);
      throw error;
    } finally {
      if (fetched) underWay -= 1;
    }
  };
}

function fetchRow(
  { definitions, tenantDoor }: Repository,
  tenantId: number,
  { type = '', id = '' }: FhirContext['params'],
): FetchedRow | undefined {
  const statement = definitions.resourceTypes.has(type) ? readStatement(type, id) : undefined;
  if (!statement) return undefined;
  const rows = tenantDoor(tenantId, (trx) => trx.query(statement), 'lookup');
  return { tenantId, statement, rows: rows.catch(() => undefined) };
}

/** The same session, in which the fetched row has not to be waited for once more. */
export function withFetched(session: Session, fetched: FetchedRow): Session {
  return { ...session, trx: new FetchedTransaction(session.trx, fetched) };
}

class FetchedTransaction implements TenantTransaction {
  readonly tenantId: number;
  readonly #trx: TenantTransaction;
  readonly #fetched: FetchedRow;

  constructor(trx: TenantTransaction, fetched: FetchedRow) {
    this.tenantId = trx.tenantId;
    this.#trx = trx;
    this.#fetched = fetched;
  }

  async query<Row>(statement: Statement): Promise<Row[]> {
    const rows = isDeepStrictEqual(statement, this.#fetched.statement) ? await this.#fetched.rows : undefined;
    return rows ? (rows as Row[]) : await this.#trx.query<Row>(statement);
  }

  execute(statement: Statement): void {
    this.#trx.execute(statement);
  }
}
