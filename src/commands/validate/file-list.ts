// The files of FHIR resources that a command line names, folders searched through.

import { readdirSync, statSync } from 'node:fs';
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

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && formatOf(entry.name) !== undefined)
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
