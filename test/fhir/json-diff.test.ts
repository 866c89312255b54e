// The patch from one version to the next, as AuditEvents keep it: https://www.rfc-editor.org/rfc/rfc6902, contract.md 46

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { applyPatch, type Operation } from 'rfc6902';
import { parseJson } from '../../src/fhir/json.ts';
import { jsonPatchText } from '../../src/fhir/json-diff.ts';

const lengthMax = 1_000_000;
const runs = { seed: 20_261_120, numRuns: 1_000 };

function operationsOf(before: unknown, after: unknown): Operation[] {
  return JSON.parse(jsonPatchText({ value: before }, { value: after }, lengthMax) ?? '') as Operation[];
}

const leaf = fc.oneof(fc.constantFrom('a', 'b', true, false), fc.integer({ min: 0, max: 3 }));
/** Alike, so that much of two trees is the same. */
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('tree'), { maxLength: 5 }),
    fc.dictionary(fc.constantFrom('name', 'given', 'a/b', 'c~d', '', 'toString'), tie('tree'), { maxKeys: 4 }),
  ),
}));

describe('the patch of two trees', () => {
  test('makes the new one of the old one, whatever they are', () => {
    fc.assert(
      fc.property(tree, tree, (before, after) => {
        const root = { root: JSON.parse(JSON.stringify(before)) };
        const problems = applyPatch(root, operationsOf({ root: before }, { root: after }));
        expect(problems.filter((one) => one !== null)).toEqual([]);
        expect(root).toEqual({ root: JSON.parse(JSON.stringify(after)) });
      }),
      runs,
    );
  });

  test('tests what was there right before each replace and remove, and nothing else', () => {
    fc.assert(
      fc.property(tree, tree, (before, after) => {
        const operations = operationsOf(before, after);
        for (const [index, { op, path }] of operations.entries()) {
          const next = operations[index + 1];
          if (op === 'test') expect(next).toMatchObject({ op: expect.stringMatching('replace|remove'), path });
          if (op === 'replace' || op === 'remove') expect(operations[index - 1]).toMatchObject({ op: 'test', path });
        }
      }),
      runs,
    );
  });

  test('is empty for what is the same, whatever order its members have', () => {
    fc.assert(
      fc.property(tree, (one) => {
        const same = JSON.parse(JSON.stringify(one), (_, value: unknown) =>
          typeof value === 'object' && value !== null && !Array.isArray(value)
            ? Object.fromEntries(Object.entries(value).reverse())
            : value,
        );
        expect(operationsOf(one, same)).toEqual([]);
      }),
      runs,
    );
  });

  test('names what was put into a list, or taken out of it, and not all behind it', () => {
    const given = (...names: string[]) => ({ given: names });
    expect(operationsOf(given('a', 'c', 'd'), given('a', 'b', 'c', 'd'))).toEqual([
      { op: 'add', path: '/given/1', value: 'b' },
    ]);
    expect(operationsOf(given('a', 'b', 'c', 'd'), given('a', 'd'))).toEqual([
      { op: 'test', path: '/given/2', value: 'c' },
      { op: 'remove', path: '/given/2' },
      { op: 'test', path: '/given/1', value: 'b' },
      { op: 'remove', path: '/given/1' },
    ]);
  });

  test('keeps the texts of numbers: 1.10 is not 1.1', () => {
    const treeOf = (text: string) => {
      const { value, exactNumbers } = parseJson(text);
      return { value, exactNumbers };
    };
    const patch = (before: string, after: string) => jsonPatchText(treeOf(before), treeOf(after), lengthMax);
    expect(patch('{"value":1.1}', '{"value":1.10}')).toBe(
      '[{"op":"test","path":"/value","value":1.1},{"op":"replace","path":"/value","value":1.10}]',
    );
    expect(patch('{"value":1.10}', '{"value":1.10}')).toBe('[]');
    expect(patch('{"line":[{"value":2.50}]}', '{"line":[{"value":1.0},{"value":2.50}]}')).toBe(
      '[{"op":"add","path":"/line/0","value":{"value":1.0}}]',
    );
  });

  test('is not made where it would be too long', () => {
    const long = { value: { text: 'x'.repeat(1_000) } };
    expect(jsonPatchText({ value: {} }, long, 900)).toBeUndefined();
    expect(jsonPatchText({ value: {} }, long, 1_100)).toContain('"add"');
  });
});
