// The statements that a search would send, written down instead of sent: the search runs as it always does, on rows made up here.

import type { Resource } from '@medplum/fhirtypes';
import { FhirError } from '../../fhir/outcome.ts';
import type { SearchStatement } from '../../search/compile/sql.ts';
import type { SearchAccess } from '../../search/run-search.ts';
import type { SearchQuery } from '../../search/search-query.ts';
import type { ExplainedSearch, KeyedAccess } from './explained-search.ts';

/**
 * What a statement is for: a part of the search that is decided ahead, the page itself, the page where the first statement
 * found too much, what is included in further rounds, the total, and whatever else there is to know.
 */
export type StatementPurpose = 'part' | 'page' | 'fallback' | 'include' | 'total' | 'other';

export interface RecordedStatement {
  readonly purpose: StatementPurpose;
  readonly text: string;
  readonly valuesCount: number;
}

/** No value of the search gets into their texts. Throws what the search would refuse. */
export async function recordStatements(search: ExplainedSearch, query: SearchQuery): Promise<RecordedStatement[]> {
  const first = new Recorder(search.keyed, rowsOf(search, query, false));
  await search.run(query, first.access);
  const second = new Recorder(search.keyed, rowsOf(search, query, true));
  await search.run(query, second.access).catch(ignoreRefusal);
  const pages = first.statements.filter(({ text }) => purposeOf(text) === 'page');
  const known = new Set(first.statements.map(({ text }) => text));
  return [
    ...first.statements.map((statement) => {
      const purpose = purposeOf(statement.text);
      return { ...statement, purpose: purpose === 'page' && statement !== pages.at(-1) ? 'part' : purpose } as const;
    }),
    ...second.statements
      .filter(({ text }) => !known.has(text))
      .map((statement) => ({ ...statement, purpose: 'fallback' }) as const),
  ];
}

type Written = Omit<RecordedStatement, 'purpose'>;

class Recorder {
  readonly access: SearchAccess;
  readonly #statements = new Map<string, Written>();

  constructor(keyed: KeyedAccess, rows: readonly object[]) {
    this.access = {
      send: <Row>(statement: SearchStatement) => {
        this.#write(statement);
        return Promise.resolve(rows as Row[]);
      },
      ...keyed,
      open: ({ type, id }) => Promise.resolve({ resourceType: type, id } as Resource),
    };
  }

  get statements(): readonly Written[] {
    return [...this.#statements.values()];
  }

  #write({ text, values }: SearchStatement): void {
    if (!this.#statements.has(text)) this.#statements.set(text, { text, valuesCount: values.length });
  }
}

/** Of matches one more than a page takes, so that there are further pages to count; `overflow`: too many to be gathered. */
function rowsOf(search: ExplainedSearch, query: SearchQuery, overflow: boolean): object[] {
  const row = {
    ...{ overflow, matched: null, type: search.rowType(query), id: '0', version_id: 1, last_updated: new Date(0) },
    ...{ deleted: false, content: null, object_id: null, is_cut: false, total: 0, is_whole: true },
  };
  const matches = Array.from({ length: query.count + 1 }, () => ({ ...row, mode: 'match' }));
  return [...matches, { ...row, mode: 'include' }];
}

/** Too many of everything are too costly for some searches, as it should be. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof FhirError)) throw error;
}

/** By the columns that the search reads from its answer. */
function purposeOf(text: string): StatementPurpose {
  if (text.includes("'match' AS mode")) return 'page';
  if (text.includes("'include' AS mode")) return 'include';
  return text.includes(' AS total') ? 'total' : 'other';
}
