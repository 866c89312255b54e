// Gathers the entries of one resource, each once.

import type { IndexEntry } from '../index-entry.ts';

export class EntryCollector {
  readonly #tokens = new Set<string>();
  readonly #rows = new Map<string, IndexEntry>();

  token(text: string): void {
    this.#tokens.add(text);
  }

  has(text: string): boolean {
    return this.#tokens.has(text);
  }

  tokens(texts: Iterable<string>): void {
    for (const text of texts) this.#tokens.add(text);
  }

  reference(parameter: string, targetType: string, targetId: string): void {
    this.#rows.set(`${parameter} ${targetType}/${targetId}`, { kind: 'reference', parameter, targetType, targetId });
  }

  date(parameter: string, low: number, high: number): void {
    this.#rows.set(`${parameter} ${low} ${high}`, { kind: 'date', parameter, low, high });
  }

  range(parameter: string, unit: string, low: string, high: string): void {
    this.#rows.set(`${parameter} ${low} ${high} in ${unit}`, { kind: 'range', parameter, unit, low, high });
  }

  entries(): IndexEntry[] {
    const entries: IndexEntry[] = [];
    for (const text of this.#tokens) entries.push({ kind: 'token', text });
    for (const row of this.#rows.values()) entries.push(row);
    return entries;
  }
}
