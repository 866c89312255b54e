// Turns links between the entries of a transaction, and conditional references, into references: https://hl7.org/fhir/R4/http.html#trules

import type { Resource } from '@medplum/fhirtypes';
import type { Definitions } from '../fhir/definitions.ts';
import { fhirError } from '../fhir/outcome.ts';
import { forEachReference } from '../fhir/references.ts';
import type { Change } from '../repository/change.ts';
import type { ParsedEntry } from './bundle-entry.ts';
import { rewriteLinks, type Undo } from './rewrite-links.ts';

/** `Type/id` of the resource an entry is about; undefined where it is about none or several. */
export type IdentityOf = (entry: ParsedEntry) => string | undefined;

/** What each full URL of the bundle means, as `Type/id`. */
export function targetsOf(entries: readonly ParsedEntry[], identityOf: IdentityOf): ReadonlyMap<string, string> {
  const targets = new Map<string, string>();
  for (const entry of entries) {
    const identity = entry.fullUrl === undefined ? undefined : identityOf(entry);
    if (identity !== undefined) targets.set(entry.fullUrl as string, identity);
  }
  return targets;
}

/** What an entry makes of its resource. */
export interface Linking {
  readonly entry: ParsedEntry;
  readonly resource: Resource;
  /** What a patch was done to: its links are no part of the bundle. */
  readonly before?: Resource | undefined;
}

/** The resources that stand in the bundle themselves. */
export function linkingWhole(entries: readonly ParsedEntry[]): Linking[] {
  return entries.flatMap((entry) => {
    const { isWrite, method, resource } = entry;
    return isWrite && resource && method !== 'PATCH' ? [{ entry, resource }] : [];
  });
}

/** Those that the bundle's patches have made; the position of a change's entry is its index. */
export function linkingPatched(entries: readonly ParsedEntry[], changes: readonly Change[]): Linking[] {
  return changes.flatMap(({ index, resource, oldResource }) => {
    const entry = entries[index];
    return entry?.method === 'PATCH' && resource ? [{ entry, resource, before: oldResource }] : [];
  });
}

/** Rewrites the resources in place, adding to `undos` what takes that back. */
export function resolveLinks(
  linking: readonly Linking[],
  definitions: Definitions,
  targets: ReadonlyMap<string, string>,
  undos: Undo[],
): void {
  for (const { entry, resource, before } of linking) {
    const base = baseOf(entry.fullUrl);
    const stood = before ? linksIn(before, definitions) : none;
    const linkTargets = {
      ofUrl: (url: string) => (stood.has(url) ? undefined : targets.get(url)),
      ofReference(text: string) {
        // A full URL means its entry whoever wrote it; what is relative, or of no entry, may have stood there for long.
        const isOld = stood.has(text);
        const target = findTarget(text, targets) ?? (base && !isOld ? findTarget(base + text, targets) : undefined);
        if (target !== undefined || isOld || !text.startsWith('urn:uuid:')) return target;
        throw unresolved(entry, resource, text, definitions);
      },
    };
    rewriteLinks(definitions, resource, linkTargets, undos);
  }
}

const none: ReadonlySet<string> = new Set();

/** By the walk that rewrites them, so that both find the same. */
function linksIn(resource: Resource, definitions: Definitions): Set<string> {
  const links = new Set<string>();
  const add = (text: string) => {
    links.add(text);
    return undefined;
  };
  rewriteLinks(definitions, resource, { ofUrl: add, ofReference: add }, []);
  return links;
}

/** The same with conditional references, by the `Type/id` that each of them means. */
export function replaceReferences(
  linking: readonly Linking[],
  definitions: Definitions,
  targets: ReadonlyMap<string, string>,
  undos: Undo[],
): void {
  const linkTargets = { ofUrl: () => undefined, ofReference: (text: string) => targets.get(text) };
  for (const { resource } of linking) rewriteLinks(definitions, resource, linkTargets, undos);
}

/** bdl-7: of two entries with one full URL nobody could say which a link means. */
export function requireDistinctUrls(entries: readonly ParsedEntry[]): void {
  const seen = new Set<string>();
  for (const { isWrite, method, fullUrl, index } of entries) {
    if (!isWrite || method === 'DELETE' || fullUrl === undefined) continue;
    if (seen.has(fullUrl)) {
      throw fhirError('invalid', 'Two entries have the same fullUrl.', {
        expression: `Bundle.entry[${index}].fullUrl`,
      });
    }
    seen.add(fullUrl);
  }
}

export interface ConditionalReferences {
  readonly references: readonly string[];
  /** Where the first of them stands. */
  readonly placeOf: (reference: string) => string | undefined;
}

/** References such as `Patient?identifier=x`: each means the one resource that meets the criteria. */
export function conditionalReferences(linking: readonly Linking[], definitions: Definitions): ConditionalReferences {
  const places = new Map<string, Linking>();
  for (const at of linking) {
    const ofReference = (text: string) => {
      if (isConditional(text, definitions) && !places.has(text)) places.set(text, at);
      return undefined;
    };
    // The walk that replaces them later, so that both find the same.
    rewriteLinks(definitions, at.resource, { ofUrl: () => undefined, ofReference }, []);
  }
  return {
    references: [...places.keys()],
    placeOf(reference) {
      const at = places.get(reference);
      return at && placeOf(at.entry, at.resource, reference, definitions);
    },
  };
}

function isConditional(reference: string, definitions: Definitions): boolean {
  const question = reference.indexOf('?');
  return question > 0 && definitions.resourceTypes.has(reference.slice(0, question));
}

/** A relative reference is read below the base that its own entry's full URL has: https://hl7.org/fhir/R4/bundle.html#references */
function baseOf(fullUrl: string | undefined): string | undefined {
  return fullUrl && /^(https?:\/\/.{1,1000}\/)[A-Za-z]{2,64}\/[A-Za-z0-9.-]{1,64}$/.exec(fullUrl)?.[1];
}

/** `fullUrl/_history/n` names the entry as well. */
function findTarget(text: string, targets: ReadonlyMap<string, string>): string | undefined {
  const end = text.indexOf('/_history/');
  return targets.get(text) ?? (end < 0 ? undefined : targets.get(text.slice(0, end)));
}

function unresolved(entry: ParsedEntry, resource: Resource, text: string, definitions: Definitions) {
  return fhirError('not-found', 'No entry has this urn:uuid as its fullUrl.', {
    status: 400,
    expression: placeOf(entry, resource, text, definitions),
  });
}

/** Where the reference stands, looked for only once it is at fault. */
function placeOf(entry: ParsedEntry, resource: Resource, text: string, definitions: Definitions): string {
  const places: string[] = [];
  forEachReference(definitions, resource, ({ reference }, path) => {
    if (reference === text) places.push(path);
  });
  return (places[0] ?? entry.type).replace(entry.type, `Bundle.entry[${entry.index}].resource`);
}
