// Identifiers that the server numbers: whatever a client writes in their systems, what is stored there is the server's (contract.md 45).

import type { Identifier, Resource } from '@medplum/fhirtypes';
import type { Change } from '../../repository/change.ts';
import { findExact, markExact, unmarkExact } from '../../repository/exact-tree.ts';

type Numbered = Resource & { identifier?: Identifier[] };

/** The identifiers of a resource in one of the systems of the server. */
export function ofSystem(resource: Resource | undefined, system: string): Identifier[] {
  const { identifier } = (resource ?? {}) as Numbered;
  // Content that was not validated yet may have any shape.
  return Array.isArray(identifier) ? identifier.filter((one) => one?.system === system) : [];
}

/** Puts `kept` in the place of whatever is there in the system. */
export function replaceOfSystem(change: Change, system: string, kept: readonly Identifier[]): void {
  const resource = change.resource as Numbered;
  const { identifier = [] } = resource;
  if (!Array.isArray(identifier)) return;
  const given = ofSystem(resource, system);
  if (given.length === kept.length && JSON.stringify(given) === JSON.stringify(kept)) return;
  const marked = markExact(resource, change.exactNumbers) as Numbered;
  const others = (marked.identifier ?? []).filter((one) => one?.system !== system);
  const next = [...others, ...kept];
  if (change.exactNumbers) change.exactNumbers = findExact({ ...marked, identifier: next });
  if (next.length > 0) resource.identifier = unmarkExact(next) as Identifier[];
  else delete resource.identifier;
}

/** Behind those there are, so that nothing else changes its place. */
export function addIdentifier(change: Change, identifier: Identifier): void {
  const resource = change.resource as Numbered;
  resource.identifier = [...(resource.identifier ?? []), identifier];
}
