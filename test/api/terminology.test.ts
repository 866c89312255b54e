// The operations $lookup, $validate-code, $subsumes and $translate over HTTP: https://hl7.org/fhir/R4/terminology-service.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CodeSystem } from '@medplum/fhirtypes';
import { startTestServer, type TestServer } from '../support/server.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';
import { animalMap, animalSystem, animals, call, partsOf, put, valueSet, valuesOf } from './terminology-world.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await put(server.a, animalSystem);
  await put(server.a, animalMap);
  const filter = [{ property: 'concept', op: 'is-a' as const, value: 'animal' }];
  await put(server.a, valueSet('animals', { include: [{ system: animals, filter }, { system: 'urn:foreign' }] }));
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const get = async (path: string) => await server.a.request('GET', path);
const small: CodeSystem = {
  ...{ resourceType: 'CodeSystem', id: 'small', url: 'urn:small', status: 'active', content: 'complete' },
  concept: [{ code: 'a', display: 'A' }],
};

describe('CodeSystem/$lookup (codesystem-operation-lookup.html)', () => {
  test('tells display, designations, properties, parents and children', async () => {
    const { json } = await get(`/CodeSystem/$lookup?system=${animals}&code=dog`);
    expect(valuesOf(json, 'name')).toEqual(['Animals of the tests']);
    expect(valuesOf(json, 'version')).toEqual(['1']);
    expect(valuesOf(json, 'display')).toEqual(['Dog']);
    expect(partsOf(json, 'designation')).toEqual([
      { language: 'de', value: 'Hund' },
      { language: 'fr-CA', use: { system: 'urn:use', code: 'short' }, value: 'Chien' },
    ]);
    expect(partsOf(json, 'property')).toEqual([
      { code: 'definition', value: 'A domestic dog' },
      { code: 'parent', value: 'animal' },
      { code: 'child', value: 'poodle' },
      { code: 'child', value: 'guide' },
      { code: 'inactive', value: false },
      { code: 'legs', value: 4, description: 'How many legs it has' },
      { code: 'home', value: 'house' },
    ]);
  });

  test('of a Coding, only the properties that are asked for, in a language', async () => {
    const { json } = await call(server.a, '/CodeSystem/$lookup', [
      { name: 'coding', valueCoding: { system: animals, code: 'guide' } },
      { name: 'property', valueCode: 'parent' },
      { name: 'displayLanguage', valueCode: 'de' },
    ]);
    expect(partsOf(json, 'property').map(({ value }) => value)).toEqual(['dog', 'helper']);
    const inGerman = await get(`/CodeSystem/$lookup?system=${animals}&code=dog&displayLanguage=de`);
    expect(valuesOf(inGerman.json, 'display')).toEqual(['Hund']);
  });

  test("answers for HL7's own code systems, with all that is above in several places", async () => {
    const system = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode';
    const { json } = await get(`/CodeSystem/$lookup?system=${system}&code=MTHINLAW`);
    expect(valuesOf(json, 'display')).toEqual(['mother-in-law']);
    expect(partsOf(json, 'property')).toContainEqual({ code: 'parent', value: 'PRNINLAW' });
  });

  test.each([
    [`system=${animals}&code=wolf`, 404],
    ['system=urn:none&code=dog', 400],
    [`system=${animals}&version=7&code=dog`, 400],
    ['code=dog', 400],
    [`system=${animals}`, 400],
    [`system=${animals}&code=dog&date=2020-01-01`, 400],
  ])('%s is refused', async (query, status) => {
    expectRefusal(await get(`/CodeSystem/$lookup?${query}`), status);
  });
});

describe('CodeSystem/$validate-code (codesystem-operation-validate-code.html)', () => {
  test.each([
    ['code=dog', true],
    ['code=Dog', false],
    ['code=wolf', false],
    ['code=dog&display=dog', true],
    ['code=dog&display=Chien', true],
    ['code=dog&display=Cat', false],
    ['code=animal', false],
    ['code=animal&abstract=true', true],
    ['code=dog&version=1', true],
    ['code=dog&version=2', false],
  ])('%s: %s', async (query, result) => {
    const { json } = await get(`/CodeSystem/$validate-code?url=${animals}&${query}`);
    expect(valuesOf(json, 'result')).toEqual([result]);
    expect(valuesOf(json, 'message')).toHaveLength(result ? 0 : 1);
  });

  test('of an instance, a Coding and a concept of several codings', async () => {
    const path = '/CodeSystem/animals/$validate-code';
    expect(valuesOf((await get(`${path}?code=cat`)).json, 'display')).toEqual(['Cat']);
    const coding = (system: string, code: string) => ({ system, code });
    const resultOf = async (...codings: object[]) => {
      const parameter = { name: 'codeableConcept', valueCodeableConcept: { coding: codings } };
      return valuesOf((await call(server.a, path, [parameter])).json, 'result')[0];
    };
    expect(await resultOf(coding('urn:other', 'dog'))).toBe(false);
    expect(await resultOf(coding('urn:other', 'dog'), coding(animals, 'dog'))).toBe(true);
    const single = [{ name: 'coding', valueCoding: coding(animals, 'dog') }];
    expect(valuesOf((await call(server.a, '/CodeSystem/$validate-code', single)).json, 'result')).toEqual([true]);
  });

  test.each([
    ['http://unitsofmeasure.org', 'mm[Hg]', true],
    ['http://unitsofmeasure.org', 'furlongs', false],
    ['urn:ietf:bcp:13', 'text/plain', true],
    ['urn:ietf:bcp:13', 'text', false],
    ['urn:ietf:bcp:47', 'de-CH', true],
    ['urn:ietf:bcp:47', 'de_CH', false],
  ])('of %s, which is a grammar: %s', async (system, code, result) => {
    const sets: Record<string, string> = {
      'http://unitsofmeasure.org': 'ucum-units',
      'urn:ietf:bcp:13': 'mimetypes',
      'urn:ietf:bcp:47': 'all-languages',
    };
    const asked = `code=${encodeURIComponent(code)}`;
    const valueSet = `http://hl7.org/fhir/ValueSet/${sets[system]}`;
    for (const path of [
      `/CodeSystem/$validate-code?url=${system}&${asked}`,
      `/ValueSet/$validate-code?url=${valueSet}&system=${system}&${asked}`,
    ]) {
      const { json } = await get(path);
      expect(valuesOf(json, 'result')).toEqual([result]);
      expect(valuesOf(json, 'message')).toHaveLength(result ? 0 : 1);
    }
    const other = await get(`/CodeSystem/$validate-code?url=${system}&version=9&${asked}`);
    expect(valuesOf(other.json, 'result')).toEqual([false]);
  });

  test('codes without case are found in any', async () => {
    await put(server.a, { ...small, caseSensitive: false, concept: [{ code: 'aB', display: 'A' }] });
    expect(valuesOf((await get('/CodeSystem/small/$validate-code?code=Ab')).json, 'result')).toEqual([true]);
  });

  test('what is not in a fragment is not valid, and the message says why', async () => {
    await put(server.a, { ...small, content: 'fragment' });
    const { json } = await get('/CodeSystem/small/$validate-code?code=b');
    expect([valuesOf(json, 'result'), valuesOf(json, 'message')[0]]).toEqual([
      [false],
      expect.stringContaining('part'),
    ]);
  });

  test.each(['', '?code=a&url=urn:x', '?url=urn:x', '?nothing=1'])('%s of an instance is refused', async (query) => {
    expectRefusal(await get(`/CodeSystem/animals/$validate-code${query}`), 400);
  });

  test('one that holds no concepts says so', async () => {
    await put(server.a, {
      ...small,
      id: 'empty',
      content: 'not-present',
      concept: undefined,
    } as unknown as CodeSystem & { id: string });
    expectRefusal(await get('/CodeSystem/empty/$validate-code?code=a'), 400);
    expectRefusal(await get('/CodeSystem/none/$validate-code?code=a'), 404);
  });
});

describe('ValueSet/$validate-code (valueset-operation-validate-code.html)', () => {
  test.each([
    [`system=${animals}&code=poodle`, true],
    [`system=${animals}&code=helper`, false],
    [`system=${animals}&code=wolf`, false],
    [`system=${animals}&code=dog&display=Hund`, true],
    [`system=${animals}&code=dog&display=Katze`, false],
    [`system=${animals}&code=animal`, false],
    [`system=${animals}&code=animal&abstract=true`, true],
    ['system=urn:none&code=dog', false],
    ['system=urn:foreign&code=dog', false],
  ])('%s: %s', async (query, result) => {
    const { json } = await get(`/ValueSet/$validate-code?url=urn:vs:animals&${query}`);
    expect(valuesOf(json, 'result')).toEqual([result]);
    expect((await get(`/ValueSet/animals/$validate-code?${query}`)).json).toEqual(json);
  });

  test.each([
    'url=urn:vs:animals&code=dog',
    'url=urn:vs:none&code=dog&system=urn:x',
    'url=urn:vs:animals',
    'code=dog&system=urn:animals',
  ])('%s is refused', async (query) => {
    expectRefusal(await get(`/ValueSet/$validate-code?${query}`), 400);
  });

  test('a value set in the request, and a bad one', async () => {
    const inline = { name: 'valueSet', resource: valueSet('x', { include: [{ valueSet: ['urn:vs:animals'] }] }) };
    const coding = { name: 'coding', valueCoding: { system: animals, code: 'cat' } };
    expect(valuesOf((await call(server.a, '/ValueSet/$validate-code', [inline, coding])).json, 'result')).toEqual([
      true,
    ]);
    const bad = { name: 'valueSet', resource: valueSet('x', { include: [{ valueSet: ['urn:vs:none'] }] }) };
    expectRefusal(await call(server.a, '/ValueSet/$validate-code', [bad, coding]), 400);
  });
});

describe('CodeSystem/$subsumes (codesystem-operation-subsumes.html)', () => {
  test.each([
    ['dog', 'dog', 'equivalent'],
    ['animal', 'poodle', 'subsumes'],
    ['helper', 'guide', 'subsumes'],
    ['guide', 'animal', 'subsumed-by'],
    ['cat', 'dog', 'not-subsumed'],
  ])('%s and %s: %s', async (a, b, outcome) => {
    const { json } = await get(`/CodeSystem/$subsumes?system=${animals}&codeA=${a}&codeB=${b}`);
    expect(valuesOf(json, 'outcome')).toEqual([outcome]);
    expect((await get(`/CodeSystem/animals/$subsumes?codeA=${a}&codeB=${b}`)).json).toEqual(json);
    const codings = [
      { name: 'codingA', valueCoding: { system: animals, code: a } },
      { name: 'codingB', valueCoding: { system: animals, code: b } },
    ];
    expect((await call(server.a, '/CodeSystem/$subsumes', codings)).json).toEqual(json);
  });

  test.each([
    [`system=${animals}&codeA=dog`, 400],
    ['codeA=dog&codeB=cat', 400],
    [`system=${animals}&codeA=dog&codeB=wolf`, 404],
    ['system=urn:none&codeA=dog&codeB=cat', 400],
  ])('%s is refused', async (query, status) => {
    expectRefusal(await get(`/CodeSystem/$subsumes?${query}`), status);
  });

  test('a hierarchy that does not say what a concept is cannot be asked', async () => {
    const concept = [{ code: 'a', concept: [{ code: 'b' }] }];
    await put(server.a, { ...small, hierarchyMeaning: 'part-of', concept });
    expectRefusal(await get('/CodeSystem/small/$subsumes?codeA=a&codeB=b'), 400);
  });
});

describe('ConceptMap/$translate (conceptmap-operation-translate.html)', () => {
  const query = (code: string, more = '') => `/ConceptMap/$translate?system=${animals}&code=${code}${more}`;

  test('gives each match with its equivalence, map and products', async () => {
    const { json } = await get(query('guide', '&url=urn:map:animals'));
    expect(valuesOf(json, 'result')).toEqual([true]);
    expect(partsOf(json, 'match')).toMatchObject([
      { equivalence: 'wider', concept: { system: 'urn:beings', code: 'canine' }, source: 'urn:map:animals|1' },
    ]);
    expect(json.parameter[1].part[2]).toEqual({
      name: 'product',
      part: [
        { name: 'element', valueUri: 'urn:role' },
        { name: 'concept', valueCoding: { system: 'urn:r', code: 'aid' } },
      ],
    });
  });

  test.each([
    ['dog', '', true, ['canine']],
    ['dog', '&targetsystem=urn:beings', true, ['canine']],
    ['dog', '&targetsystem=urn:none', false, []],
    ['dog', '&source=urn:vs:dogs&target=urn:vs:beings', true, ['canine']],
    ['dog', '&source=urn:vs:other', false, []],
    ['auk', '&url=urn:map:animals', false, [undefined]],
    ['cat', '&url=urn:map:animals', true, ['other']],
    ['cat', '', false, []],
  ])('%s%s: %s', async (code, more, result, codes) => {
    const { json } = await get(query(code, more));
    expect(valuesOf(json, 'result')).toEqual([result]);
    expect(partsOf(json, 'match').map(({ concept }) => (concept as { code?: string } | undefined)?.code)).toEqual(
      codes,
    );
  });

  test('reverse gives what is mapped to the code, of an instance too', async () => {
    const { json } = await get('/ConceptMap/animal-map/$translate?system=urn:beings&code=canine&reverse=true');
    expect(
      partsOf(json, 'match').map(({ equivalence, concept }) => [equivalence, (concept as { code: string }).code]),
    ).toEqual([
      ['equivalent', 'dog'],
      ['narrower', 'poodle'],
      ['narrower', 'guide'],
    ]);
  });

  test('codes that no group lists go to another map where it says so', async () => {
    const element = [{ code: 'cat', target: [{ code: 'feline', equivalence: 'equivalent' as const }] }];
    await put(server.a, {
      ...animalMap,
      id: 'cats',
      url: 'urn:map:cats',
      group: [{ source: animals, target: 'urn:beings', element }],
    } as typeof animalMap & { id: string });
    const unmapped = { mode: 'other-map', url: 'urn:map:cats' };
    const target = [{ code: 'd', equivalence: 'equal' }];
    const group = [{ source: animals, target: 'urn:beings', element: [{ code: 'dog', target }], unmapped }];
    await put(server.a, { ...animalMap, id: 'other', url: 'urn:map:other', group } as unknown as typeof animalMap & {
      id: string;
    });
    const { json } = await get(query('cat', '&url=urn:map:other'));
    expect(partsOf(json, 'match')).toMatchObject([{ concept: { code: 'feline' }, source: 'urn:map:cats|1' }]);
  });

  test.each([
    ['/ConceptMap/$translate?code=dog', 400],
    ['/ConceptMap/$translate', 400],
    [query('dog', '&url=urn:map:none'), 400],
    ['/ConceptMap/none/$translate?code=dog&system=urn:x', 404],
  ])('%s is refused', async (path, status) => {
    expectRefusal(await get(path), status);
  });
});

describe('what the tables hold', () => {
  test('follows every write in its transaction: update, delete, bundles, refusals', async () => {
    const resultOf = async (code: string) =>
      valuesOf((await get(`/CodeSystem/$validate-code?url=urn:small&code=${code}`)).json, 'result')[0];
    await put(server.a, small);
    expect(await resultOf('a')).toBe(true);
    await put(server.a, { ...small, concept: [{ code: 'b' }] });
    expect([await resultOf('a'), await resultOf('b')]).toEqual([false, true]);
    const entry = (resource: CodeSystem, url: string) => ({ resource, request: { method: 'PUT', url } });
    const bundle = (...entries: object[]) => ({ resourceType: 'Bundle', type: 'transaction', entry: entries });
    const good = entry({ ...small, concept: [{ code: 'c' }] }, 'CodeSystem/small');
    const bad = { resource: { resourceType: 'Patient', gender: 'x' }, request: { method: 'POST', url: 'Patient' } };
    expectRefusal(await server.a.request('POST', '', bundle(good, bad)));
    expect([await resultOf('b'), await resultOf('c')]).toEqual([true, false]);
    await server.a.request('POST', '', bundle(good));
    expect([await resultOf('b'), await resultOf('c')]).toEqual([false, true]);
    await server.a.request('DELETE', '/CodeSystem/small');
    expect(await resultOf('c')).toBe(false);
  });

  test('codes that differ by case only are refused where case does not matter', async () => {
    const concept = [{ code: 'c' }, { code: 'C' }];
    const refused = { ...small, caseSensitive: false, concept };
    const { status, json } = await server.a.request('PUT', '/CodeSystem/small', refused);
    expect([status, json.issue[0].code, json.issue[0].expression]).toEqual([422, 'duplicate', ['CodeSystem.concept']]);
    expect((await server.a.request('PUT', '/CodeSystem/small', { ...small, concept })).status).toBeLessThan(300);
  });

  test('a hierarchy that runs in a circle is refused, and so is more than 50,000 concepts', async () => {
    const property = [{ code: 'parent', type: 'code' }];
    const circle = [
      { code: 'a', property: [{ code: 'parent', valueCode: 'b' }] },
      { code: 'b', property: [{ code: 'parent', valueCode: 'a' }] },
    ];
    expectRefusal(await server.a.request('PUT', '/CodeSystem/small', { ...small, property, concept: circle }), 422);
    const concept = Array.from({ length: 50_001 }, (_, n) => ({ code: `c${n}` }));
    const answer = await server.a.request('PUT', '/CodeSystem/small', { ...small, concept });
    expectRefusal(answer, 422);
    expect(answer.json.issue[0].diagnostics).toContain('import-terminology');
  });

  test.each([
    ['a code', { concept: [{ code: 'c'.repeat(501) }] }],
    ['a url', { url: `urn:${'u'.repeat(500)}` }],
    ['a property', { concept: [{ code: 'c', property: [{ code: 'p'.repeat(501), valueCode: 'x' }] }] }],
  ])('%s that fits no index is refused', async (_, more) => {
    expectRefusal(await server.a.request('PUT', '/CodeSystem/small', { ...small, ...more }), 422);
  });

  test('long words and values of any length are found', async () => {
    const long = Array.from({ length: 900 }, (_, n) => (n * 7919).toString(36)).join('');
    const concept = Array.from({ length: 1_001 }, (_, n) => ({
      ...{ code: `c${n}`, display: `${n} w${n}${long}` },
      property: [{ code: 'text', valueString: `${n}${long}` }],
    }));
    await put(server.a, { ...small, valueSet: 'urn:small:all', concept });
    const filter = [{ property: 'text', op: '=' as const, value: `7${long}` }];
    const inline = { name: 'valueSet', resource: valueSet('x', { include: [{ system: 'urn:small', filter }] }) };
    const { json } = await call(server.a, '/ValueSet/$expand', [inline]);
    expect(json.expansion.contains.map(({ code }: { code: string }) => code)).toEqual(['c7']);
    const found = await get(`/ValueSet/$expand?url=urn:small:all&filter=w77${long.slice(0, 60)}`);
    expect(found.json.expansion.contains.map(({ code }: { code: string }) => code)).toEqual(['c77']);
  });

  test('is of the one tenant', async () => {
    const paths = [
      '/CodeSystem/animals/$validate-code?code=dog',
      `/CodeSystem/$lookup?system=${animals}&code=dog`,
      `/CodeSystem/$subsumes?system=${animals}&codeA=dog&codeB=cat`,
      '/ConceptMap/animal-map/$translate?system=urn:animals&code=dog',
      '/ConceptMap/$translate?url=urn:map:animals&system=urn:animals&code=dog',
      `/ValueSet/$validate-code?url=urn:vs:animals&system=${animals}&code=dog`,
    ];
    for (const path of paths) {
      expect((await get(path)).status).toBe(200);
      expectRefusal(await server.b.request('GET', path), [400, 404]);
    }
    const { json } = await server.b.request('GET', `/ConceptMap/$translate?system=${animals}&code=dog`);
    expect(valuesOf(json, 'result')).toEqual([false]);
  });
});

test('the operations are in the capability statement, each with its own definition', async () => {
  const { json } = await get('/metadata');
  const operationsOf = (type: string) =>
    json.rest[0].resource
      .find((one: { type: string }) => one.type === type)
      .operation.map(({ name, definition }: { name: string; definition: string }) => [
        name,
        definition.split('/').at(-1),
      ])
      .filter(([, definition]: string[]) => definition?.startsWith(type));
  expect(operationsOf('ValueSet')).toEqual([
    ['expand', 'ValueSet-expand'],
    ['validate-code', 'ValueSet-validate-code'],
  ]);
  expect(operationsOf('CodeSystem')).toEqual([
    ['lookup', 'CodeSystem-lookup'],
    ['validate-code', 'CodeSystem-validate-code'],
    ['subsumes', 'CodeSystem-subsumes'],
  ]);
  expect((await get('/OperationDefinition/ConceptMap-translate')).json.parameter.length).toBeGreaterThan(10);
});
