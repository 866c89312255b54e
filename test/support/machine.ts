// What this machine has and what a test needs of it: without it the test prints one SKIPPED line, and fails where REQUIRE names it.

import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { describe, test } from '@jest/globals';

const needs = {
  redis: { name: 'redis-server', find: () => findProgram('redis-server') },
  chromium: {
    name: 'chromium',
    find: () => findProgram('chromium') ?? findProgram('chromium-browser') ?? findProgram('google-chrome'),
  },
  olderPostgres: {
    name: 'PostgreSQL 15, 16 or 17 in /usr/lib/postgresql',
    find: () =>
      [15, 16, 17]
        .map((major) => `/usr/lib/postgresql/${major}/bin`)
        .find((bin) => isExecutable(path.join(bin, 'initdb'))),
  },
  prlimit: { name: 'prlimit', find: () => findProgram('prlimit') },
  root: { name: 'user root', find: () => (process.getuid?.() === 0 ? 'root' : undefined) },
} as const;

export type Need = keyof typeof needs;

/** `block` is handed the program's full path. */
export function describeWith(need: Need, title: string, block: (found: string) => void): void {
  const { name, find } = needs[need];
  const found = find();
  if (found !== undefined) {
    describe(title, () => block(found));
  } else if (isRequired(need)) {
    test(title, () => {
      throw new Error(`REQUIRE names ${need}, and ${name} was not found.`);
    });
  } else {
    process.stderr.write(`SKIPPED: ${title} (${name} not found)\n`);
    // biome-ignore lint/suspicious/noSkippedTests: a file without any test counts as broken.
    test.skip(title, () => undefined);
  }
}

function isRequired(need: Need): boolean {
  return (process.env.REQUIRE ?? '').split(',').some((word) => word.trim() === need);
}

function findProgram(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  return folders.map((folder) => path.join(folder, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
