// The sentence for an invariant that is not met, with what was found and never with a value: it may be a patient's.

import type { Constraint } from '../../fhir/definitions/snapshot.ts';
import type { Expression } from '../../fhir/fhirpath/syntax.ts';

/** Longer lists help nobody. */
const namesMax = 12;

export function describeFailure({ key, human }: Constraint, expression: Expression): (focus: unknown) => string {
  const names = [...new Set(elementNames(expression))].slice(0, namesMax);
  const rule = `${key}: ${human.trim().replace(/[.\s]+$/, '')}`;
  return (focus) => `${rule}. Found ${found(names, focus)}.`;
}

/** The elements of the focus that an expression speaks of. */
function* elementNames(expression: Expression): Iterable<string> {
  if (expression.kind === 'member' && isFocus(expression.of)) yield expression.name;
  if ('of' in expression) yield* elementNames(expression.of);
  if (expression.kind === 'binary') {
    yield* elementNames(expression.left);
    yield* elementNames(expression.right);
  }
}

function isFocus({ kind }: Expression): boolean {
  return kind === 'focus' || kind === 'typeRoot';
}

function found(names: readonly string[], focus: unknown): string {
  if (typeof focus !== 'object' || focus === null) return 'another value';
  const isThere = (name: string) => isElementOf(focus, name);
  const there = names.filter(isThere);
  const missing = names.filter((name) => !isThere(name));
  const parts = [there.length > 0 ? there.join(', ') : '', missing.length > 0 ? `no ${missing.join(', no ')}` : ''];
  return parts.filter((part) => part !== '').join(' and ') || 'something else';
}

/** By its name, or for a choice as `valueQuantity`. */
function isElementOf(focus: object, name: string): boolean {
  if (name in focus || `_${name}` in focus) return true;
  for (const key in focus) {
    const at = key.startsWith('_') ? 1 : 0;
    if (key.startsWith(name, at) && /[A-Z]/.test(key.charAt(at + name.length))) return true;
  }
  return false;
}
