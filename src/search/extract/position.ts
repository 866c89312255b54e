// Positions as keyed cells: https://hl7.org/fhir/R4/location.html#search

import { cellsOf, positionOf } from '../geo-cells.ts';
import { cellText, type TokenKey } from '../token-text.ts';
import type { EntryCollector } from './entry-collector.ts';

export function extractPosition(value: unknown, key: TokenKey, entries: EntryCollector): void {
  const position = positionOf(value);
  if (position) entries.tokens(cellsOf(position).map((cell) => cellText(key, cell)));
}
