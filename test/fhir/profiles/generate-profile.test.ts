// What a differential may say and what becomes of it: https://hl7.org/fhir/R4/profiling.html#snapshot

import { describe, expect, test } from '@jest/globals';
import type { ElementDefinition } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import type { Structure } from '../../../src/fhir/profiles/generate-profile.ts';
import { ProfileSet } from '../../../src/fhir/profiles/profile-set.ts';
import { snapshotElements } from '../../../src/fhir/profiles/snapshot-elements.ts';
import { extension, structure } from './structures.ts';

const definitions = loadDefinitions();
type Elements = readonly Partial<ElementDefinition>[];

function setOf(...structures: readonly Structure[]): ProfileSet {
  const byUrl = new Map(structures.map((one) => [one.resource.url, one]));
  return new ProfileSet(definitions, (url) => byUrl.get(url));
}

/** The snapshot of the first, by element id. */
function snapshot(...structures: readonly [Structure, ...Structure[]]): Map<string | undefined, ElementDefinition> {
  const generated = setOf(...structures).get(structures[0].resource.url);
  if (!generated?.profile) throw new Error(JSON.stringify(generated?.issues));
  return new Map(snapshotElements(generated.profile).map((element) => [element.id, element]));
}

function faults(...structures: readonly [Structure, ...Structure[]]): (string | undefined)[] {
  const generated = setOf(...structures).get(structures[0].resource.url);
  return (generated?.issues ?? []).map(({ diagnostics }) => diagnostics.replace(/^StructureDefinition \S+, /, ''));
}

const patient = (elements: Elements) => structure('urn:p', 'Patient', elements);
const observation = (elements: Elements) => structure('urn:o', 'Observation', elements);

describe('a differential narrows its base', () => {
  test('cardinality, flags, binding and constraints are laid over the element, the rest stays as it is', () => {
    const elements = snapshot(
      patient([
        { path: 'Patient.name', min: 1, max: '2', mustSupport: true },
        { path: 'Patient.maritalStatus', binding: { strength: 'required', valueSet: 'urn:v' } },
        { path: 'Patient.contact', constraint: [{ key: 'x-1', severity: 'error', human: 'x', expression: 'true' }] },
      ]),
    );
    expect(elements.get('Patient.name')).toMatchObject({ min: 1, max: '2', mustSupport: true });
    expect(elements.get('Patient.name')?.base).toEqual({ path: 'Patient.name', min: 0, max: '*' });
    expect(elements.get('Patient.maritalStatus')?.binding).toEqual({ strength: 'required', valueSet: 'urn:v' });
    expect(elements.get('Patient.contact')?.constraint?.map(({ key }) => key)).toEqual(['pat-1', 'x-1']);
    expect(elements.get('Patient.gender')).toMatchObject({ min: 0, max: '1' });
  });

  test('the inside of a datatype is opened where the differential goes into it, and nowhere else', () => {
    const elements = snapshot(patient([{ path: 'Patient.name.family', min: 1 }]));
    expect(elements.get('Patient.name.family')?.min).toBe(1);
    expect(elements.has('Patient.name.given')).toBe(true);
    expect(elements.has('Patient.address.city')).toBe(false);
  });

  test('what points to another element by contentReference gets the elements of that one', () => {
    const elements = snapshot(structure('urn:q', 'Questionnaire', [{ path: 'Questionnaire.item.item.text', min: 1 }]));
    expect(elements.get('Questionnaire.item.item.text')?.min).toBe(1);
    expect(elements.get('Questionnaire.item.item')?.contentReference).toBeUndefined();
    expect(elements.get('Questionnaire.item.text')?.min).toBe(0);
  });

  test('a profile on a profile starts from what that one says', () => {
    const child = structure('urn:c', 'Patient', [{ path: 'Patient.name.given', min: 1 }], { baseDefinition: 'urn:p' });
    const elements = snapshot(child, patient([{ path: 'Patient.name.family', min: 1 }]));
    expect(elements.get('Patient.name.family')?.min).toBe(1);
    expect(elements.get('Patient.name.given')?.min).toBe(1);
  });

  test('the profile of a type gives its elements where the differential goes into it', () => {
    const elements = snapshot(
      patient([
        { path: 'Patient.extension', sliceName: 'born', type: [{ code: 'Extension', profile: ['urn:e'] }] },
        { path: 'Patient.extension.value[x]', binding: { strength: 'required', valueSet: 'urn:v' } },
      ]),
      extension('urn:e', 'code'),
    );
    expect(elements.get('Patient.extension:born.url')).toMatchObject({ fixedUri: 'urn:e' });
    expect(elements.get('Patient.extension:born.value[x]')?.type).toEqual([{ code: 'code' }]);
    expect(elements.get('Patient.extension')?.slicing?.discriminator).toEqual([{ type: 'value', path: 'url' }]);
  });
});

test('fixed numbers keep the digits they were written with', () => {
  const element = [
    { id: 'Observation.value[x]', path: 'Observation.value[x]', patternQuantity: { value: 1.5 } },
  ] as Partial<ElementDefinition>[];
  const exactNumbers = new Map([['/differential/element/0/patternQuantity/value', '1.50']]);
  const generated = setOf({ ...observation(element), exactNumbers }).get('urn:o');
  const numbers = new Map<string, string>();
  const elements = snapshotElements(generated!.profile!, numbers);
  const index = elements.findIndex(({ id }) => id === 'Observation.value[x]');
  expect([...numbers]).toEqual([[`/snapshot/element/${index}/patternQuantity/value`, '1.50']]);
});

describe('slices', () => {
  const slicing = { discriminator: [{ type: 'value' as const, path: 'system' }], rules: 'open' as const };
  const sliced: Elements = [
    { path: 'Patient.identifier', slicing },
    { path: 'Patient.identifier.use', min: 1 },
    { path: 'Patient.identifier', sliceName: 'mr', max: '1', slicing: { ...slicing, rules: 'closed' } },
    { path: 'Patient.identifier.system', fixedUri: 'urn:mr' },
    { path: 'Patient.identifier', sliceName: 'mr/new' },
    { path: 'Patient.identifier.value', min: 1 },
  ];

  test('a slice starts from its element and is optional unless it says so; what follows it is inside', () => {
    const elements = snapshot(patient(sliced));
    expect(elements.get('Patient.identifier:mr')).toMatchObject({ min: 0, max: '1', sliceName: 'mr' });
    expect(elements.get('Patient.identifier:mr.system')).toMatchObject({ fixedUri: 'urn:mr' });
    expect(elements.get('Patient.identifier:mr.use')?.min).toBe(1);
    expect(elements.get('Patient.identifier.system')).not.toHaveProperty('fixedUri');
  });

  test('a slice of a slice starts from that slice', () => {
    const elements = snapshot(patient(sliced));
    expect(elements.get('Patient.identifier:mr/new.system')).toMatchObject({ fixedUri: 'urn:mr' });
    expect(elements.get('Patient.identifier:mr/new.value')?.min).toBe(1);
    expect(elements.get('Patient.identifier:mr.value')?.min).toBe(0);
  });

  test('ids tell the place of an element as well as the order does', () => {
    const byId = [...sliced.slice(0, 3), { path: 'Patient.gender', min: 1 }].map((element) => ({ ...element }));
    byId.push({ id: 'Patient.identifier:mr.system', path: 'Patient.identifier.system', fixedUri: 'urn:mr' } as never);
    expect(snapshot(patient(byId)).get('Patient.identifier:mr.system')).toMatchObject({ fixedUri: 'urn:mr' });
  });

  test('a choice element narrowed to one type by name is that type only', () => {
    const elements = snapshot(observation([{ path: 'Observation.valueQuantity.code', min: 1 }]));
    expect(elements.get('Observation.value[x]')).toMatchObject({
      type: [{ code: 'Quantity' }],
      slicing: { rules: 'closed' },
    });
    expect(elements.get('Observation.value[x]:valueQuantity.code')?.min).toBe(1);
  });

  test('two types named leave both, and a slice by its name leaves the others too', () => {
    const two = snapshot(
      observation([
        { path: 'Observation.valueQuantity', max: '1' },
        { path: 'Observation.valueString', max: '1' },
      ]),
    );
    expect(two.get('Observation.value[x]')?.type?.map(({ code }) => code)).toEqual(['Quantity', 'string']);
    const named = snapshot(
      observation([{ path: 'Observation.value[x]', sliceName: 'valueString', type: [{ code: 'string' }] }]),
    );
    expect(named.get('Observation.value[x]')?.type).toHaveLength(11);
  });
});

describe('a bad profile is refused with the element at fault', () => {
  test.each<[string, Elements, string]>([
    [
      'min below the base',
      [{ path: 'Patient.link.other', min: 0 }],
      "element Patient.link.other: min 0 is less than the base's 1.",
    ],
    [
      'max above the base',
      [{ path: 'Patient.gender', max: '2' }],
      "element Patient.gender: max 2 is more than the base's 1.",
    ],
    ['min above max', [{ path: 'Patient.name', min: 3, max: '2' }], 'element Patient.name: min 3 is more than max 2.'],
    ['no number', [{ path: 'Patient.name', min: -1 }], 'element Patient.name: min must be a whole number from 0.'],
    ['unknown element', [{ path: 'Patient.nickname' }], 'element Patient.nickname: Patient has no element nickname.'],
    [
      'unknown inside',
      [{ path: 'Patient.name.first' }],
      'element Patient.name.first: Patient.name has no element first.',
    ],
    [
      'foreign type',
      [{ path: 'Patient.active', type: [{ code: 'string' }] }],
      "element Patient.active: type string is none of the base's: boolean.",
    ],
    [
      'foreign target',
      [
        {
          path: 'Patient.managingOrganization',
          type: [{ code: 'Reference', targetProfile: ['http://hl7.org/fhir/StructureDefinition/Patient'] }],
        },
      ],
      "element Patient.managingOrganization: target Patient is none of the base's: Organization.",
    ],
    [
      'weaker binding',
      [{ path: 'Patient.gender', binding: { strength: 'preferred', valueSet: 'urn:v' } }],
      'element Patient.gender: a required binding cannot become preferred.',
    ],
    [
      'value of another type',
      [{ path: 'Patient.active', fixedString: 'x' }],
      'element Patient.active: fixedString is of none of its types.',
    ],
    [
      'slice of what nobody slices',
      [{ path: 'Patient.name', sliceName: 'a' }],
      'element Patient.name:a: its element is not sliced: slicing must say how slices are told apart.',
    ],
    [
      'slices that need more than there may be',
      [
        { path: 'Patient.name', max: '1', slicing: { discriminator: [{ type: 'value', path: 'use' }], rules: 'open' } },
        { path: 'Patient.name', sliceName: 'a', min: 1 },
        { path: 'Patient.name', sliceName: 'b', min: 1 },
      ],
      'element Patient.name: its slices need 2 together, its max is 1.',
    ],
    ['another type', [{ path: 'Observation.code' }], 'element Observation: its elements must be those of Patient.'],
  ])('%s', (_, elements, text) => {
    expect(faults(structure('urn:p', 'Patient', elements))).toEqual([text]);
  });

  test('the expression of the issue leads to the element', () => {
    const generated = setOf(patient([{ path: 'Patient.gender', max: '2' }])).get('urn:p');
    expect(generated?.issues?.[0]?.expression).toEqual([
      "StructureDefinition.differential.element.where(id = 'Patient.gender')",
    ]);
  });

  test('bases that are unknown, of another type, or lead back to the profile', () => {
    const on = (url: string, baseDefinition: string) => structure(url, 'Patient', [], { baseDefinition });
    expect(faults(on('urn:a', 'urn:nobody'))).toHaveLength(1);
    expect(faults(on('urn:a', 'http://hl7.org/fhir/StructureDefinition/Group'))).toHaveLength(1);
    expect(faults(on('urn:a', 'urn:b'), on('urn:b', 'urn:a'))).toHaveLength(1);
    expect(faults(structure('urn:a', 'Patient', [], { derivation: 'specialization' }))).toHaveLength(1);
  });

  test('a profile of itself in a type does not run on', () => {
    const own = { path: 'Patient.contained', type: [{ code: 'Patient', profile: ['urn:p'] }] };
    expect(snapshot(patient([own, { path: 'Patient.contained.gender', min: 1 }])).has('Patient.contained.gender')).toBe(
      true,
    );
  });

  test('few elements that make a tree of millions are too costly', () => {
    const slicing = { discriminator: [{ type: 'value' as const, path: 'url' }], rules: 'open' as const };
    const levels = Array.from({ length: 6 }, (_, depth) => `Patient${'.extension'.repeat(depth + 1)}`);
    const slices = (path: string) => Array.from({ length: 12 }, (_, i) => ({ id: `${path}:s${i}`, path }));
    const listed = levels.flatMap((path) => [{ id: path, path, slicing }, ...slices(path)]);
    const generated = setOf(patient(listed)).get('urn:p');
    expect(generated?.issues?.map(({ code }) => code)).toEqual(['too-costly']);
  });

  test('more slices than anybody has are refused', () => {
    const slicing = { discriminator: [{ type: 'value' as const, path: 'system' }], rules: 'open' as const };
    const path = 'Patient.identifier';
    const slices = Array.from({ length: 15_000 }, (_, i) => ({ id: `${path}:s${i}`, path }));
    expect(faults(patient([{ id: path, path, slicing }, ...slices]))[0]).toContain('more than 1000 slices');
  });

  test('a list or a path too long is refused before it is read', () => {
    const many = Array.from({ length: 20_001 }, (_, i) => ({ path: `Patient.x${i}` }));
    expect(faults(patient(many))).toHaveLength(1);
    expect(faults(patient([{ path: `Patient${'.extension'.repeat(50)}` }]))).toHaveLength(1);
    expect(faults(patient([{ path: 'Patient.name' }, { path: 'Patient.name' }]))).toHaveLength(1);
  });
});

describe('the snapshot a StructureDefinition came with', () => {
  const own = patient([{ path: 'Patient.name', min: 1 }]);
  const whole = snapshotElements(setOf(own).get('urn:p')!.profile!);
  const withSnapshot = (element: ElementDefinition[]): Structure => ({
    resource: {
      ...own.resource,
      differential: { element: [{ path: 'Patient' }] as [ElementDefinition] },
      snapshot: { element: element as [ElementDefinition] },
    },
  });

  test('is taken as it is when it is whole', () => {
    expect(snapshot(withSnapshot(whole)).get('Patient.name')?.min).toBe(1);
    expect([...snapshot(withSnapshot(whole)).keys()]).toEqual(whole.map(({ id }) => id));
  });

  test('is made anew when elements are missing or unknown', () => {
    const without = whole.filter(({ id }) => id !== 'Patient.gender');
    const unknown = [...whole, { id: 'Patient.x', path: 'Patient.x' } as ElementDefinition];
    expect(snapshot(withSnapshot(without)).get('Patient.name')?.min).toBe(0);
    expect(snapshot(withSnapshot(unknown)).get('Patient.name')?.min).toBe(0);
  });
});

describe('hostile definitions', () => {
  const path = fc
    .array(
      fc.constantFrom('Patient', 'name', 'extension', 'value[x]', 'valueString', 'contact', '', 'x'.repeat(200), 'id'),
      { minLength: 1, maxLength: 50 },
    )
    .map((steps) => steps.join('.'));
  const element = fc.record(
    {
      path: fc.oneof(
        path,
        path.map((text) => `Patient.${text}`),
        fc.anything(),
      ),
      id: fc.oneof(path, fc.anything()),
      sliceName: fc.constantFrom('a', 'a/b', '@default', '', '__proto__'),
      min: fc.anything(),
      max: fc.oneof(fc.constantFrom('*', '0', '1', '99'), fc.string()),
      type: fc.array(
        fc.record({
          code: fc.constantFrom('string', 'Extension', 'Resource', 'x'),
          profile: fc.array(fc.constantFrom('urn:p', 'urn:x')),
        }),
      ),
      slicing: fc.record({
        discriminator: fc.array(fc.record({ type: fc.constantFrom('value', 'x'), path: path })),
        rules: fc.constantFrom('open', 'closed', 'x'),
      }),
      fixedString: fc.anything(),
    },
    { requiredKeys: ['path'] },
  );

  test('never throw, and say what is wrong or make a snapshot', () => {
    fc.assert(
      fc.property(fc.array(element, { maxLength: 30 }), (elements) => {
        const generated = setOf(structure('urn:p', 'Patient', elements as Elements)).get('urn:p');
        expect(generated?.profile !== undefined || (generated?.issues?.length ?? 0) > 0).toBe(true);
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
