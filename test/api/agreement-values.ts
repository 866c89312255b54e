// How a value of a resource is asked for, by the type of the search parameter.

import { listOf, membersOf } from '../search/reference/asked.ts';
import { type Prefix, spanOfValue } from '../search/reference/date.ts';
import type { ReferenceParameter } from '../search/reference/parameters.ts';
import { withEscapes } from '../search/reference/split.ts';
import { wordsOf } from '../search/reference/string.ts';
import type { Pick } from './agreement-resources.ts';

/** Behind the name of the parameter, and behind the equals sign; undefined where the value cannot be asked for so. */
export interface AskedValue {
  readonly modifier?: string;
  readonly raw: string;
}

export type AskValue = (value: unknown, pick: Pick, parameter: ReferenceParameter) => AskedValue | undefined;

const contactSystems: ReadonlySet<unknown> = new Set(['phone', 'email']);

export function askToken(value: unknown, pick: Pick): AskedValue | undefined {
  if (typeof value === 'string' || typeof value === 'boolean') return { raw: withEscapes(String(value)) };
  const { coding, system, code, value: own } = membersOf(value);
  if (coding !== undefined) return askToken(pick(listOf(coding)), pick);
  const text = code ?? own;
  if (typeof text !== 'string') return undefined;
  if (contactSystems.has(system)) {
    const forms = [text, text.toUpperCase(), text.replaceAll(' ', ''), `${system}|${text}`];
    return { raw: pick(forms) };
  }
  const escaped = withEscapes(text);
  const space = typeof system === 'string' ? withEscapes(system) : '';
  const forms = [escaped, escaped.toUpperCase(), `${space}|${escaped}`, `${space}|${escaped}`];
  return { raw: pick(space === '' ? forms : [...forms, `${space}|`]) };
}

/** Only what is coded has a text, and can be in a value set. */
export function isCoded(value: unknown): boolean {
  const { coding, system, code } = membersOf(value);
  return coding !== undefined || (code !== undefined && !contactSystems.has(system));
}

export function askTokenText(value: unknown, pick: Pick): AskedValue | undefined {
  const { coding, text, display, type, system } = membersOf(value);
  if (typeof value !== 'object' || contactSystems.has(system)) return undefined;
  const texts = [text, display, membersOf(type).text, ...listOf(coding).map((one) => membersOf(one).display)];
  const asked = askWords(pick(texts.filter((one) => one !== undefined).concat('none')), pick);
  return asked && { modifier: 'text', raw: asked.raw };
}

export function askOfType(value: unknown, pick: Pick): AskedValue | undefined {
  const { type, value: own } = membersOf(value);
  const codings = listOf(membersOf(type).coding).map(membersOf);
  if (codings.length === 0 || typeof own !== 'string') return undefined;
  const { system, code } = membersOf(pick(codings));
  return { modifier: 'of-type', raw: [system, code, own].map((part) => withEscapes(String(part))).join('|') };
}

export function askWords(value: unknown, pick: Pick): AskedValue | undefined {
  const text = textOf(value, pick);
  const words = text === undefined ? [] : wordsOf(text);
  if (text === undefined || words.length === 0) return undefined;
  const word = pick(words);
  return {
    raw: withEscapes(pick([text, text.toUpperCase(), word, word.slice(0, 1 + pick([0, 1, 2, 3])), words.join(' ')])),
  };
}

export function askExact(value: unknown, pick: Pick): AskedValue | undefined {
  const text = textOf(value, pick);
  return text === undefined
    ? undefined
    : { modifier: 'exact', raw: withEscapes(pick([text, text, text, text.toLowerCase()])) };
}

/** Part of a word, or of several with what stands between them; three letters of one word at least. */
export function askContained(value: unknown, pick: Pick): AskedValue | undefined {
  const text = textOf(value, pick);
  if (text === undefined) return undefined;
  const start = pick([...text].map((_, place) => place));
  const part = text.slice(start, start + pick([3, 4, 5, 9]));
  if (!wordsOf(part).some(({ length }) => length >= 3)) return undefined;
  return { modifier: 'contains', raw: withEscapes(pick([part, part.toUpperCase()])) };
}

function textOf(value: unknown, pick: Pick): string | undefined {
  if (typeof value === 'string') return value;
  const { given, line, family, city, text, country, postalCode } = membersOf(value);
  const texts = [given, line, family, city, text, country, postalCode].flatMap(listOf);
  return texts.length === 0 ? undefined : String(pick(texts));
}

const dayMs = 86_400_000;
/** Where what starts and ends nearby is looked for elsewhere. */
const nearbyMs = [0, 0, 0, 0, 0, 0, -1, 1, -dayMs, dayMs, -7 * dayMs, 8 * dayMs];
/** So that the resource the value is from is often found. */
const shiftsDays: Readonly<Partial<Record<Prefix | '', number>>> = { gt: -1, sa: -1, lt: 1, eb: 1 };

export function askDate(prefix: Prefix | ''): AskValue {
  return (value, pick, { code }) => {
    const span = spanOfValue(value);
    // What `ap` reaches depends on the moment it is asked, which decides between moments of today.
    if (!span || (prefix === 'ap' && code === '_lastUpdated')) return undefined;
    const shift = (shiftsDays[prefix] ?? 0) * pick([0, 0, 1, 100, 400]) * dayMs + pick(nearbyMs);
    const ends = [span.low, span.low, span.high].filter(Number.isFinite);
    const iso = new Date(pick(ends) + shift).toISOString();
    const texts = [4, 7, 10].map((length) => iso.slice(0, length)).concat(iso, iso.replace(/:\d\d\.\d+Z$/, 'Z'));
    if (typeof value === 'string') texts.push(value, value);
    return { raw: `${prefix}${pick(texts)}` };
  };
}

export function askNumber(prefix: Prefix | ''): AskValue {
  return (value, pick) => (typeof value === 'number' ? { raw: `${prefix}${numberText(value, pick)}` } : undefined);
}

function numberText(value: number, pick: Pick): string {
  const text = String(value);
  const shorter = value === 0 ? text : String(Number(value.toPrecision(1)));
  const longer = text.includes('.') ? `${text}0` : `${text}.0`;
  const exponential = value === 0 ? text : value.toExponential();
  return pick([text, text, shorter, longer, exponential]);
}

export function askQuantity(prefix: Prefix | ''): AskValue {
  return (value, pick) => {
    const { low, high } = membersOf(value);
    const { value: number, system, code, unit } = membersOf(low ?? high ?? value);
    if (typeof number !== 'number') return undefined;
    const text = `${prefix}${numberText(number, pick)}`;
    const forms = [text];
    if (typeof code === 'string')
      forms.push(`${text}|${String(system)}|${code}`, `${text}|${String(system)}|${code}`, `${text}||${code}`);
    if (typeof unit === 'string') forms.push(`${text}||${unit}`);
    if (code === 'mg') forms.push(`${prefix}${String(number / 1000)}|${String(system)}|g`);
    return { raw: pick(forms) };
  };
}

export function askReference(baseUrl: string): AskValue {
  return (value, pick, { targets }) => {
    const { reference } = membersOf(value);
    if (typeof reference !== 'string') return undefined;
    if (/^[a-z]+:/.test(reference)) return { raw: withEscapes(reference) };
    const [type = '', id = ''] = reference.split('/');
    const forms = [reference, `${type}/${id}`, `${baseUrl}/${type}/${id}`];
    if (targets.includes(type)) forms.push(id, id);
    return { raw: pick(forms) };
  };
}

export function askTypedReference(
  value: unknown,
  _pick: Pick,
  { targets }: ReferenceParameter,
): AskedValue | undefined {
  const [type = '', id] = String(membersOf(value).reference ?? '').split('/');
  return id !== undefined && targets.includes(type) ? { modifier: type, raw: id } : undefined;
}

export function askIdentifier(value: unknown, pick: Pick): AskedValue | undefined {
  const { identifier } = membersOf(value);
  const asked = identifier === undefined ? undefined : askToken(identifier, pick);
  return asked && { modifier: 'identifier', raw: asked.raw };
}

export function askUri(value: unknown, pick: Pick): AskedValue | undefined {
  return typeof value === 'string' ? { raw: withEscapes(pick([value, value, value.replace(/\|.*/, '')])) } : undefined;
}

export function askBelow(value: unknown, pick: Pick): AskedValue | undefined {
  const url = urlOf(value);
  const places = [url, url?.replace(/[^/]*$/, ''), 'http://acme.org/'].filter((place) => /:\/\/[^/]/.test(place ?? ''));
  return url === undefined ? undefined : { modifier: 'below', raw: pick(places) as string };
}

export function askAbove(value: unknown, pick: Pick): AskedValue | undefined {
  const url = urlOf(value);
  return url === undefined ? undefined : { modifier: 'above', raw: pick([url, `${url}/deeper`, `${url}/history/2`]) };
}

/** Without its version; URNs have nothing above or below them. */
function urlOf(value: unknown): string | undefined {
  return typeof value === 'string' && !value.startsWith('urn:') ? value.replace(/\|.*/, '') : undefined;
}

/** `code eq "a"`, as `_filter` has it. */
export function askFilterPart(
  type: string,
  value: unknown,
  pick: Pick,
  parameter: ReferenceParameter,
): string | undefined {
  if (type === 'string') {
    const text = textOf(value, pick);
    const words = text === undefined ? [] : wordsOf(text);
    const [first, last] = [words[0], words.at(-1)];
    if (text === undefined || first === undefined || last === undefined || last.length < 3) return undefined;
    const forms = [`eq "${text}"`, `sw "${first}"`, `ew "${last}"`, `co "${last.slice(0, 4)}"`];
    return `${parameter.code} ${pick(forms)}`;
  }
  const operator = pick(type === 'token' ? ['eq'] : ['eq', 'gt', 'lt', 'ge', 'le', 'sa', 'eb']);
  const ask = { token: askToken, date: askDate(''), number: askNumber(''), quantity: askQuantity('') }[type];
  const asked = ask?.(value, pick, parameter);
  // What would have to be escaped in a search value has no escape in a filter.
  return asked && !asked.raw.includes('\\') ? `${parameter.code} ${operator} ${JSON.stringify(asked.raw)}` : undefined;
}
