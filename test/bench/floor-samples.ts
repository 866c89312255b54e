// What search stores about sample bodies, worked out before the first request, so that the floor spends nothing on it later.

import type { Resource } from '@medplum/fhirtypes';
import type { TenantCipher } from '../../src/crypto/tenant-cipher.ts';
import type { IndexEntry } from '../../src/search/index-entry.ts';

/** Ready to be stored for another body of the same kind. */
export interface Sample {
  /** Tokens that other samples have too, such as codes, days and words of names: PostgreSQL's text without the braces. */
  readonly shared: string;
  /** The texts of tokens that hold an id of the request. */
  readonly linked: readonly string[];
  /** How many tokens no other sample has, such as those of identifiers: each costs an HMAC. */
  readonly fresh: number;
  readonly references: readonly (readonly [parameter: string, targetType: string])[];
  readonly dates: readonly (readonly [parameter: string, low: string, high: string])[];
  readonly ranges: readonly (readonly [parameter: string, unit: string, low: string, high: string])[];
}

/** Stands in a sample for an id that the request brings. */
export const placeholder = 'TARGET';

/** The index rows of the samples are those the server would make of them. */
export function takeSamples(
  cipher: TenantCipher,
  extract: (resource: Resource) => IndexEntry[],
  bodies: readonly Resource[],
): Sample[] {
  const indexed = bodies.map((body) => extract(body));
  const counts = new Map<string, number>();
  for (const text of indexed.flatMap(textsOf)) counts.set(text, (counts.get(text) ?? 0) + 1);
  const isShared = (text: string) => (counts.get(text) ?? 0) > 1;
  return indexed.map((entries) => {
    const linked = textsOf(entries).filter((text) => text.includes(placeholder));
    const fixed = textsOf(entries).filter((text) => !text.includes(placeholder));
    const shared = fixed.filter(isShared);
    return {
      shared: shared.map(cipher.tokenOf).join(','),
      linked,
      fresh: fixed.length - shared.length,
      references: referencesOf(entries),
      dates: datesOf(entries),
      ranges: rangesOf(cipher, entries),
    };
  });
}

function textsOf(entries: readonly IndexEntry[]): string[] {
  return entries.flatMap((entry) => (entry.kind === 'token' ? [entry.text] : []));
}

function referencesOf(entries: readonly IndexEntry[]): Sample['references'] {
  return entries.flatMap((entry) => (entry.kind === 'reference' ? [[entry.parameter, entry.targetType]] : []));
}

function datesOf(entries: readonly IndexEntry[]): Sample['dates'] {
  const text = (ms: number) => new Date(ms).toISOString();
  return entries.flatMap((entry) =>
    entry.kind === 'date' ? [[entry.parameter, text(entry.low), text(entry.high)]] : [],
  );
}

function rangesOf(cipher: TenantCipher, entries: readonly IndexEntry[]): Sample['ranges'] {
  return entries.flatMap((entry) =>
    entry.kind === 'range' ? [[entry.parameter, String(cipher.tokenOf(entry.unit)), entry.low, entry.high]] : [],
  );
}
