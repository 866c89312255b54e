// Reads one value of a search parameter by the parameter's type; undefined where it is not of that type.

import { parseDate, withinYears } from '../../fhir/dates.ts';
import { parseReference } from '../../fhir/references.ts';
import type { IndexedParameter } from '../search-parameters.ts';
import type { DatePrefix, DateValue, TokenValue } from '../search-query.ts';
import { splitValue, unescapeValue } from './split.ts';

/** https://hl7.org/fhir/R4/search.html#token */
export function parseTokenValue(raw: string): TokenValue | undefined {
  const [first = '', second, ...more] = splitValue(raw, '|').map(unescapeValue);
  if (more.length > 0) return undefined;
  if (second === undefined) return first === '' ? undefined : { code: first };
  if (first === '' && second === '') return undefined;
  return second === '' ? { system: first } : { system: first, code: second };
}

/** https://hl7.org/fhir/R4/search.html#prefix; `now` is for `ap`, a tenth of the gap between now and the date. */
export function parseDateValue(raw: string, now: number): DateValue | undefined {
  const [, prefix = 'eq', text = ''] = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.*)$/s.exec(raw) ?? [];
  // A plus sign that was not percent-encoded arrives as a space, and no date has one.
  const span = parseDate(text.replace(' ', '+'), 'search');
  if (!span) return undefined;
  if (prefix !== 'ap') return { prefix: prefix as DatePrefix, ...span };
  const slackMs = Math.round(Math.abs(now - (span.low + span.high) / 2) / 10);
  return { prefix, low: withinYears(span.low - slackMs), high: withinYears(span.high + slackMs) };
}

const idPattern = /^[A-Za-z0-9.-]{1,64}$/;
/** https://hl7.org/fhir/R4/datatypes.html#id */
export function isId(text: string): boolean {
  return idPattern.test(text);
}

/**
 * `Type/id`, `id`, or a url: https://hl7.org/fhir/R4/search.html#reference. Several texts where the id alone leaves the type open: one for
 * each of those the parameter may point to.
 */
export function parseReferenceValue(
  raw: string,
  { targets, elements }: IndexedParameter,
  targetType: string | undefined,
  { resourceTypes, baseUrl }: { readonly resourceTypes: ReadonlySet<string>; readonly baseUrl: string | undefined },
): string[] | undefined {
  const text = unescapeValue(raw);
  const target = parseReference(text, baseUrl);
  if (target.kind === 'resource') {
    if (targetType !== undefined && target.type !== targetType) return undefined;
    const literal = `${target.type}/${target.id}`;
    return [target.versionId === undefined ? literal : `${literal}/_history/${target.versionId}`];
  }
  if (target.kind === 'external' || target.kind === 'urn') return [text];
  if (elements?.every(({ type }) => type === 'canonical' || type === 'uri')) return [text];
  if (!isId(text)) return undefined;
  const types = targetType === undefined ? (targets ?? [...resourceTypes]) : [targetType];
  return types.map((type) => `${type}/${text}`);
}
