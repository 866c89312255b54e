// The files of FHIR resources that a command line names, folders searched through.

import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** In the order of the command line, within folders by name. Throws where one of the names is neither file nor folder. */
export function listFiles(names: readonly string[]): string[] {
  return names.flatMap((name) => (statSync(name).isDirectory() ? filesIn(name) : [name]));
}

export type FileFormat = 'json' | 'xml' | 'ndjson';

/** By the end of its name; other files are named one by one to be read, and then as JSON. */
export function formatOf(file: string): FileFormat | undefined {
  const ending = /\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase();
  return formats[ending ?? ''];
}

const formats: Readonly<Record<string, FileFormat>> = { json: 'json', xml: 'xml', ndjson: 'ndjson', jsonl: 'ndjson' };

/** Links to folders are followed, each folder once however many links lead to it, or back. */
function filesIn(folder: string, visited = new Set<string>()): string[] {
  const place = realpathSync(folder);
  if (visited.has(place)) return [];
  visited.add(place);
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const file = join(folder, name);
      const stat = statSync(file, { throwIfNoEntry: false });
      if (stat?.isDirectory()) return filesIn(file, visited);
      return stat?.isFile() && formatOf(name) !== undefined ? [file] : [];
    });
}
