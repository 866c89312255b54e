// Rows of the delimited text files of RF2 (tabs) and RRF (bars), which neither quote nor escape: https://confluence.ihtsdotools.org/display/DOCRELFMT

import { fhirError } from '../../fhir/outcome.ts';
import type { Distribution } from './distribution.ts';

/** Calls `row` with the fields of each line that is not empty. */
export async function readDelimited(
  distribution: Distribution,
  file: string,
  delimiter: '\t' | '|',
  row: (fields: readonly string[]) => void,
): Promise<void> {
  let rest = '';
  const take = (line: string) => {
    const end = line.endsWith('\r') ? line.length - 1 : line.length;
    if (end > 0) row(line.slice(0, end).split(delimiter));
  };
  for await (const chunk of distribution.chunks(file)) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  }
  take(rest);
}

/** The same of a file whose first line names the columns: `row` gets those that are asked for, in that order. */
export async function readNamed(
  distribution: Distribution,
  file: string,
  columns: readonly string[],
  row: (fields: readonly string[]) => void,
): Promise<void> {
  let places: number[] | undefined;
  await readDelimited(distribution, file, '\t', (fields) => {
    if (places) {
      const wanted = places;
      row(wanted.map((place) => fields[place] ?? ''));
      return;
    }
    const names = fields.map((name) => name.replace(/^\ufeff/, ''));
    places = columns.map((name) => names.indexOf(name));
    const missing = columns.filter((name) => !names.includes(name));
    if (missing.length > 0)
      throw fhirError('invalid', `${file} has no column ${missing.join(', ')} in its first line.`);
  });
}
