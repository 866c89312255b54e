// The inputs of R4's terminology operations beyond the everyday ones: context, date, content in the request, dependencies:
// https://hl7.org/fhir/R4/terminology-service.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CodeSystem, ConceptMap, ParametersParameter, StructureDefinition } from '@medplum/fhirtypes';
import { startTestServer, type TestServer, type TestTenant } from '../support/server.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';
import { animalMap, animalSystem, animals, call, partsOf, put, valueSet, valuesOf } from './terminology-world.ts';

const profileUrl = 'http://example.org/StructureDefinition/kept';
const gender = 'http://hl7.org/fhir/administrative-gender';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await put(server.a, animalSystem);
  await put(server.a, animalMap);
  await put(
    server.a,
    valueSet('pets', { include: [{ system: animals, concept: [{ code: 'dog' }, { code: 'cat' }] }] }),
  );
  await put(server.a, {
    ...{ resourceType: 'StructureDefinition', id: 'kept', url: profileUrl, name: 'Kept', status: 'active' },
    ...{ kind: 'resource', abstract: false, type: 'Observation', derivation: 'constraint' },
    baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Observation',
    differential: {
      element: [
        { id: 'Observation', path: 'Observation' },
        {
          ...{ id: 'Observation.value[x]', path: 'Observation.value[x]', type: [{ code: 'CodeableConcept' }] },
          binding: { strength: 'required', valueSet: 'urn:vs:pets' },
        },
      ],
    },
  });
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const get = async (path: string, tenant: TestTenant = server.a) => await tenant.request('GET', path);
const codesOf = async (path: string, tenant: TestTenant = server.a): Promise<unknown[]> =>
  (await get(path, tenant)).json.expansion.contains.map(({ code }: { code: string }) => code);
const contextOf = (url: string, place: string) => `context=${encodeURIComponent(`${url}#${place}`)}`;
const ofType = (type: string, place: string) => contextOf(`http://hl7.org/fhir/StructureDefinition/${type}`, place);

test('who has nothing to say posts nothing; what is needed is missed as in an empty Parameters', async () => {
  const { status, json } = await server.a.request('POST', '/ValueSet/pets/$expand');
  expect([status, json.expansion.total]).toEqual([200, 2]);
  const [nothing, empty] = [
    await server.a.request('POST', '/CodeSystem/$lookup'),
    await server.a.request('POST', '/CodeSystem/$lookup', { resourceType: 'Parameters' }),
  ];
  expectRefusal(nothing, 400);
  expect(nothing.json.issue).toEqual(empty.json.issue);
});

describe('context names the element whose value set is meant (valueset-operation-expand.html)', () => {
  test.each([
    ['Patient', 'Patient.gender'],
    ['Patient', 'Patient.contact.gender'],
    ['Person', 'Person.gender'],
  ])('of R4: %s#%s', async (type, place) => {
    expect(await codesOf(`/ValueSet/$expand?${ofType(type, place)}`)).toEqual(['male', 'female', 'other', 'unknown']);
  });

  test('of an element of a datatype, and of a choice in an extension of this server', async () => {
    expect(await codesOf(`/ValueSet/$expand?${ofType('Patient', 'Patient.name.use')}`)).toContain('maiden');
    expect(await codesOf(`/ValueSet/$expand?${ofType('HumanName', 'HumanName.use')}`)).toContain('maiden');
    const extensions = (server.app.repository.builtIns?.all('StructureDefinition') ?? []).map(
      (text) => JSON.parse(text) as StructureDefinition,
    );
    const bound = extensions.flatMap(({ url, differential }) => {
      const value = differential?.element.find(({ id, binding }) => id === 'Extension.value[x]' && binding?.valueSet);
      return value?.binding ? [[url, value.binding.valueSet]] : [];
    });
    expect(bound.length).toBeGreaterThan(0);
    for (const [url = '', valueSetUrl] of bound) {
      const inContext = await codesOf(`/ValueSet/$expand?${contextOf(url, 'Extension.value[x]')}`);
      expect(inContext).toEqual(await codesOf(`/ValueSet/$expand?url=${valueSetUrl}`));
    }
  });

  test("of a tenant's own profile, for that tenant only", async () => {
    const path = `/ValueSet/$expand?${contextOf(profileUrl, 'Observation.value[x]')}`;
    expect(await codesOf(path)).toEqual(['dog', 'cat']);
    expect(await codesOf(path.replace('%5Bx%5D', ''))).toEqual(['dog', 'cat']);
    expectRefusal(await get(path, server.b), 400);
  });

  test('in $validate-code, where it stands for the system of a code too', async () => {
    const resultOf = async (query: string) => valuesOf((await get(`/ValueSet/$validate-code?${query}`)).json, 'result');
    const context = ofType('Patient', 'Patient.gender');
    expect(await resultOf(`${context}&code=female`)).toEqual([true]);
    expect(await resultOf(`${context}&code=dog`)).toEqual([false]);
    expect(await resultOf(`${context}&code=female&system=${gender}`)).toEqual([true]);
    expect(await resultOf(`${context}&code=female&system=${animals}`)).toEqual([false]);
    expect(await resultOf(`${contextOf(profileUrl, 'Observation.value')}&code=dog`)).toEqual([true]);
  });

  test('reading and writing have the same value set (contextDirection)', async () => {
    const path = `/ValueSet/$expand?${ofType('Patient', 'Patient.gender')}`;
    for (const direction of ['incoming', 'outgoing']) {
      expect(await codesOf(`${path}&contextDirection=${direction}`)).toHaveLength(4);
    }
    expectRefusal(await get(`${path}&contextDirection=sideways`), 400);
    expectRefusal(await get('/ValueSet/$expand?url=urn:vs:pets&contextDirection=incoming'), 400);
  });

  test.each([
    [ofType('Patient', 'Patient.nothing'), 'not-found'],
    [ofType('Patient', 'Patient.birthDate'), 'not-found'],
    [ofType('Patient', 'nothing'), 'not-found'],
    [ofType('Nothing', 'Nothing.code'), 'not-found'],
    [contextOf('urn:none', 'Patient.gender'), 'not-found'],
    [ofType('Patient', ''), 'not-supported'],
    ['context=Patient.gender', 'not-supported'],
    [ofType('Patient', 'Patient#gender'), 'not-supported'],
    [`${ofType('Patient', 'Patient.gender')}&url=urn:vs:pets`, 'required'],
  ])('%s is refused as %s', async (query, code) => {
    const answer = await get(`/ValueSet/$expand?${query}`);
    expectRefusal(answer, 400);
    expect(answer.json.issue[0].code).toBe(code);
  });
});

describe('date: "as they were on the given date, or return an error if this is not possible"', () => {
  const today = new Date().toISOString();
  const paths = [
    '/ValueSet/$expand?url=urn:vs:pets',
    `/ValueSet/$validate-code?url=urn:vs:pets&system=${animals}&code=dog`,
    `/CodeSystem/$validate-code?url=${animals}&code=dog`,
    `/CodeSystem/$lookup?system=${animals}&code=dog`,
  ];

  test.each(paths)('%s takes today and refuses any other day', async (path) => {
    for (const date of [today, today.slice(0, 10), today.slice(0, 7), today.slice(0, 4)]) {
      expect((await get(`${path}&date=${date}`)).status).toBe(200);
    }
    for (const date of ['2019-05-05', '2020-01-01T00:00:00Z', '2999']) {
      const answer = await get(`${path}&date=${date}`);
      expectRefusal(answer, 400);
      expect(answer.json.issue[0].code).toBe('not-supported');
    }
    expectRefusal(await get(`${path}&date=yesterday`), 400);
  });

  test('the expansion says what it was asked for', async () => {
    const { json } = await get(`/ValueSet/$expand?url=urn:vs:pets&date=${today}`);
    expect(json.expansion.parameter).toContainEqual({ name: 'date', valueDateTime: today });
  });
});

describe('content in the request', () => {
  const given: CodeSystem = {
    ...{ resourceType: 'CodeSystem', url: 'urn:given', version: '3', status: 'active', content: 'complete' },
    ...{ caseSensitive: false },
    concept: [{ code: 'top', concept: [{ code: 'Leaf', display: 'A leaf', designation: [{ value: 'Blatt' }] }] }],
  };
  const checked = async (system: CodeSystem, ...more: ParametersParameter[]) =>
    await call(server.a, '/CodeSystem/$validate-code', [{ name: 'codeSystem', resource: system }, ...more]);
  const code = (value: string): ParametersParameter => ({ name: 'code', valueCode: value });

  test('codeSystem: its codes are validated, and nothing of it is stored (codesystem-operation-validate-code.html)', async () => {
    const { json } = await checked(given, code('LEAF'), { name: 'display', valueString: 'blatt' });
    expect([valuesOf(json, 'result'), valuesOf(json, 'display')]).toEqual([[true], ['A leaf']]);
    const coding = (system: string) => ({ name: 'coding', valueCoding: { system, code: 'leaf', version: '3' } });
    expect(valuesOf((await checked(given, coding('urn:given'))).json, 'result')).toEqual([true]);
    expect(valuesOf((await checked(given, coding('urn:other'))).json, 'result')).toEqual([false]);
    expect(valuesOf((await checked(given, code('root'))).json, 'result')).toEqual([false]);
    const part = await checked({ ...given, content: 'fragment' }, code('root'));
    expect(valuesOf(part.json, 'message')[0]).toContain('part');
    expectRefusal(await get('/CodeSystem/$lookup?system=urn:given&code=leaf'), 400);
  });

  test('codeSystem without concepts, with a url beside it, or of an instance, is refused', async () => {
    const { concept: _, ...empty } = given;
    expectRefusal(await checked(empty as CodeSystem, code('leaf')), 400);
    expectRefusal(await checked(given, code('leaf'), { name: 'url', valueUri: animals }), 400);
    const ofInstance = [{ name: 'codeSystem', resource: given }, code('leaf')];
    expectRefusal(await call(server.a, '/CodeSystem/animals/$validate-code', ofInstance), 400);
  });

  const coding = (one: string): ParametersParameter => ({
    name: 'coding',
    valueCoding: { system: animals, code: one },
  });
  const { id: _, ...map } = { ...animalMap, url: 'urn:map:given' };
  const translated = async (resource: ConceptMap, ...more: ParametersParameter[]) =>
    await call(server.a, '/ConceptMap/$translate', [{ name: 'conceptMap', resource }, ...more]);
  const codesIn = (json: Parameters<typeof partsOf>[0]) =>
    partsOf(json, 'match').map(({ concept }) => (concept as { code?: string } | undefined)?.code);

  test('conceptMap: translates as a stored one does, both ways (conceptmap-operation-translate.html)', async () => {
    const url = { name: 'url', valueUri: 'urn:map:animals' };
    for (const one of ['dog', 'guide', 'auk', 'cat']) {
      const stored = await call(server.a, '/ConceptMap/$translate', [url, coding(one)]);
      const answer = await translated(map as ConceptMap, coding(one));
      expect(JSON.stringify(answer.json)).toBe(
        JSON.stringify(stored.json).replaceAll('urn:map:animals', 'urn:map:given'),
      );
    }
    const canine = { name: 'coding', valueCoding: { system: 'urn:beings', code: 'canine' } };
    const back = await translated(map as ConceptMap, canine, { name: 'reverse', valueBoolean: true });
    expect(codesIn(back.json)).toEqual(['dog', 'poodle', 'guide']);
    const elsewhere = { name: 'targetsystem', valueUri: 'urn:none' };
    expect(valuesOf((await translated(map as ConceptMap, coding('dog'), elsewhere)).json, 'result')).toEqual([false]);
    expectRefusal(await translated(map as ConceptMap, coding('dog'), url), 400);
  });

  test('dependency: a mapping is applicable only if the element has the value (ConceptMap…target.dependsOn)', async () => {
    const target = (to: string, ...dependsOn: object[]) => ({ code: to, equivalence: 'equivalent', dependsOn });
    const ofAge = (value: string, system?: string) => ({ property: 'urn:age', value, ...(system && { system }) });
    const targets = [
      target('pup', ofAge('young', 'urn:ages|1')),
      target('hound', ofAge('old'), { property: 'urn:use', value: 'hunt' }),
    ];
    const group = [{ source: animals, target: 'urn:beings', element: [{ code: 'dog', target: targets }] }];
    const depending = { ...map, group } as unknown as ConceptMap;
    await put(server.a, { ...depending, id: 'depending', url: 'urn:map:depending' } as ConceptMap & { id: string });
    const depends = (element: string, concept: object): ParametersParameter => ({
      name: 'dependency',
      part: [
        { name: 'element', valueUri: element },
        { name: 'concept', valueCodeableConcept: concept },
      ],
    });
    const young = depends('urn:age', { coding: [{ system: 'urn:ages', code: 'young' }] });
    const old = depends('urn:age', { text: 'old' });
    const hunting = depends('urn:use', { coding: [{ code: 'hunt' }] });
    const asks: [ParametersParameter[], string[]][] = [
      [[], []],
      [[young], ['pup']],
      [[depends('urn:age', { coding: [{ system: 'urn:other', code: 'young' }] })], []],
      [[old], []],
      [[old, hunting], ['hound']],
    ];
    const url = { name: 'url', valueUri: 'urn:map:depending' };
    for (const [dependencies, codes] of asks) {
      const { json } = await translated(depending, coding('dog'), ...dependencies);
      expect([codesIn(json), valuesOf(json, 'result')]).toEqual([codes, [codes.length > 0]]);
      const stored = await call(server.a, '/ConceptMap/$translate', [url, coding('dog'), ...dependencies]);
      expect(codesIn(stored.json)).toEqual(codes);
    }
    expect(valuesOf((await translated(depending, coding('dog'))).json, 'message')[0]).toContain('urn:age');
    const reverse = { name: 'reverse', valueBoolean: true };
    expectRefusal(await translated(depending, coding('dog'), young, reverse), 400);
    expectRefusal(await translated(depending, coding('dog'), { name: 'dependency', part: [] }), 400);
  });

  test('a concept of more than 100 codings is too costly', async () => {
    const many = { coding: Array.from({ length: 101 }, (_, n) => ({ system: animals, code: `c${n}` })) };
    const parameter = { name: 'codeableConcept', valueCodeableConcept: many };
    for (const path of ['/CodeSystem/animals/$validate-code', '/ConceptMap/$translate']) {
      const answer = await call(server.a, path, [parameter]);
      expect(answer.json.issue[0].code).toBe('too-costly');
    }
  });
});

test('$lookup gives the designations of one language by the property lang.X (codesystem-operation-lookup.html)', async () => {
  const { json } = await get(`/CodeSystem/$lookup?system=${animals}&code=dog&property=lang.de`);
  expect(partsOf(json, 'designation')).toEqual([{ language: 'de', value: 'Hund' }]);
  expect(partsOf(json, 'property')).toEqual([]);
});
