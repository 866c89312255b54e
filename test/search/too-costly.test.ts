// What is too costly is said with the name of the parameter that makes it so: https://hl7.org/fhir/R4/search.html#errors

import { describe, expect, test } from '@jest/globals';
import { collectPage } from '../../src/search/collect-page.ts';
import type { SearchRow } from '../../src/search/compile/select-page.ts';
import { compileSearch } from '../../src/search/compile-search.ts';
import { collectRechecked } from '../../src/search/recheck.ts';
import { parse } from './evaluate.ts';

const tokenOf = () => 1n;
const over = [{ overflow: true, matched: null, mode: null }];
const send = async <Row>(): Promise<Row[]> => over as Row[];

describe('a walk that does not find a page', () => {
  test.each([
    ['Patient', 'organization:missing=true', '"organization:missing"'],
    ['Patient', 'gender:not=male', '"gender"'],
    ['Observation', 'encounter:missing=true&code:not=a&_sort=-value-quantity', '"encounter:missing", "code"'],
    ['Patient', 'general-practitioner.name=a', '"general-practitioner.name"'],
    ['Patient', 'gender=male', 'add a narrower parameter'],
  ])('of %s?%s names what has no index: %s', async (type, query, named) => {
    const compiled = compileSearch(parse(type, query), { tokenOf });
    await expect(collectPage(compiled, 20, send)).rejects.toMatchObject({
      status: 400,
      issues: [{ code: 'too-costly', diagnostics: expect.stringContaining(named) }],
    });
  });
});

describe('a recheck of too many candidates', () => {
  test.each([
    ['Patient', 'family=maximiliana', '"family"'],
    ['Patient', 'name:contains=abc&gender=male', '"name"'],
    ['Patient', 'identifier:of-type=a|b|c', '"identifier"'],
    ['Observation', 'component-value-quantity=5||mg', '"component-value-quantity"'],
  ])('of %s?%s names what it is for: %s', async (type, query, named) => {
    const rows = Array.from({ length: 201 }, (_, n) => ({ mode: 'match', id: `${n}` }) as SearchRow);
    const asked = parse(type, query);
    const { recheck, namesOf } = compileSearch(asked, { tokenOf });
    const search = {
      recheck: recheck ?? (() => true),
      names: namesOf('rechecked'),
      compile: () => compileSearch(asked, { tokenOf }),
      send: async <Row>() => rows as Row[],
      open: async () => ({ resourceType: type }) as never,
    };
    await expect(collectRechecked(search, 20, undefined)).rejects.toMatchObject({
      status: 400,
      issues: [{ code: 'too-costly', diagnostics: expect.stringContaining(`for ${named};`) }],
    });
  });
});
