// Makes the folder that a command was told to write to.

import { mkdir } from 'node:fs/promises';
import { ConfigError } from '../config.ts';

/** For its owner alone. Throws a ConfigError where it cannot be one. */
export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`Files cannot be kept in ${folder}: ${error.code ?? error.message}.`);
  });
}
