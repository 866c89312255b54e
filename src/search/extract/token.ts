// Codes, identifiers, contact points and booleans as tokens: https://hl7.org/fhir/R4/search.html#token

import { codeTexts, normalizeContact, systemText, type TokenKey, valueText } from '../token-text.ts';
import type { EntryCollector } from './entry-collector.ts';

interface Coded {
  readonly system?: unknown;
  readonly code?: unknown;
  readonly value?: unknown;
  readonly coding?: unknown;
}

/** https://hl7.org/fhir/R4/valueset-contact-point-system.html; the system of an Identifier is a uri instead. */
const contactSystems: ReadonlySet<unknown> = new Set(['phone', 'fax', 'email', 'pager', 'url', 'sms', 'other']);

export function extractToken(value: unknown, key: TokenKey, entries: EntryCollector): void {
  if (typeof value === 'string' || typeof value === 'boolean') entries.token(valueText(key, String(value)));
  else if (typeof value === 'object' && value !== null) extractCoded(value, key, entries);
}

function extractCoded({ system, code, value, coding }: Coded, key: TokenKey, entries: EntryCollector): void {
  if (Array.isArray(coding)) {
    for (const item of coding) extractToken(item, key, entries);
  } else if (typeof code === 'string') {
    entries.tokens(codeTexts(key, textOf(system), code));
  } else if (typeof value === 'string') {
    if (contactSystems.has(system)) extractContact(system as string, value, key, entries);
    else entries.tokens(codeTexts(key, textOf(system), value));
  }
}

function extractContact(system: string, value: string, key: TokenKey, entries: EntryCollector): void {
  const normalized = normalizeContact(value);
  if (normalized === '') return;
  entries.token(valueText(key, normalized));
  entries.token(systemText(key, system, normalized));
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
