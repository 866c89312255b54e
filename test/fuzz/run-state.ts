// How far a run of the fuzzer is, in a file: it can be stopped, gone on with, and read while it goes.

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Campaign } from './campaign.ts';

export interface RunState {
  readonly seed: number;
  /** Of all targets together. */
  readonly inputs: number;
  readonly campaigns: readonly Campaign[];
}

/** Undefined where there is none yet. */
export function readState(file: string | undefined): RunState | undefined {
  return file !== undefined && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as RunState) : undefined;
}

/** Whoever reads it meanwhile reads the one before. */
export function writeState(file: string, state: RunState): void {
  writeFileSync(`${file}.part`, `${JSON.stringify(state, undefined, 1)}\n`);
  renameSync(`${file}.part`, file);
}
