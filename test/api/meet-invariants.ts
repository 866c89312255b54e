// Makes a resource with every element filled meet R4's invariants, of which many say that two elements exclude each other.

import type { Resource } from '@medplum/fhirtypes';
import type { Issue } from '../../src/fhir/outcome.ts';
import type { Validate } from '../../src/validation/validate.ts';

type Node = Record<string, unknown>;
type Edit = (node: Node) => void;

/** Deeper elements are part of what an invariant speaks of, hardly ever its reason. */
const depthMax = 4;
const roundsMax = 60;
/** A way may end where another would not. */
const attemptsMax = 6;

/**
 * Leaves out elements, or takes them from `full`, one after the other. Where several ways lead there it depends on the
 * variant which is gone, so that each element is in one of several variants. Undefined where no way was found.
 */
export function meetInvariants(validate: Validate, resource: Resource, variant: number, full?: Resource) {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const met = attemptToMeet(validate, resource, variant + attempt * 7, full);
    if (met) return met;
  }
  return undefined;
}

function attemptToMeet(validate: Validate, resource: Resource, variant: number, full: Resource | undefined) {
  let current = resource;
  let issues = validate(current);
  for (let round = 0; issues.length > 0; round++) {
    const tries = editsFor(current, issues[0] as Issue, full).flatMap((edit) => {
      const next = structuredClone(current);
      edit(next as unknown as Node);
      const left = validate(next);
      return left.every(({ code }) => code === 'invariant') ? [{ next, left }] : [];
    });
    const better = tries.filter(({ left }) => left.length < issues.length);
    // Some invariants need several edits.
    const steps = better.length > 0 ? better : tries.filter(({ left }) => left.length === issues.length);
    const chosen = steps[(variant + round) % steps.length];
    if (!chosen || round > roundsMax) return undefined;
    current = chosen.next;
    issues = chosen.left;
  }
  return current;
}

function editsFor(
  resource: Resource,
  { expression = [], diagnostics = '' }: Issue,
  full: Resource | undefined,
): Edit[] {
  const place = stepsOf(expression[0] ?? '');
  const focus = at(resource, place);
  const outside: Edit[] = place.length > 0 ? [(node) => remove(node, place)] : [];
  if (typeof focus !== 'object' || focus === null) return outside;
  const source = full && at(full, place);
  const missed = [...diagnostics.matchAll(/\bno (\w+)/g)].map(([, name]) => name as string);
  const additions = additionsOf(focus as Node, source, place, missed);
  return [...additions, ...removalsOf(focus as Node, place, depthMax), ...outside];
}

function additionsOf(focus: Node, source: unknown, place: readonly string[], missed: readonly string[]): Edit[] {
  if (typeof source !== 'object' || source === null) return [];
  const isMissed = (name: string) => missed.some((one) => name.startsWith(one));
  return Object.entries(source)
    .filter(([name]) => !(name in focus) && isMissed(name))
    .map(([name, value]) => (node) => {
      (at(node, place) as Node)[name] = structuredClone(value);
    });
}

function removalsOf(focus: Node, place: readonly string[], depth: number): Edit[] {
  return Object.entries(focus).flatMap(([name, value]) => {
    if (['resourceType', 'meta', 'extension'].includes(name)) return [];
    const below = [value].flat().flatMap((item, index) => {
      if (depth === 0 || typeof item !== 'object' || item === null || name === 'coding') return [];
      return removalsOf(item as Node, [...place, name, ...(Array.isArray(value) ? [String(index)] : [])], depth - 1);
    });
    return [(node: Node) => remove(node, [...place, name]), ...below];
  });
}

/** With what would be empty without it: FHIR has no empty objects. */
function remove(root: Node, place: readonly string[]): void {
  for (let length = place.length; length > 0; length--) {
    const parent = at(root, place.slice(0, length - 1)) as Node | unknown[];
    const step = place[length - 1] as string;
    if (Array.isArray(parent)) parent.splice(Number(step), 1);
    else delete parent[nameIn(parent, step) ?? step];
    if (Object.keys(parent).length > 0) return;
  }
}

/** `a.b[0].c` below the resource. */
function stepsOf(expression: string): string[] {
  return expression
    .split(/[.[\]]+/)
    .slice(1)
    .filter((step) => step !== '');
}

function at(root: unknown, steps: readonly string[]): unknown {
  return steps.reduce<unknown>((node, step) => {
    if (typeof node !== 'object' || node === null) return undefined;
    return (node as Node)[nameIn(node, step) ?? step];
  }, root);
}

/** Of an element of a choice, which expressions call `value`: `valueString`. */
function nameIn(node: object, step: string): string | undefined {
  if (step in node) return step;
  return Object.keys(node).find((name) => name.startsWith(step) && /^[A-Z]/.test(name.slice(step.length)));
}
