// Commands as an operator runs them: processes of their own, which know of the test what they are told here and nothing else.

import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { testRootKey } from './database.ts';
import { makeTemporaryFolder } from './temporary-folder.ts';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const top: string = path.join(import.meta.dirname, '../..');

/** What every process of a test is told. Where Node keeps what it has compiled, they start in half of the time. */
export function toldToAll(): { readonly PATH: string; readonly NODE_COMPILE_CACHE: string } {
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env;
  return { PATH, NODE_COMPILE_CACHE };
}

/** `src/commands/NAME.ts` on this database, with a data folder that is gone afterwards; settings of `env` come first. */
export async function runCommand(
  name: string,
  args: readonly string[],
  databaseUrl: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const dataDir = makeTemporaryFolder();
  const told = {
    ...{ ...toldToAll(), DATABASE_URL: databaseUrl, HPMS_DATA_DIR: dataDir },
    ...{ ROOT_KEY: testRootKey.toString('base64'), ...env },
  };
  const script = path.join(top, 'src', 'commands', `${name}.ts`);
  const ended = await new Promise<Ended>((resolve) => {
    execFile(process.execPath, [script, ...args], { env: told, cwd: top }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
  rmSync(dataDir, { recursive: true, force: true });
  return ended;
}
