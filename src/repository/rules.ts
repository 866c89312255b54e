// Calls the modules' rules, each once with the list of all changes of its type.

import type { Change } from './change.ts';
import type { Module, Rule } from './module.ts';
import type { Session } from './session.ts';

/** The rules of all modules in the order of the modules, gathered once at start. */
export interface Rules {
  readonly locks: NonNullable<Module['locks']>;
  readonly prepare: NonNullable<Module['prepare']>;
  readonly guards: NonNullable<Module['guards']>;
  readonly effects: NonNullable<Module['effects']>;
  readonly reactions: NonNullable<Module['reactions']>;
  readonly shows: NonNullable<Module['shows']>;
  readonly restores: NonNullable<Module['restores']>;
}

export function collectRules(modules: readonly Module[]): Rules {
  return {
    locks: modules.flatMap((module) => module.locks ?? []),
    prepare: modules.flatMap((module) => module.prepare ?? []),
    guards: modules.flatMap((module) => module.guards ?? []),
    effects: modules.flatMap((module) => module.effects ?? []),
    reactions: modules.flatMap((module) => module.reactions ?? []),
    shows: modules.flatMap((module) => module.shows ?? []),
    restores: modules.flatMap((module) => module.restores ?? []),
  };
}

export async function runRules<Result>(
  rules: readonly Rule<Result>[],
  changes: readonly Change[],
  session: Session,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const rule of rules) {
    const concerned = changes.filter((change) => change.type === rule.type);
    if (concerned.length > 0) results.push(await rule.run(concerned, session));
  }
  return results;
}
