// Functions whose argument is an expression to be evaluated again and again: https://hl7.org/fhirpath/N1/#filtering-and-projection

import type { Frame } from './frame.ts';
import { isTrue } from './operators.ts';
import { follow, type Part } from './part.ts';
import { DistinctValues } from './system/equality.ts';
import type { Walk } from './walk.ts';

type PerItem<T> = (item: T, index: number) => T[];

/** repeat(): what was found before is not followed again, so that it ends. */
export function repeated<T>(list: Part<T>, next: PerItem<T>, walk: Walk<T>): Part<T> {
  return follow(list, undefined, (items) => {
    const met = new DistinctValues((count) => walk.spend(count));
    const found: T[] = [];
    const metWithout = new Set<unknown>();
    const isNew = (item: T) => {
      const [value] = walk.values([item]);
      if (value !== undefined) return met.add(value);
      const extras = walk.extrasOf(item);
      const isFirst = !metWithout.has(extras);
      metWithout.add(extras);
      return isFirst;
    };
    for (let round = items.flatMap(next).filter(isNew); round.length > 0; round = round.flatMap(next).filter(isNew)) {
      for (const item of round) found.push(item);
    }
    return found;
  });
}

/** aggregate() */
export function aggregated<T>(list: Part<T>, start: Part<T>, next: PerItem<T>, frame: Frame<T>): Part<T> {
  const evaluate = (focus: readonly T[]) => {
    const outer = frame.total;
    let total = start.evaluate(focus);
    for (const [index, item] of list.evaluate(focus).entries()) {
      frame.total = total;
      total = next(item, index);
    }
    frame.total = outer;
    return total;
  };
  return { evaluate, elements: undefined };
}

/** iif(): its arguments start from what it is called on, and only the one that is needed is evaluated. */
export function chosen<T>(list: Part<T>, args: readonly Part<T>[], walk: Walk<T>): Part<T> {
  const [criterion, whenTrue, otherwise] = args;
  const evaluate = (focus: readonly T[]) => {
    const found = list.evaluate(focus);
    const holds = isTrue(walk.values(criterion?.evaluate(found) ?? []));
    return (holds ? whenTrue : otherwise)?.evaluate(found) ?? [];
  };
  return { evaluate, elements: undefined };
}
