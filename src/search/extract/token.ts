// Codes, identifiers, contact points and booleans as tokens: https://hl7.org/fhir/R4/search.html#token

import type { TokenShape } from '../token-shape.ts';
import { codeTexts, foldCase, normalizeContact, systemText, type TokenKey, valueText } from '../token-text.ts';
import type { EntryCollector } from './entry-collector.ts';

interface Coded {
  readonly system?: unknown;
  readonly code?: unknown;
  readonly value?: unknown;
  readonly coding?: unknown;
}

/** The shape is what queries of the parameter expect: a ContactPoint alone looks like an Identifier. */
export function extractToken(value: unknown, key: TokenKey, shape: TokenShape, entries: EntryCollector): void {
  if (typeof value === 'string') entries.token(valueText(key, isFolded(shape) ? foldCase(value) : value));
  else if (typeof value === 'boolean') entries.token(valueText(key, String(value)));
  else if (typeof value !== 'object' || value === null) return;
  else if (shape.kind === 'contact') extractContact(value, key, entries);
  else extractCoded(value, key, entries);
}

function isFolded(shape: TokenShape): boolean {
  return shape.kind === 'bare' && shape.isFolded === true;
}

function extractCoded({ system, code, value, coding }: Coded, key: TokenKey, entries: EntryCollector): void {
  if (Array.isArray(coding)) {
    for (const item of coding) if (item !== null) extractCoded(item as Coded, key, entries);
    return;
  }
  const text = code ?? value;
  if (typeof text === 'string') entries.tokens(codeTexts(key, textOf(system), text));
}

function extractContact({ system, value }: Coded, key: TokenKey, entries: EntryCollector): void {
  const normalized = typeof value === 'string' ? normalizeContact(value) : '';
  if (normalized === '') return;
  entries.token(valueText(key, normalized));
  if (typeof system === 'string') entries.token(systemText(key, system, normalized));
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
