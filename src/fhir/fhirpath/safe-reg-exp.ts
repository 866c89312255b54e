// Patterns from outside that cannot run away: what may backtrack without end runs under a deadline: https://owasp.org/www-community/attacks/Regular_expression_Denial_of_Service_-_ReDoS

import { createContext, Script } from 'node:vm';
import type { SafeRegExp } from './functions/value-function.ts';
import type { Spend } from './system/equality.ts';

/** For expressions of the definitions, which are known not to run away; each pattern is compiled once. */
export function trustedRegExp(): SafeRegExp {
  const compiled = new Map<string, RegExp>();
  const regExpOf = (pattern: string) => {
    const regExp = compiled.get(pattern) ?? new RegExp(pattern, 's');
    compiled.set(pattern, regExp);
    return regExp;
  };
  return {
    test: (pattern, text) => regExpOf(pattern).test(text),
    replace: (pattern, text, substitution) => text.replace(new RegExp(pattern, 'gs'), substitution),
  };
}

const patternLengthMax = 500;
const textLengthMax = 10_000;
const deadlineMs = 100;
/** A run under a deadline starts a thread of its own, which takes as long as so many other steps. */
const guardedRunSteps = 5_000;
const plainTextLengthMax = 1_000;

/**
 * Of expressions from outside: https://hl7.org/fhirpath/N1/#matchesregex-string-boolean. `refuse` makes the error for a
 * pattern that is none, is too long, or was stopped.
 */
export function boundedRegExp(spend: Spend, refuse: Refuse): SafeRegExp {
  return {
    test: (pattern, text) => run({ pattern, text, spend, refuse }) as boolean,
    replace: (pattern, text, substitution) => run({ pattern, text, substitution, spend, refuse }) as string,
  };
}

type Refuse = (why: string) => Error;

interface Run {
  readonly pattern: string;
  readonly text: string;
  readonly substitution?: string;
  readonly spend: Spend;
  readonly refuse: Refuse;
}

function run({ pattern, text, substitution, spend, refuse }: Run): unknown {
  if (pattern.length > patternLengthMax) throw refuse(`a pattern in it is longer than ${patternLengthMax} characters`);
  if (text.length > textLengthMax) throw refuse(`it matches a text of more than ${textLengthMax} characters`);
  spend(pattern.length + text.length);
  const regExp = compile(pattern, refuse);
  if (isQuick(pattern) && text.length <= plainTextLengthMax) return apply(regExp, text, substitution);
  spend(guardedRunSteps);
  return underDeadline(regExp, { text, substitution }, refuse);
}

function compile(pattern: string, refuse: Refuse): RegExp {
  try {
    return new RegExp(pattern, 'gs');
  } catch {
    throw refuse('a pattern in it is no regular expression');
  }
}

function apply(regExp: RegExp, text: string, substitution: string | undefined): unknown {
  return substitution === undefined ? regExp.test(text) : text.replace(regExp, substitution);
}

/** At most one part of it repeats, and that is a single character: nothing is tried more than n² times. */
function isQuick(pattern: string): boolean {
  const bare = pattern.replace(/\\[^1-9k]/g, 'x').replace(/\[[^\]]*\]/g, 'x');
  const repeats = bare.match(/[*+{]/g) ?? [];
  return repeats.length <= 1 && !/\)[*+{?]|\\|\(\?[^:]/.test(bare);
}

const sandbox = createContext(Object.create(null));
const script = new Script('substitution === undefined ? regExp.test(text) : text.replace(regExp, substitution)');

/** The engine looks for an interruption whenever it goes back, so that the time limit stops it within a pattern. */
function underDeadline(regExp: RegExp, texts: object, refuse: Refuse): unknown {
  Object.assign(sandbox, { regExp, ...texts });
  try {
    return script.runInContext(sandbox, { timeout: deadlineMs });
  } catch {
    throw refuse('a pattern in it takes too long');
  } finally {
    Object.assign(sandbox, { regExp: undefined, text: undefined, substitution: undefined });
  }
}
