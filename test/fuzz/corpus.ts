// Inputs that once did harm, kept as small as they were found: each is sent to its target in every run.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface KeptInput {
  readonly file: string;
  readonly target: string;
  /** What was wrong. */
  readonly why: string;
  readonly input: unknown;
}

const folder = path.join(import.meta.dirname, 'corpus');

/** A file's name begins with its target and a dot; its first line says what was wrong, the rest is the input as JSON. */
export function readCorpus(): readonly KeptInput[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.txt'));
  return files.sort().map((file) => {
    const [why = '', ...rest] = readFileSync(path.join(folder, file), 'utf8').split('\n');
    return { file, target: file.slice(0, file.indexOf('.')), why, input: JSON.parse(rest.join('\n')) };
  });
}
