// Lets a check ask what only the database knows: it runs, what it missed is looked up at once, and it runs again.

import type { Issue } from '../../fhir/outcome.ts';
import type { CodedValue, Surroundings } from './run.ts';

export interface Lookups {
  /** Local resources by their reference text; those the caller may not read or that are not there are left out. */
  readonly resources: (references: readonly string[]) => Promise<ReadonlyMap<string, object>>;
  /** One answer per question, in their order. */
  readonly members: (questions: readonly MemberQuestion[]) => Promise<readonly (boolean | undefined)[]>;
}

export interface MemberQuestion {
  readonly valueSet: string;
  readonly coding: CodedValue;
}

/** A resource referred to may have references that matter as well, but not for long. */
const roundsMax = 4;
const referencesMax = 2_000;
const questionsMax = 2_000;

/** One check of a resource; it may run several times. */
export type AskingCheck = (surroundings: Surroundings) => Issue[];

/**
 * The issues of each check; what they ask is looked up for all of them together. `known` is asked first. `pause` is called
 * after each check, so that long lists let others go first.
 */
export async function checkWithLookups(
  checks: readonly AskingCheck[],
  lookups: Lookups,
  { known = {}, pause }: { readonly known?: Surroundings; readonly pause?: () => Promise<void> } = {},
): Promise<Issue[][]> {
  const answers = new Answers(known);
  const results: Issue[][] = [];
  let open = [...checks.keys()];
  for (let round = 1; open.length > 0 && round <= roundsMax; round++) {
    if (round > 1) await answers.lookUp(lookups);
    const asking: number[] = [];
    for (const index of open) {
      const before = answers.missedCount;
      results[index] = checks[index]?.(answers.surroundings) ?? [];
      if (answers.missedCount > before) asking.push(index);
      await pause?.();
    }
    open = asking;
  }
  return results;
}

class Answers {
  readonly surroundings: Surroundings;
  private readonly resources = new Map<string, object | undefined>();
  private readonly members = new Map<string, boolean | undefined>();
  /** Questions without an answer so far, told again by every check that asks them. */
  missedCount = 0;
  private missedReferences = new Set<string>();
  private missedQuestions = new Map<string, MemberQuestion>();

  constructor(known: Surroundings) {
    this.surroundings = {
      resolve: (reference) => known.resolve?.(reference) ?? this.resource(reference),
      isMember: (valueSet, coding) => known.isMember?.(valueSet, coding) ?? this.member({ valueSet, coding }),
    };
  }

  async lookUp({ resources, members }: Lookups): Promise<void> {
    const references = [...this.missedReferences];
    const questions = [...this.missedQuestions];
    this.missedReferences = new Set();
    this.missedQuestions = new Map();
    const [found, answers] = await Promise.all([
      references.length > 0 ? resources(references) : new Map<string, object>(),
      questions.length > 0 ? members(questions.map(([, question]) => question)) : [],
    ]);
    for (const reference of references) this.resources.set(reference, found.get(reference));
    for (const [i, [key]] of questions.entries()) this.members.set(key, answers[i]);
  }

  private resource(reference: string): object | undefined {
    if (this.resources.has(reference)) return this.resources.get(reference);
    if (this.resources.size + this.missedReferences.size >= referencesMax) return undefined;
    this.missedReferences.add(reference);
    this.missedCount += 1;
    return undefined;
  }

  private member(question: MemberQuestion): boolean | undefined {
    const { valueSet, coding } = question;
    const key = JSON.stringify([valueSet, coding.system, coding.code]);
    if (this.members.has(key)) return this.members.get(key);
    if (this.members.size + this.missedQuestions.size >= questionsMax) return undefined;
    this.missedQuestions.set(key, question);
    this.missedCount += 1;
    return undefined;
  }
}
