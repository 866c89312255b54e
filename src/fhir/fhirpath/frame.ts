// What the variables stand for while an expression runs: https://hl7.org/fhirpath/N1/#environment-variables

import type { Part } from './part.ts';
import type { Roots } from './walk.ts';

export class Frame<T> {
  context: T[] = [];
  index: number | undefined;
  total: T[] = [];
  #roots: Roots<T> | undefined;
  #run = 0;
  #runCount = 0;

  /** One evaluation; a hook may start another one of the same expression within it. */
  run(focus: T, roots: Roots<T> | undefined, evaluate: Part<T>['evaluate']): T[] {
    const outer = { context: this.context, index: this.index, total: this.total, roots: this.#roots, run: this.#run };
    this.context = [focus];
    this.#roots = roots;
    this.#run = ++this.#runCount;
    try {
      return evaluate(this.context);
    } finally {
      this.context = outer.context;
      this.index = outer.index;
      this.total = outer.total;
      this.#roots = outer.roots;
      this.#run = outer.run;
    }
  }

  get roots(): Roots<T> {
    const focus = this.context[0] as T;
    return this.#roots ?? { resource: focus, rootResource: focus };
  }

  /** What hangs on a variable alone is the same for every item of a criterion. */
  oncePerRun({ evaluate, elements }: Part<T>): Part<T> {
    let found: T[] = [];
    let foundIn = -1;
    const evaluateOnce = (focus: readonly T[]) => {
      if (foundIn !== this.#run) found = evaluate(focus);
      foundIn = this.#run;
      return found;
    };
    return { evaluate: evaluateOnce, elements };
  }
}
