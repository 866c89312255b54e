// A whole transaction in one message: its statements are bound and executed behind each other, with one Sync at the end:
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING

import type { Duplex } from 'node:stream';
import pg from 'pg';
import { connectionSettings } from '../../src/database/pool.ts';

/** Prepared on first use; a value is PostgreSQL's text for it, or bytes. */
export interface FloorStatement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly (string | Buffer | null)[];
}

export type Row = (string | null)[];

/** A failure is not repaired: it ends the bench. */
export interface FloorDatabase {
  transaction(statements: readonly FloorStatement[]): Promise<void>;
  query(statement: FloorStatement): Promise<Row[]>;
  /** One transaction of two trips: what `then` gives is executed after the query was answered. */
  queryThen(statement: FloorStatement, then: (rows: Row[]) => readonly FloorStatement[]): Promise<void>;
}

const begin: FloorStatement = { name: 'begin', text: 'BEGIN', values: [] };
const commit: FloorStatement = { name: 'commit', text: 'COMMIT', values: [] };

export async function connectFloor(
  connection: Parameters<typeof connectionSettings>[0],
  size: number,
  tenantId: string,
): Promise<FloorDatabase> {
  const setTenant: FloorStatement = {
    name: 'set-tenant',
    text: "SELECT pg_catalog.set_config('hpms.tenant_id', $1, true)",
    values: [tenantId],
  };
  const withClient = await connectClients(connection, size);
  return {
    // What one Sync ends is one transaction, without BEGIN and COMMIT.
    transaction: (statements) =>
      withClient(async (client) => {
        await travel(client, [setTenant, ...statements]);
      }),
    query: (statement) => withClient((client) => travel(client, [setTenant, statement], 1)),
    queryThen: (statement, then) =>
      withClient(async (client) => {
        const rows = await travel(client, [begin, setTenant, statement], 2);
        await travel(client, [...then(rows), commit]);
      }),
  };
}

type WithClient = <T>(work: (client: pg.Client) => Promise<T>) => Promise<T>;

async function connectClients(connection: Parameters<typeof connectionSettings>[0], size: number): Promise<WithClient> {
  const idle: pg.Client[] = [];
  const waiting: ((client: pg.Client) => void)[] = [];
  const settings = connectionSettings(connection);
  // Planning takes longer than running these statements, so each is planned once.
  const options = `${settings.options} -c plan_cache_mode=force_generic_plan`;
  for (let n = 0; n < size; n++) {
    const client = new pg.Client({ ...settings, options });
    await client.connect();
    idle.push(client);
  }
  return async (work) => {
    const client = idle.pop() ?? (await new Promise<pg.Client>((resolve) => waiting.push(resolve)));
    const result = await work(client);
    const next = waiting.shift();
    if (next) next(client);
    else idle.push(client);
    return result;
  };
}

/** Gives the rows of the statement at the place `queryPlace`. */
function travel(client: pg.Client, statements: readonly FloorStatement[], queryPlace = -1): Promise<Row[]> {
  return new Promise((resolve, reject) => {
    client.query(new Trip(statements, queryPlace, (error, rows) => (error ? reject(error) : resolve(rows))));
  });
}

/** The part of pg's Connection that sends messages; its published types are older than it. */
interface Wire {
  readonly stream: Duplex;
  readonly parsedStatements: Record<string, string>;
  parse(statement: FloorStatement): void;
  bind(portal: { statement: string; values: FloorStatement['values'] }): void;
  execute(portal: object): void;
  sync(): void;
}

type Done = (error: Error | undefined, rows: Row[]) => void;

/** What pg's Client calls to send a query and while its answers arrive. */
class Trip {
  readonly #statements: readonly FloorStatement[];
  readonly #queryPlace: number;
  readonly #done: Done;
  readonly #rows: Row[] = [];
  #completed = 0;

  constructor(statements: readonly FloorStatement[], queryPlace: number, done: Done) {
    this.#statements = statements;
    this.#queryPlace = queryPlace;
    this.#done = done;
  }

  submit(connection: unknown): null {
    const wire = connection as Wire;
    wire.stream.cork();
    for (const statement of this.#statements) {
      if (wire.parsedStatements[statement.name] === undefined) {
        wire.parse(statement);
        wire.parsedStatements[statement.name] = statement.text;
      }
      wire.bind({ statement: statement.name, values: statement.values });
      wire.execute({});
    }
    wire.sync();
    wire.stream.uncork();
    return null;
  }

  handleDataRow({ fields }: { fields: Row }): void {
    if (this.#completed === this.#queryPlace) this.#rows.push(fields);
  }

  handleCommandComplete(): void {
    this.#completed += 1;
  }

  handleError(error: Error): void {
    this.#done(error, []);
  }

  handleReadyForQuery(): void {
    this.#done(undefined, this.#rows);
  }
}
