// Functions on strings: https://hl7.org/fhirpath/N1/#string-manipulation

import type { Collection } from '../system/equality.ts';
import { numberOf, ofOne, type Surroundings, textOf, type ValueFunction } from './value-function.ts';

export const textFunctions: ReadonlyMap<string, ValueFunction> = new Map([
  ['startsWith', ofTexts((text, part) => text.startsWith(part))],
  ['endsWith', ofTexts((text, part) => text.endsWith(part))],
  ['contains', ofTexts((text, part) => text.includes(part))],
  ['indexOf', ofTexts((text, part) => text.indexOf(part))],
  ['upper', ofText((text) => text.toUpperCase())],
  ['lower', ofText((text) => text.toLowerCase())],
  ['trim', ofText((text) => text.trim())],
  ['length', ofText((text) => text.length)],
  ['matches', ofTexts((text, pattern, { regExp }) => regExp.test(pattern, text))],
  ['matchesFull', ofTexts((text, pattern, { regExp }) => regExp.test(`^(?:${pattern})$`, text))],
  ['substring', ofOne([1, 2], substring)],
  ['replace', ofOne([2, 2], replace)],
  ['replaceMatches', ofOne([2, 2], replaceMatches)],
  ['toChars', { arity: [0, 0], run: (input, _, { spend }) => input.flatMap((value) => parts(value, '', spend)) }],
  ['split', { arity: [1, 1], run: ([value], [by], { spend }) => parts(value, textOf(by?.[0]) ?? ',', spend) }],
  ['join', { arity: [0, 1], run: join }],
]);

function ofText(apply: (text: string) => unknown): ValueFunction {
  return ofOne([0, 0], (value, _, { spend }) => {
    const text = textOf(value);
    if (text === undefined) return undefined;
    spend(text.length);
    return apply(text);
  });
}

function ofTexts(apply: (text: string, argument: string, surroundings: Surroundings) => unknown): ValueFunction {
  return ofOne([1, 1], (value, [argument], surroundings) => {
    const [text, other] = [textOf(value), textOf(argument)];
    if (text === undefined || other === undefined) return undefined;
    surroundings.spend(text.length);
    return apply(text, other, surroundings);
  });
}

function substring(value: unknown, [from, count]: readonly unknown[], { spend }: Surroundings): string | undefined {
  const [text, start, length] = [textOf(value), numberOf(from), numberOf(count)];
  if (text === undefined || start === undefined || start < 0 || start >= text.length) return undefined;
  spend(text.length);
  return text.slice(start, length === undefined ? undefined : start + Math.max(0, length));
}

function replace(value: unknown, args: readonly unknown[], { spend }: Surroundings): string | undefined {
  const [text, pattern, substitution] = [value, ...args].map(textOf);
  if (text === undefined || pattern === undefined || substitution === undefined) return undefined;
  spend(text.length * (substitution.length + 1));
  return text.replaceAll(pattern, () => substitution);
}

function replaceMatches(value: unknown, args: readonly unknown[], { regExp, spend }: Surroundings): string | undefined {
  const [text, pattern, substitution] = [value, ...args].map(textOf);
  if (text === undefined || pattern === undefined || substitution === undefined) return undefined;
  spend(text.length * (substitution.length + 1));
  const replaced = pattern === '' ? text : regExp.replace(pattern, text, substitution);
  spend(replaced.length);
  return replaced;
}

function parts(value: unknown, by: string, spend: Surroundings['spend']): string[] {
  const text = textOf(value);
  if (text === undefined) return [];
  spend(text.length);
  return text.split(by);
}

function join(input: Collection, [by]: readonly Collection[], { spend }: Surroundings): string[] {
  if (input.length === 0) return [];
  const joined = input.map((value) => textOf(value) ?? '').join(textOf(by?.[0]) ?? '');
  spend(joined.length);
  return [joined];
}
