// What a bench says of where it ran, and where its figures are kept.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';

export type Machine = Readonly<Record<string, string | number>>;

const top = path.join(import.meta.dirname, '..', '..');

/** `postgresql` is its version. */
export function describeMachine(postgresql: string): Machine {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model.trim() ?? process.arch,
    cores: cpus().length,
    memory: `${Math.round(totalmem() / 1_024 ** 3)} GB`,
    node: process.versions.node,
    postgresql,
    commit: commit(),
  };
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: top, encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return 'none';
  }
}

/** Keeps the result under `.data/bench` and prints its tables. */
export function publish(result: object, { prefix = '', markdown }: { prefix?: string; markdown: string }): void {
  const folder = path.join(top, '.data', 'bench');
  mkdirSync(folder, { recursive: true });
  const date = new Date().toISOString();
  const file = path.join(folder, `${prefix}${date.replaceAll(':', '-').slice(0, 19)}.json`);
  writeFileSync(file, `${JSON.stringify({ date, ...result }, undefined, 2)}\n`);
  console.log(`\n${markdown}\n\nSaved in ${path.relative(process.cwd(), file)}.`);
}
