// Composites as lookups of what is stored of one element together, where that tells all, and as a recheck where it does not:
// https://hl7.org/fhir/R4/search.html#composite

import type { Resource } from '@medplum/fhirtypes';
import { ambiguousCode, keyedUnit, pairText } from '../composite-texts.ts';
import type { ComponentCriteria, CompositeValue, Criterion, QuantityValue } from '../search-query.ts';
import { codeTexts, valueText } from '../token-text.ts';
import { anyText, type CompiledCriterion, type Condition } from './condition.ts';
import { isSingle } from './quantity.ts';
import { meetsOneElement } from './same-element.ts';
import { compileToken } from './token.ts';

type CompileAll = (criteria: readonly Criterion[]) => CompiledCriterion;

/** Conditions on what is stored; `isExact` is false where they let through more than is asked for. */
interface Found {
  readonly conditions: readonly Condition[];
  readonly isExact: boolean;
}

export function compileComposite(
  { values }: Criterion & { kind: 'composite' },
  compileAll: CompileAll,
): CompiledCriterion {
  const found = values.map((value) => compileValue(value, compileAll));
  const conditions = anyOf(found.map((one) => one.conditions));
  if (found.every(({ isExact }) => isExact)) return { conditions };
  return { conditions, recheck: (resource: Resource) => values.some((value) => meetsOneElement(value, resource)) };
}

/** Alternatives of one kind are one condition. */
function anyOf(lists: readonly (readonly Condition[])[]): readonly Condition[] {
  const [first, ...others] = lists;
  if (first && others.length === 0) return first;
  const alone = lists.flatMap((list) => (list.length === 1 ? list : []));
  const ranges = alone.filter((condition) => condition.kind === 'range');
  if (ranges.length === lists.length) return [{ kind: 'range', anyOf: ranges.flatMap((range) => range.anyOf) }];
  const tokens = alone.filter((condition) => condition.kind === 'tokens');
  if (tokens.length === lists.length)
    return [{ kind: 'tokens', anyOf: tokens.flatMap((condition) => condition.anyOf) }];
  return [{ kind: 'any', anyOf: lists }];
}

function compileValue(value: CompositeValue, compileAll: CompileAll): Found {
  return compileStored(value, compileAll) ?? compileApart(value, compileAll);
}

/** Undefined where nothing is stored that tells. */
function compileStored(value: CompositeValue, compileAll: CompileAll): Found | undefined {
  const { storage } = value.parameter.composite ?? {};
  if (storage === 'pairs') return compilePairs(value);
  return storage === 'keyed' ? compileKeyed(value, compileAll) : undefined;
}

/** What a component looks for among the forms of composite-texts.ts. */
interface AskedForms {
  readonly plain: readonly string[];
  readonly full: readonly string[];
  /** Which of them say all that is asked; both where the value has no system of its own. */
  readonly says: 'plain' | 'full' | 'both';
}

/** Undefined for `system|`, which is no code. */
function formsAsked({ within }: ComponentCriteria): AskedForms | undefined {
  if (within.kind === 'value') {
    const texts = within.texts.map((text) => valueText('', text));
    return { plain: texts, full: texts, says: 'both' };
  }
  if (within.kind !== 'token' || within.values.some(({ code }) => code === undefined)) return undefined;
  const { conditions } = compileToken({ ...within, key: '' });
  const texts = conditions.flatMap((condition) => textsOf(condition));
  if (within.shape.kind === 'bare') return { plain: texts, full: texts, says: 'both' };
  const [value] = within.values;
  if (value?.system === undefined) return { plain: texts, full: [], says: 'plain' };
  const [plain = ''] = codeTexts('', value.system, value.code ?? '');
  return { plain: [plain], full: texts, says: 'full' };
}

function textsOf(condition: Condition): string[] {
  return condition.kind === 'tokens' ? condition.anyOf.flat() : [];
}

function compilePairs({ parameter, components }: CompositeValue): Found | undefined {
  const asked = components.map(formsAsked);
  if (asked.includes(undefined)) return undefined;
  const forms = asked as AskedForms[];
  const isFull = forms.every(({ says }) => says !== 'plain');
  const isPlain = forms.every(({ says }) => says !== 'full');
  const combinations = forms.reduce<string[][]>(
    (lists, { plain, full }) => lists.flatMap((list) => (isFull ? full : plain).map((text) => [...list, text])),
    [[]],
  );
  const texts = combinations.map((combination) => pairText(parameter.key, combination));
  return { conditions: [anyText(texts)], isExact: isFull || isPlain };
}

function compileKeyed({ parameter, components }: CompositeValue, compileAll: CompileAll): Found | undefined {
  const [first, second] = components;
  const forms = first && formsAsked(first);
  if (!forms || second?.within.kind !== 'quantity') return undefined;
  const [quantity] = second.within.values;
  if (!quantity || quantity.spelling !== undefined) return undefined;
  if (forms.says !== 'full') {
    return {
      conditions: [
        keyedRange(
          parameter.code,
          forms.plain.flatMap((text) => [text, ambiguousCode(text)]),
          quantity,
        ),
      ],
      isExact: true,
    };
  }
  const range = keyedRange(parameter.code, [...forms.plain, ...forms.full], quantity);
  const { conditions = [], recheck } = first.anywhere ? compileAll([first.anywhere]) : {};
  const wide = conditions.map((condition) =>
    condition.kind === 'tokens' ? { ...condition, isWide: true as const } : condition,
  );
  return { conditions: [range, ...wide], isExact: first.anywhere !== undefined && recheck === undefined };
}

function keyedRange(parameter: string, codes: readonly string[], { unit, ...test }: QuantityValue): Condition {
  return { kind: 'range', anyOf: codes.map((code) => ({ parameter, unit: keyedUnit(code, unit), tests: [test] })) };
}

/** By the parameters that the components stand for: all that is asked where there is one element only. */
function compileApart({ parameter, components }: CompositeValue, compileAll: CompileAll): Found {
  const anywhere = components.flatMap((component) => component.anywhere ?? []);
  const { conditions, recheck } = compileAll(anywhere);
  const isWhole = anywhere.length === components.length && recheck === undefined;
  // `value-string` also reads the text of a CodeableConcept, which no component of `code-value-string` does.
  const isSame = components.every(({ within }) => within.kind !== 'string');
  return { conditions, isExact: isWhole && isSame && parameter.composite?.storage === 'apart' && isSingle(parameter) };
}
