// Rows of a CSV file whose first line names the columns: https://www.rfc-editor.org/rfc/rfc4180

import { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { fhirError } from '../../fhir/outcome.ts';
import type { Distribution } from './distribution.ts';

/** Calls `row` with each record; the columns in `needed` are there. */
export async function readCsv(
  distribution: Distribution,
  file: string,
  needed: readonly string[],
  row: (record: Readonly<Record<string, string>>) => void,
  delimiter = ',',
): Promise<void> {
  const parser = Readable.from(distribution.chunks(file)).pipe(
    parse({ columns: true, bom: true, delimiter, relax_column_count: true, relax_quotes: delimiter === '\t' }),
  );
  let isFirst = true;
  try {
    for await (const record of parser as AsyncIterable<Record<string, string>>) {
      const missing = isFirst ? needed.filter((name) => !(name in record)) : [];
      if (missing.length > 0)
        throw fhirError('invalid', `${file} has no column ${missing.join(', ')} in its first line.`);
      isFirst = false;
      row(record);
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw fhirError('invalid', `${file} is not CSV as it should be: ${error.message}.`, { cause: error });
  }
}
