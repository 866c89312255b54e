// Codes of value sets and what is above and below a code: https://hl7.org/fhir/R4/valueset.html#composition

import { describe, expect, test } from '@jest/globals';
import type { CodeSystem, ValueSet, ValueSetCompose } from '@medplum/fhirtypes';
import { relatedCodes } from '../../src/terminology/code-hierarchy.ts';
import { codeListOf } from '../../src/terminology/code-list.ts';

const system = 'urn:s';
const of = (compose: Partial<ValueSetCompose>, url = 'urn:main'): ValueSet => ({
  resourceType: 'ValueSet',
  status: 'active',
  url,
  compose: { include: [], ...compose },
});
const concepts = (...codes: string[]) => ({ system, concept: codes.map((code) => ({ code })) });

async function listOf(valueSet: ValueSet, others: readonly ValueSet[] = []) {
  const list = await codeListOf(valueSet, async (url) => {
    const found = others.find((other) => other.url === url);
    if (!found) throw new Error('unknown');
    return found;
  });
  return { codes: list.codes.map(({ code }) => code).sort(), systems: [...list.systems] };
}

describe('the codes of a value set', () => {
  const other = of({ include: [concepts('b', 'c')] }, 'urn:other');

  test.each([
    ['includes add up', of({ include: [concepts('a'), concepts('a', 'b')] }), ['a', 'b'], []],
    ['a system alone is in whole', of({ include: [{ system }] }), [], [system]],
    ['excludes are taken away', of({ include: [concepts('a', 'b')], exclude: [concepts('b')] }), ['a'], []],
    ['a whole system can be taken away', of({ include: [concepts('a')], exclude: [{ system }] }), [], []],
    ['an imported one is in', of({ include: [{ valueSet: ['urn:other'] }] }), ['b', 'c'], []],
    [
      'parts of one include must all hold',
      of({ include: [{ ...concepts('a', 'b'), valueSet: ['urn:other'] }] }),
      ['b'],
      [],
    ],
    ['a system narrows what is imported', of({ include: [{ system, valueSet: ['urn:other'] }] }), ['b', 'c'], []],
  ])('%s', async (_, valueSet, codes, systems) => {
    expect(await listOf(valueSet, [other])).toEqual({ codes, systems });
  });

  test('an expansion counts before the composition, without what only groups', async () => {
    const contains = [{ abstract: true, system, code: 'x', contains: [{ system, code: 'y' }] }];
    const valueSet = { ...of({ include: [concepts('a')] }), expansion: { timestamp: '2026-01-01', contains } };
    expect((await listOf(valueSet)).codes).toEqual(['y']);
    const partial = { ...valueSet, expansion: { ...valueSet.expansion, total: 9 } };
    expect((await listOf(partial)).codes).toEqual(['a']);
  });

  const many = Array.from({ length: 1001 }, (_, n) => `c${n}`);
  test.each([
    [
      'a filter',
      of({ include: [{ system, filter: [{ property: 'concept', op: 'is-a', value: 'a' }] }] }),
      'not-supported',
    ],
    ['codes left out of a whole system', of({ include: [{ system }], exclude: [concepts('a')] }), 'not-supported'],
    ['an import of itself', of({ include: [{ valueSet: ['urn:loop'] }] }, 'urn:loop'), 'not-supported'],
    ['more than a thousand codes', of({ include: [concepts(...many)] }), 'too-costly'],
  ])('%s is refused by name', async (_, valueSet, code) => {
    await expect(listOf(valueSet, [valueSet])).rejects.toMatchObject({ issues: [{ code }] });
  });
});

describe('a hierarchy of codes', () => {
  const concept = [
    { code: 'a', concept: [{ code: 'b', concept: [{ code: 'c' }] }] },
    { code: 'd', concept: [{ code: 'b' }] },
  ];
  const tree: CodeSystem = { resourceType: 'CodeSystem', status: 'active', url: 'urn:t', content: 'complete', concept };

  test.each([
    ['below', 'a', ['a', 'b', 'c']],
    ['below', 'c', ['c']],
    ['above', 'c', ['a', 'b', 'c']],
    ['above', 'b', ['a', 'b', 'd']],
    ['above', 'unknown', ['unknown']],
  ] as const)('%s %s', (direction, code, expected) => {
    expect(relatedCodes(tree, code, direction).sort()).toEqual(expected);
  });

  test('is refused where the code system does not hold all codes, or means something else by it', () => {
    for (const broken of [{ content: 'fragment' }, { hierarchyMeaning: 'part-of' }] as const) {
      expect(() => relatedCodes({ ...tree, ...broken }, 'a', 'below')).toThrow(/urn:t/);
    }
  });
});
