// This project's own definitions as they lie in the folder fhir-profiles: https://hl7.org/fhir/R4/conformance-module.html

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '..', '..', '..', 'fhir-profiles');

/** The JSON texts, in the order of the files' names: some ninety small files, ten milliseconds. */
export function readOwnFiles(): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return names.sort().map((name) => readFileSync(join(folder, name), 'utf8'));
}
