// What a person may do through an app: what its scopes ask for, as far as the person's roles allow it:
// https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html

import type { Grant } from './caller.ts';

/** Scopes and roles must both allow it, and the restrictions of both hold together; the context is the scope's. */
export function intersectGrants(scopes: readonly Grant[], held: readonly Grant[]): Grant[] {
  const found = new Map<string, Grant>();
  for (const scope of scopes) {
    for (const right of held) {
      const both = intersection(scope, right);
      if (both) found.set(keyOf(both), both);
    }
  }
  return [...found.values()];
}

/** Undefined where they have no right in common. */
function intersection(scope: Grant, held: Grant): Grant | undefined {
  const type = commonType(scope.type, held.type);
  const permissions = scope.permissions.intersection(held.permissions);
  if (type === undefined || permissions.size === 0) return undefined;
  const constraints = [...new Set([...(scope.constraints ?? []), ...(held.constraints ?? [])])].sort();
  return {
    context: scope.context,
    type,
    permissions,
    ...(constraints.length > 0 && { constraints }),
    ...((scope.isOwn || held.isOwn) && { isOwn: true as const }),
    ...commonElements(scope.elements, held.elements),
  };
}

function commonElements(one: Grant['elements'], other: Grant['elements']): Pick<Grant, 'elements'> {
  if (one && other) return { elements: one.filter((name) => other.includes(name)) };
  const elements = one ?? other;
  return elements ? { elements } : {};
}

function commonType(one: string, other: string): string | undefined {
  if (one === '*') return other;
  return other === '*' || other === one ? one : undefined;
}

function keyOf({ context, type, permissions, constraints, isOwn, elements }: Grant): string {
  return JSON.stringify([context, type, [...permissions].sort(), constraints, isOwn, elements]);
}
