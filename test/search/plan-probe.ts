// What a whole search reads: each of its statements under a plan that was made for another tenant, in the order they are sent.

import type pg from 'pg';
import { FhirError } from '../../src/fhir/outcome.ts';
import { keyedAccess } from '../../src/repository/answer-search.ts';
import type { SendStatement } from '../../src/search/collect-page.ts';
import type { SearchStatement } from '../../src/search/compile/sql.ts';
import type { SearchAccess } from '../../src/search/run-search.ts';
import { definitions } from './evaluate.ts';
import { type Counts, type Kind, numberOf, resourceOf } from './plan-clinic.ts';
import { tokensOfTenant } from './plan-data.ts';
import { asTenant, type PlanMode, type Reading, readingOf } from './plan-rows.ts';

export interface Probed {
  /** Resources of the page, or why there is none. */
  readonly found: number | 'too-costly';
  readonly total: number | undefined;
  readonly rows: number;
  readonly bitmapEntries: number;
  readonly sequential: readonly string[];
  readonly ms: number;
  readonly statements: number;
}

export interface ProbeOptions {
  /** A connection of hpms_app. */
  readonly client: pg.Client;
  readonly mode: PlanMode;
  readonly counts: Counts;
  /** `small` has a few resources: what is prepared meets it first. */
  readonly tenants: { readonly large: number; readonly small: number };
}

export class PlanProbe {
  readonly access: SearchAccess;
  readonly #options: ProbeOptions;
  #readings: Reading[] = [];
  /** One connection answers one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ProbeOptions) {
    this.#options = options;
    const { counts, tenants } = options;
    this.access = {
      send: this.#send,
      ...keyedAccess({ definitions, cipher: { tokenOf: tokensOfTenant(tenants.large) } }),
      open: ({ type, id }) => Promise.resolve(resourceOf(type as Kind, numberOf(id), counts)),
    };
  }

  /** Runs a search with the probe's access, and tells what it read. */
  async probe(
    run: (access: SearchAccess) => Promise<{ matches: readonly unknown[]; total?: number }>,
  ): Promise<Probed> {
    this.#readings = [];
    const answer = await run(this.access).catch(refusal);
    const sum = (value: (reading: Reading) => number) =>
      this.#readings.reduce((total, reading) => total + value(reading), 0);
    return {
      found: answer === 'too-costly' ? answer : answer.matches.length,
      total: answer === 'too-costly' ? undefined : answer.total,
      rows: sum(({ rows }) => rows),
      bitmapEntries: sum(({ bitmapEntries }) => bitmapEntries),
      sequential: this.#readings.flatMap(({ sequential }) => sequential),
      ms: sum(({ ms }) => ms),
      statements: this.#readings.length,
    };
  }

  readonly #send: SendStatement = <Row>(statement: SearchStatement): Promise<Row[]> => {
    const answer = this.#last.then(() => this.#read<Row>(statement));
    this.#last = answer.catch(() => undefined);
    return answer;
  };

  async #read<Row>(statement: SearchStatement): Promise<Row[]> {
    const { client, mode, tenants } = this.#options;
    const { values } = statement;
    const planned = { tenantId: tenants.small, values };
    const measured = { tenantId: tenants.large, values };
    this.#readings.push(await readingOf(client, { statement, mode, planned, measured }));
    return await asTenant<Row>(client, tenants.large, statement.text, values);
  }
}

function refusal(error: unknown): 'too-costly' {
  if (error instanceof FhirError && error.issues[0]?.code === 'too-costly') return 'too-costly';
  throw error;
}
