// The operation $expand over HTTP: https://hl7.org/fhir/R4/valueset-operation-expand.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ValueSet, ValueSetCompose, ValueSetExpansionContains } from '@medplum/fhirtypes';
import { startTestServer, type TestServer, type TestTenant } from '../support/server.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';
import { animalSystem, animals, call, put, valueSet } from './terminology-world.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await put(server.a, animalSystem);
  await put(server.a, valueSet('dogs', { include: [{ system: animals, filter: [filter('concept', 'is-a', 'dog')] }] }));
  await put(server.a, valueSet('listed', { include: [listing('poodle', 'dog', 'cat')] }));
  await put(server.a, valueSet('foreign', { include: [foreign] }));
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const filter = (property: string, op: string, value: string) => ({ property, op: op as '=', value });
const listing = (...codes: string[]) => ({ system: animals, concept: codes.map((code) => ({ code })) });
const foreign = {
  system: 'urn:foreign',
  concept: [
    { code: 'x', display: 'Foreign thing' },
    { code: 'y', display: 'Other matter' },
  ],
};
const all = ['animal', 'dog', 'poodle', 'guide', 'cat', 'auk', 'helper'];

async function expanded(query: string, tenant: TestTenant = server.a): Promise<Required<ValueSet>['expansion']> {
  const { status, json, text } = await tenant.request('GET', `/ValueSet/$expand?${query}`);
  expect([status, status === 200 ? '' : text]).toEqual([200, '']);
  return json.expansion;
}

const codesOf = (contains: readonly ValueSetExpansionContains[] = []) => contains.map(({ code }) => code);

async function composed(compose: ValueSetCompose, ...more: { name: string; valueBoolean: boolean }[]) {
  const resource = valueSet('inline', compose);
  return await call(server.a, '/ValueSet/$expand', [{ name: 'valueSet', resource }, ...more]);
}

describe('what an expansion holds (valueset.html#composition)', () => {
  const within = (...filters: ReturnType<typeof filter>[]) => ({ include: [{ system: animals, filter: filters }] });

  test.each<[string, ValueSetCompose, string[]]>([
    ['a whole code system in its own order', { include: [{ system: animals }] }, all],
    ['listed codes in their order', { include: [listing('cat', 'dog')] }, ['cat', 'dog']],
    ['is-a', within(filter('concept', 'is-a', 'dog')), ['dog', 'poodle', 'guide']],
    ['is-a by a further parent', within(filter('concept', 'is-a', 'helper')), ['guide', 'helper']],
    ['descendent-of', within(filter('concept', 'descendent-of', 'dog')), ['poodle', 'guide']],
    ['is-not-a', within(filter('concept', 'is-not-a', 'animal')), ['helper']],
    ['generalizes', within(filter('concept', 'generalizes', 'guide')), ['animal', 'dog', 'guide', 'helper']],
    ['= of a property', within(filter('home', '=', 'house')), ['dog', 'cat']],
    ['= of parent', within(filter('parent', '=', 'dog')), ['poodle', 'guide']],
    ['= of child', within(filter('child', '=', 'guide')), ['dog', 'helper']],
    ['= of display', within(filter('display', '=', 'Cat')), ['cat']],
    ['= of inactive', within(filter('inactive', '=', 'true')), ['auk']],
    ['in', within(filter('concept', 'in', 'cat,dog,none')), ['dog', 'cat']],
    ['in of a property', within(filter('home', 'in', 'house,tree')), ['dog', 'cat']],
    ['not-in', within(filter('concept', 'not-in', 'animal,dog,cat,auk')), ['poodle', 'guide', 'helper']],
    ['exists', within(filter('legs', 'exists', 'true')), ['dog']],
    ['exists, false', within(filter('home', 'exists', 'false')), ['animal', 'poodle', 'guide', 'auk', 'helper']],
    ['what has children', within(filter('child', 'exists', 'true')), ['animal', 'dog', 'helper']],
    ['what has none, the leaves', within(filter('child', 'exists', 'false')), ['poodle', 'guide', 'cat', 'auk']],
    ['what has parents', within(filter('parent', 'exists', 'true')), ['dog', 'poodle', 'guide', 'cat', 'auk']],
    ['what has no display', within(filter('display', 'exists', 'false')), []],
    ['what is inactive or not, all', within(filter('inactive', 'exists', 'true')), all],
    ['= of notSelectable', within(filter('notSelectable', '=', 'true')), ['animal']],
    ['= of notSelectable, false', within(filter('notSelectable', '=', 'false')), all.slice(1)],
    ['a declared property that no concept has', within(filter('legs', '=', '8')), []],
    ['regex of the whole code', within(filter('code', 'regex', '[a-c].{2}')), ['cat', 'auk']],
    [
      'regex with classes, groups and quantifiers',
      within(filter('display', 'regex', String.raw`(Dog|C\w{2})s?`)),
      ['dog', 'cat'],
    ],
    ['several filters, all met', within(filter('home', '=', 'house'), filter('concept', 'is-a', 'dog')), ['dog']],
    [
      'an exclusion',
      { include: [{ system: animals }], exclude: [listing('dog', 'cat')] },
      ['animal', 'poodle', 'guide', 'auk', 'helper'],
    ],
    ['an import', { include: [{ valueSet: ['urn:vs:dogs'] }] }, ['dog', 'poodle', 'guide']],
    [
      'what an import and the rest of the part both hold',
      { include: [{ ...listing('cat', 'poodle'), valueSet: ['urn:vs:dogs'] }] },
      ['poodle'],
    ],
    ['no code twice', { include: [listing('dog'), { valueSet: ['urn:vs:dogs'] }] }, ['dog', 'poodle', 'guide']],
    ['codes of a system that is not here', { include: [foreign, listing('cat')] }, ['x', 'y', 'cat']],
    [
      'no inactive ones where it says so',
      { inactive: false, ...within(filter('concept', 'is-a', 'animal')) },
      ['animal', 'dog', 'poodle', 'guide', 'cat'],
    ],
  ])('%s', async (_, compose, codes) => {
    const { status, json } = await composed(compose);
    expect([status, codesOf(json.expansion?.contains), json.expansion?.total]).toEqual([200, codes, codes.length]);
  });

  test.each<[string, ValueSetCompose, string]>([
    ['an unknown filter', within(filter('concept', 'child-of', 'dog')), 'invalid'],
    ['a filter of a code that is not there', within(filter('concept', 'is-a', 'wolf')), 'code-invalid'],
    ['a hierarchy of something else than concepts', within(filter('home', 'is-a', 'dog')), 'not-supported'],
    ['a property that the code system does not have', within(filter('wings', 'exists', 'false')), 'not-supported'],
    ['one of it that a code is not in', within(filter('wings', 'not-in', 'two')), 'not-supported'],
    ['exists of something else than true and false', within(filter('legs', 'exists', 'yes')), 'invalid'],
    ['inactive that is neither true nor false', within(filter('inactive', '=', 'yes')), 'invalid'],
    ['an expression with a back reference', within(filter('code', 'regex', String.raw`(a)\1`)), 'not-supported'],
    ['one that looks around', within(filter('code', 'regex', '(?=a).*')), 'not-supported'],
    ['one of groups of groups', within(filter('code', 'regex', '((a{9}){9}){9}')), 'not-supported'],
    ['a class only PostgreSQL knows', within(filter('code', 'regex', '[[:alpha:]]+')), 'not-supported'],
    ['an expression that is none', within(filter('code', 'regex', '(')), 'not-supported'],
    ['a regex of a property', within(filter('home', 'regex', 'h.*')), 'not-supported'],
    ['a value set that is not there', { include: [{ valueSet: ['urn:vs:none'] }] }, 'not-found'],
    ['a whole code system that is not there', { include: [{ system: 'urn:foreign' }] }, 'not-found'],
    [
      'a filter of one that is not there',
      { include: [{ system: 'urn:foreign', filter: [filter('a', '=', 'b')] }] },
      'not-supported',
    ],
    ['an import of itself', { include: [{ valueSet: ['urn:vs:loop'] }] }, 'not-supported'],
  ])('%s is refused', async (_, compose, code) => {
    await put(server.a, valueSet('loop', { include: [{ valueSet: ['urn:vs:loop'] }] }));
    const { status, json } = await composed(compose);
    expect(status).toBe(400);
    if (code !== 'invalid') expect(json.issue[0].code).toBe(code);
  });
});

describe('how it is asked for', () => {
  test('by canonical, with its version, by id, by POST and by GET', async () => {
    await put(server.a, valueSet('versioned', { include: [listing('dog')] }, { version: '9', url: 'urn:vs:many' }));
    await put(server.a, valueSet('versioned2', { include: [listing('cat')] }, { version: '10', url: 'urn:vs:many' }));
    expect(codesOf((await expanded('url=urn:vs:many')).contains)).toEqual(['cat']);
    expect(codesOf((await expanded('url=urn:vs:many|9')).contains)).toEqual(['dog']);
    expect(codesOf((await expanded('url=urn:vs:many&valueSetVersion=9')).contains)).toEqual(['dog']);
    const byId = await server.a.request('GET', '/ValueSet/versioned/$expand');
    expect(codesOf(byId.json.expansion.contains)).toEqual(['dog']);
    const posted = await call(server.a, '/ValueSet/versioned/$expand', []);
    expect(codesOf(posted.json.expansion.contains)).toEqual(['dog']);
  });

  test('of all concepts of a code system by CodeSystem.valueSet', async () => {
    expect(codesOf((await expanded('url=urn:animals:all')).contains)).toEqual(all);
  });

  test("of HL7's own value sets", async () => {
    const { contains, total } = await expanded('url=http://hl7.org/fhir/ValueSet/administrative-gender');
    expect(total).toBe(4);
    expect(contains).toContainEqual({
      system: 'http://hl7.org/fhir/administrative-gender',
      version: '4.0.1',
      code: 'female',
      display: 'Female',
    });
    const roles = await expanded(
      'url=http://terminology.hl7.org/ValueSet/v3-PersonalRelationshipRoleType&filter=mother in&count=5',
    );
    expect(codesOf(roles.contains)).toContain('MTHINLAW');
  });

  test.each([
    ['filter=dog', ['dog', 'guide']],
    ['filter=stand poo', ['poodle']],
    ['filter=POO Stand', ['poodle']],
    ['filter=hund', ['dog']],
    ['filter=zebra', []],
    ['filter=auk', ['auk']],
    ['activeOnly=true', all.filter((code) => code !== 'auk')],
    ['excludeNotForUI=true', all.slice(1)],
    ['offset=2&count=2', ['poodle', 'guide']],
    ['offset=6', ['helper']],
    ['offset=99', []],
    ['count=0', []],
    ['exclude-system=urn:animals', []],
  ])('%s', async (query, codes) => {
    expect(codesOf((await expanded(`url=urn:animals:all&${query}`)).contains)).toEqual(codes);
  });

  test('a filter finds words and codes of systems that are not here', async () => {
    expect(codesOf((await expanded('url=urn:vs:foreign&filter=thin fore')).contains)).toEqual(['x']);
    expect(codesOf((await expanded('url=urn:vs:foreign&filter=y')).contains)).toEqual(['y']);
  });

  test('a filter finds what the value set itself calls a concept', async () => {
    const concept = [
      { code: 'dog', display: 'Best friend' },
      { code: 'cat', designation: [{ language: 'nl', value: 'Kat' }] },
    ];
    await put(server.a, valueSet('renamed', { include: [{ system: animals, concept }] }));
    expect(codesOf((await expanded('url=urn:vs:renamed&filter=friend')).contains)).toEqual(['dog']);
    expect(codesOf((await expanded('url=urn:vs:renamed&filter=kat')).contains)).toEqual(['cat']);
    expect(codesOf((await expanded('url=urn:vs:renamed&filter=dog')).contains)).toEqual(['dog']);
  });

  test('pages give each code once, and the total of all', async () => {
    const codes: unknown[] = [];
    for (let offset = 0; offset < 9; offset += 2) {
      const page = await expanded(`url=urn:animals:all&offset=${offset}&count=2`);
      expect([page.total, page.offset]).toEqual([all.length, offset]);
      codes.push(...codesOf(page.contains));
    }
    expect(codes).toEqual(all);
  });

  test('nested as the code system has it; with pages flat', async () => {
    const { contains = [] } = await expanded('url=urn:animals:all&excludeNested=false');
    expect(codesOf(contains)).toEqual(['animal', 'helper']);
    expect(contains[0]).toMatchObject({
      abstract: true,
      contains: [{ code: 'dog' }, { code: 'cat' }, { inactive: true }],
    });
    expect(codesOf(contains[0]?.contains?.[0]?.contains)).toEqual(['poodle', 'guide']);
    expect(codesOf((await expanded('url=urn:animals:all&excludeNested=false&count=3')).contains)).toEqual(
      all.slice(0, 3),
    );
  });

  test('with designations, some of them, and the display in a language', async () => {
    const dog = async (query: string) => (await expanded(`url=urn:vs:dogs&count=1&${query}`)).contains?.[0];
    expect(await dog('')).toEqual({ system: animals, version: '1', code: 'dog', display: 'Dog' });
    expect((await dog('includeDesignations=true'))?.designation).toHaveLength(2);
    expect((await dog('designation=urn:use|short'))?.designation).toMatchObject([{ value: 'Chien' }]);
    expect((await dog('designation=urn:ietf:bcp:47|de'))?.designation).toMatchObject([{ value: 'Hund' }]);
    expect((await dog('displayLanguage=fr'))?.display).toBe('Chien');
    expect((await dog('displayLanguage=it'))?.display).toBe('Dog');
  });

  test('with what supplements add (codesystem.html#supplements)', async () => {
    await put(server.a, {
      ...{ resourceType: 'CodeSystem', id: 'more', url: 'urn:more', status: 'active', content: 'supplement' },
      ...{ supplements: animals, concept: [{ code: 'cat', designation: [{ language: 'it', value: 'Gatto' }] }] },
    } as { resourceType: string; id: string });
    const { contains } = await expanded('url=urn:vs:listed&displayLanguage=it');
    expect(contains?.map(({ display }) => display)).toEqual(['Standard poodle', 'Dog', 'Gatto']);
    expect(codesOf((await expanded('url=urn:vs:listed&filter=gat')).contains)).toEqual(['cat']);
  });

  test('with the definition, and with what it depends on', async () => {
    const { json } = await server.a.request('GET', '/ValueSet/dogs/$expand?includeDefinition=true&filter=dog');
    expect(json.compose.include).toHaveLength(1);
    expect(json.expansion.parameter).toEqual([
      { name: 'filter', valueString: 'dog' },
      { name: 'includeDefinition', valueBoolean: true },
      { name: 'version', valueUri: 'urn:animals|1' },
    ]);
  });

  test('of the version of a system that is asked for', async () => {
    await put(server.a, {
      ...animalSystem,
      id: 'old',
      version: '0',
      concept: [{ code: 'dog', display: 'Old dog' }],
    } as {
      resourceType: string;
      id: string;
    });
    const displays = async (query: string) =>
      (await expanded(`url=urn:vs:dogs&${query}`)).contains?.map((one) => one.display);
    expect(await displays('system-version=urn:animals|0')).toEqual(['Old dog']);
    expect(await displays('force-system-version=urn:animals|0')).toEqual(['Old dog']);
    expect(await displays('check-system-version=urn:animals|1')).toContain('Guide dog');
  });
});

describe('refusals', () => {
  test.each([
    ['', 400],
    ['url=urn:vs:none', 400],
    ['url=urn:vs:dogs|7', 400],
    ['url=urn:vs:dogs&offset=-1', 400],
    ['url=urn:vs:dogs&count=x', 400],
    ['url=urn:vs:dogs&system-version=urn:animals', 400],
    ['url=urn:vs:dogs&context=a', 400],
    ['url=urn:vs:dogs&nothing=a', 400],
  ])('$expand?%s', async (query, status) => {
    expectRefusal(await server.a.request('GET', `/ValueSet/$expand?${query}`), status);
  });

  test('an unknown instance, one that was deleted, an instance and a url, another type', async () => {
    expectRefusal(await server.a.request('GET', '/ValueSet/none/$expand'), 404);
    await put(server.a, valueSet('gone', { include: [listing('dog')] }));
    await server.a.request('DELETE', '/ValueSet/gone');
    expectRefusal(await server.a.request('GET', '/ValueSet/gone/$expand'), 410);
    expectRefusal(await server.a.request('GET', '/ValueSet/$expand?url=urn:vs:gone'), 400);
    expectRefusal(await server.a.request('GET', '/ValueSet/dogs/$expand?url=urn:vs:dogs'), 400);
    expectRefusal(await server.a.request('GET', '/Patient/$expand'), 404);
  });

  test('more than 10,000 codes without pages are too costly, in pages not', async () => {
    const concept = Array.from({ length: 10_001 }, (_, n) => ({ code: `c${n}`, display: `Number ${n}` }));
    await put(server.a, {
      ...animalSystem,
      id: 'many',
      url: 'urn:many',
      valueSet: 'urn:many:all',
      concept,
    } as typeof animalSystem);
    const refused = await server.a.request('GET', '/ValueSet/$expand?url=urn:many:all');
    expect(refused.json.issue[0].code).toBe('too-costly');
    const page = await expanded('url=urn:many:all&offset=9999&count=10');
    expect([page.total, codesOf(page.contains)]).toEqual([10_001, ['c9999', 'c10000']]);
    expect(codesOf((await expanded('url=urn:many:all&filter=numb 777&count=3')).contains)).toEqual([
      'c777',
      'c7770',
      'c7771',
    ]);
  });
});

describe('tenants', () => {
  test("never see each other's code systems, and one's own changes nobody else's answers", async () => {
    expectRefusal(await server.b.request('GET', '/ValueSet/$expand?url=urn:animals:all'), 400);
    expectRefusal(await server.b.request('GET', '/ValueSet/dogs/$expand'), 404);
    const gender = 'http://hl7.org/fhir/administrative-gender';
    await put(server.b, {
      ...{ resourceType: 'CodeSystem', id: 'gender', url: gender, status: 'active', content: 'complete' },
      ...{ concept: [{ code: 'b-only', display: 'Of B' }] },
    } as { resourceType: string; id: string });
    const url = 'url=http://hl7.org/fhir/ValueSet/administrative-gender';
    expect(codesOf((await expanded(url, server.b)).contains)).toEqual(['b-only']);
    expect((await expanded(url)).total).toBe(4);
    await server.b.request('DELETE', '/CodeSystem/gender');
    expect((await expanded(url, server.b)).total).toBe(4);
  });
});
