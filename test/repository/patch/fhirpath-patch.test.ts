// FHIRPath Patch: https://hl7.org/fhir/R4/fhirpatch.html, with the rules that the FHIR test cases of R4 hold implementations to

import { describe, expect, test } from '@jest/globals';
import { type Operation, parameters, patched, patchText } from './patching.ts';

const base = { resourceType: 'Patient', id: '1', meta: { versionId: '1', lastUpdated: '2026-01-01T00:00:00Z' } };
const patch = (operations: readonly Operation[], members: object = {}) =>
  patched('fhirpath-patch', parameters(...operations), { ...base, ...members });

const identifiers = (...values: number[]) => ({
  identifier: values.map((value) => ({ system: 'http://example.org', value: `value ${value}` })),
});
const contact = (...members: object[]) => ({ contact: [Object.assign({ gender: 'male' }, ...members)] });
const url = { name: 'url', valueUri: 'urn:x' };
const extension = { part: [url, { name: 'value', valueString: 's' }] };
const extended = { extension: [{ url: 'urn:x', valueString: 's' }] };

type Case = [title: string, before: object, operations: Operation[], after: object];

describe('the rules of the FHIR test cases', () => {
  const married = { maritalStatus: { id: '1', text: 'married' } };
  const third = { valueIdentifier: { system: 'http://example.org', value: 'value 3' } };
  const move = (source: number, destination: number) => ({
    type: 'move',
    path: 'Patient.identifier',
    source,
    destination,
  });
  test.each<Case>([
    ['no difference', { birthDate: '1920-01-01' }, [], { birthDate: '1920-01-01' }],
    [
      'replace a primitive',
      { birthDate: '1920-01-01' },
      [{ type: 'replace', path: 'Patient.birthDate', value: { valueDate: '1930-01-01' } }],
      { birthDate: '1930-01-01' },
    ],
    ['delete a primitive', { birthDate: '1920-01-01' }, [{ type: 'delete', path: 'Patient.birthDate' }], {}],
    [
      'add a primitive',
      {},
      [{ type: 'add', path: 'Patient', name: 'birthDate', value: { valueDate: '1930-01-01' } }],
      { birthDate: '1930-01-01' },
    ],
    [
      'replace a nested primitive',
      contact({ name: { text: 'a name' } }),
      [
        { type: 'replace', path: 'Patient.contact[0].gender', value: { valueCode: 'female' } },
        { type: 'replace', path: 'Patient.contact[0].name.text', value: { valueString: 'the name' } },
      ],
      contact({ name: { text: 'the name' }, gender: 'female' }),
    ],
    [
      'deleting the only element of an element deletes both',
      contact({ name: { text: 'a name' } }),
      [{ type: 'delete', path: 'Patient.contact[0].name.text' }],
      contact(),
    ],
    [
      'add a nested primitive',
      { contact: [{ name: { text: 'a name' } }] },
      [{ type: 'add', path: 'Patient.contact[0]', name: 'gender', value: { valueCode: 'male' } }],
      contact({ name: { text: 'a name' } }),
    ],
    [
      'add a complex element',
      {},
      [{ type: 'add', path: 'Patient', name: 'maritalStatus', value: { valueCodeableConcept: { text: 'married' } } }],
      { maritalStatus: { text: 'married' } },
    ],
    [
      'replace a complex element with its id',
      married,
      [{ type: 'replace', path: 'Patient.maritalStatus', value: { valueCodeableConcept: { id: '2', text: 'not' } } }],
      { maritalStatus: { id: '2', text: 'not' } },
    ],
    ['delete a complex element', married, [{ type: 'delete', path: 'Patient.maritalStatus' }], {}],
    [
      'add an element whose type has no name, by its parts',
      {},
      [
        {
          type: 'add',
          path: 'Patient',
          name: 'contact',
          value: { part: [{ name: 'name', valueHumanName: { text: 'a name' } }] },
        },
      ],
      { contact: [{ name: { text: 'a name' } }] },
    ],
    ['delete the last item of a list', contact(), [{ type: 'delete', path: 'Patient.contact[0]' }], {}],
    [
      'change contents of a list',
      identifiers(1, 2),
      [
        { type: 'replace', path: 'Patient.identifier[0].value', value: { valueString: 'value 2' } },
        { type: 'replace', path: 'Patient.identifier[1].value', value: { valueString: 'value 1' } },
      ],
      identifiers(2, 1),
    ],
    ...[[2, 1, 2, 3] as const, [1, 1, 3, 2] as const, [0, 3, 1, 2] as const].map(
      ([index, ...after]): Case => [
        `insert at ${index}`,
        identifiers(1, 2),
        [{ type: 'insert', path: 'Patient.identifier', index, value: third }],
        identifiers(...after),
      ],
    ),
    ...[[0, 2, 3] as const, [1, 1, 3] as const, [2, 1, 2] as const].map(
      ([index, ...after]): Case => [
        `delete item ${index}`,
        identifiers(1, 2, 3),
        [{ type: 'delete', path: `Patient.identifier[${index}]` }],
        identifiers(...after),
      ],
    ),
    ['move up', identifiers(1, 2, 3, 4), [move(3, 1)], identifiers(1, 4, 2, 3)],
    ['move to the start', identifiers(1, 2, 3, 4), [move(3, 0)], identifiers(4, 1, 2, 3)],
    ['move by one', identifiers(1, 2, 3, 4), [move(3, 2)], identifiers(1, 2, 4, 3)],
    ['move to the end', identifiers(1, 2, 3, 4), [move(0, 3)], identifiers(2, 3, 4, 1)],
    ['move twice', identifiers(1, 2, 3, 4), [move(1, 0), move(2, 1)], identifiers(2, 3, 1, 4)],
    ['reverse by moves', identifiers(1, 2, 3, 4), [move(3, 0), move(3, 1), move(3, 2)], identifiers(4, 3, 2, 1)],
    [
      'add to a list that is not there yet',
      {},
      [{ type: 'add', path: 'Patient', name: 'identifier', value: third }],
      identifiers(3),
    ],
    [
      'a narrative comes as a string',
      { text: { status: 'generated', div: '<div>a</div>' } },
      [{ type: 'replace', path: 'Patient.text.div', value: { valueString: '<div>b</div>' } }],
      { text: { status: 'generated', div: '<div>b</div>' } },
    ],
  ])('%s', (_, before, operations, after) => {
    expect(patch(operations, before)).toEqual({ ...base, ...after });
  });
});

describe('what the specification says beside them', () => {
  test.each<Case>([
    ['deleting nothing is no error: "(if found)"', {}, [{ type: 'delete', path: 'Patient.birthDate' }], {}],
    [
      'insert at 0 of a list that is not there yet',
      {},
      [{ type: 'insert', path: 'Patient.name', index: 0, value: { valueHumanName: { text: 'x' } } }],
      { name: [{ text: 'x' }] },
    ],
    [
      'add appends to a list',
      identifiers(1),
      [{ type: 'add', path: 'Patient', name: 'identifier', value: { valueIdentifier: { value: 'x' } } }],
      { identifier: [...identifiers(1).identifier, { value: 'x' }] },
    ],
    [
      'a choice element is named without its type, and the value tells the type',
      {},
      [{ type: 'add', path: 'Patient', name: 'deceased', value: { valueBoolean: true } }],
      { deceasedBoolean: true },
    ],
    [
      'a replaced choice element may change its type',
      { deceasedBoolean: true, _deceasedBoolean: { id: 'a' } },
      [{ type: 'replace', path: 'Patient.deceased', value: { valueDateTime: '2020' } }],
      { deceasedDateTime: '2020' },
    ],
    [
      'extensions of a primitive come and go with it',
      { birthDate: '1920', _birthDate: extended },
      [{ type: 'delete', path: 'Patient.birthDate' }],
      {},
    ],
    [
      'a value may bring extensions of a primitive, or have nothing else',
      { name: [{ text: 'x' }] },
      [
        { type: 'add', path: 'Patient', name: 'birthDate', value: { valueDate: '1920', _valueDate: extended } },
        { type: 'add', path: 'Patient.name', name: 'family', value: { _valueString: extended } },
      ],
      { birthDate: '1920', _birthDate: extended, name: [{ text: 'x', _family: extended }] },
    ],
    [
      'replaced is the value with its extensions',
      { birthDate: '1920', _birthDate: extended },
      [{ type: 'replace', path: 'Patient.birthDate', value: { valueDate: '1930' } }],
      { birthDate: '1930' },
    ],
    [
      'an extension is added to a primitive',
      { birthDate: '1920' },
      [{ type: 'add', path: 'Patient.birthDate', name: 'extension', value: extension }],
      { birthDate: '1920', _birthDate: extended },
    ],
    [
      'an extension is added to a primitive of a list',
      { name: [{ given: ['a', 'b'] }] },
      [{ type: 'add', path: 'Patient.name.given[1]', name: 'extension', value: extension }],
      { name: [{ given: ['a', 'b'], _given: [null, extended] }] },
    ],
    [
      'items of a list of primitives keep their own extensions',
      { name: [{ given: ['a', 'b', null], _given: [null, { id: 'b' }, { id: 'c' }] }] },
      [
        { type: 'move', path: 'Patient.name.given', source: 0, destination: 2 },
        { type: 'insert', path: 'Patient.name.given', index: 1, value: { valueString: 'd' } },
      ],
      { name: [{ given: ['b', 'd', null, 'a'], _given: [{ id: 'b' }, null, { id: 'c' }, null] }] },
    ],
    [
      'the last extension of a primitive without a value takes it along',
      { name: [{ text: 'x', _family: extended, given: [null, 'b'], _given: [extended, null] }] },
      [
        { type: 'delete', path: "Patient.name.family.extension('urn:x')" },
        { type: 'delete', path: "Patient.name.given.extension.where(url = 'urn:x')" },
      ],
      { name: [{ text: 'x', given: ['b'] }] },
    ],
    [
      'an id alone is no content',
      { ...contact({ name: { id: 'a', text: 'x' } }), birthDate: '1920', _birthDate: { id: 'b', ...extended } },
      [
        { type: 'delete', path: 'Patient.contact.name.text' },
        { type: 'delete', path: 'Patient.birthDate.extension' },
      ],
      { ...contact(), birthDate: '1920', _birthDate: { id: 'b' } },
    ],
    [
      'parts may have parts, and those of one name make a list',
      {},
      [
        {
          type: 'add',
          path: 'Patient',
          name: 'contact',
          value: {
            part: [
              {
                name: 'name',
                part: [
                  { name: 'given', valueString: 'a' },
                  { name: 'given', valueString: 'b' },
                ],
              },
              { name: 'extension', ...extension },
            ],
          },
        },
      ],
      { contact: [{ name: { given: ['a', 'b'] }, ...extended }] },
    ],
    [
      'a contained resource is added as one, and patched',
      {},
      [
        {
          type: 'add',
          path: 'Patient',
          name: 'contained',
          value: { resource: { resourceType: 'Basic', id: 'b', code: { text: 'x' } } },
        },
        { type: 'replace', path: "Patient.contained.where(id = 'b').code.text", value: { valueString: 'y' } },
      ],
      { contained: [{ resourceType: 'Basic', id: 'b', code: { text: 'y' } }] },
    ],
    [
      'a more special type fits',
      {},
      [
        {
          type: 'add',
          path: 'Patient',
          name: 'contact',
          value: {
            part: [
              { name: 'name', valueHumanName: { text: 'x' } },
              { name: 'period', part: [{ name: 'start', valueDate: '2020' }] },
            ],
          },
        },
      ],
      { contact: [{ name: { text: 'x' }, period: { start: '2020' } }] },
    ],
    [
      'tags may be changed beside the version',
      {},
      [{ type: 'add', path: 'Patient.meta', name: 'tag', value: { valueCoding: { code: 'x' } } }],
      { meta: { ...base.meta, tag: [{ code: 'x' }] } },
    ],
    [
      'an operation sees what those before it did',
      {},
      [
        { type: 'add', path: 'Patient', name: 'name', value: { valueHumanName: { family: 'x' } } },
        { type: 'add', path: "Patient.name.where(family = 'x')", name: 'given', value: { valueString: 'y' } },
        { type: 'delete', path: 'Patient.name.family' },
      ],
      { name: [{ given: ['y'] }] },
    ],
  ])('%s', (_, before, operations, after) => {
    expect(patch(operations, before)).toEqual({ ...base, ...after });
  });

  test('numbers keep their texts, those of the resource and those of the patch', () => {
    const observation = `{"resourceType":"Observation","id":"1","valueQuantity":{"value":1.00},"component":[{"valueQuantity":{"value":2.50}},{"valueQuantity":{"value":3.0}}]}`;
    const text = JSON.stringify(
      parameters(
        { type: 'delete', path: 'Observation.component.where(value.value = 2.5)' },
        { type: 'replace', path: 'Observation.value', value: { valueQuantity: { value: 7.7 } } },
        {
          type: 'add',
          path: 'Observation.component',
          name: 'interpretation',
          value: { valueCodeableConcept: { text: 'x' } },
        },
      ),
    ).replace('7.7', '7.700');
    expect(patchText('fhirpath-patch', text, observation)).toBe(
      '{"resourceType":"Observation","id":"1","valueQuantity":{"value":7.700},"component":[{"valueQuantity":{"value":3.0},"interpretation":[{"text":"x"}]}]}',
    );
  });
});

describe('what cannot be done is 422 and says which operation and why', () => {
  const text = { valueString: 'x' };
  const before = {
    ...identifiers(1, 2),
    birthDate: '1920',
    deceasedBoolean: true,
    name: [{ text: 'a' }, { text: 'b' }],
  };
  test.each<[Operation, string]>([
    [{ type: 'add', path: 'Patient.maritalStatus', name: 'text', value: text }, 'its path finds nothing'],
    [{ type: 'replace', path: 'Patient.gender', value: text }, 'its path finds nothing'],
    [{ type: 'replace', path: 'Patient.name', value: text }, 'its path finds 2 elements, not one'],
    [{ type: 'delete', path: 'Patient.identifier' }, 'its path finds 2 elements, not one'],
    [{ type: 'delete', path: 'Patient.name.single()' }, 'its path fails: single() finds more than one element'],
    [{ type: 'delete', path: 'Patient' }, 'its path leads to the resource itself'],
    [{ type: 'replace', path: "'x'", value: text }, 'its path leads to no element'],
    [{ type: 'add', path: 'Patient.name.count()', name: 'x', value: text }, 'its path leads to no element'],
    [
      { type: 'add', path: 'Patient', name: 'birthDate', value: { valueDate: '1930' } },
      'birthDate is there already and is no list; replace it',
    ],
    [
      { type: 'add', path: 'Patient', name: 'deceased', value: { valueDateTime: '1930' } },
      'deceased is there already and is no list; replace it',
    ],
    [{ type: 'add', path: 'Patient', name: 'birthday', value: text }, 'Patient has no element birthday'],
    [{ type: 'add', path: 'Patient', name: '__proto__', value: text }, 'Patient has no element __proto__'],
    [{ type: 'add', path: 'Patient', name: 'a b', value: text }, 'Patient has no element of this name'],
    [{ type: 'add', path: 'Patient', name: 'gender', value: text }, 'gender takes code, not string'],
    [{ type: 'replace', path: 'Patient.deceased', value: text }, 'deceased takes boolean, dateTime, not string'],
    [{ type: 'replace', path: 'Patient.birthDate', value: { part: [url] } }, 'birthDate takes date, not parts'],
    [{ type: 'add', path: 'Patient', name: 'contact', value: text }, 'contact takes Patient.contact, not string'],
    [{ type: 'add', path: 'Patient', name: 'contact', value: { part: [url] } }, 'Patient.contact has no element url'],
    [
      {
        type: 'add',
        path: 'Patient',
        name: 'name',
        value: { resource: { resourceType: 'Basic', code: { text: 'x' } } },
      },
      'name takes HumanName, no resource',
    ],
    [
      { type: 'add', path: 'Patient', name: 'name', value: { id: 'a' } },
      'name needs one value[x], resource or list of parts',
    ],
    [
      { type: 'insert', path: 'Patient.identifier', index: 3, value: { valueIdentifier: { value: 'x' } } },
      '3 is beyond the end of the list',
    ],
    [{ type: 'insert', path: 'Patient.birthDate', index: 0, value: { valueDate: '1930' } }, 'birthDate is no list'],
    [
      { type: 'insert', path: 'Patient.identifier[0]', index: 0, value: text },
      'its path does not end in the name of a list',
    ],
    [{ type: 'insert', path: 'Patient.name.given', index: 0, value: text }, 'its path finds 2 elements, not one'],
    [{ type: 'move', path: 'Patient.identifier', source: 2, destination: 0 }, '2 is beyond the end of the list'],
    [{ type: 'move', path: 'Patient.identifier', source: 0, destination: 2 }, '2 is beyond the end of the list'],
    [{ type: 'delete', path: 'Patient.id' }, 'the server owns id'],
    [{ type: 'replace', path: 'Patient.id', value: { valueId: '2' } }, 'the server owns id'],
    [{ type: 'delete', path: 'Patient.meta' }, 'the server owns meta.versionId, meta.lastUpdated'],
    [
      { type: 'replace', path: 'Patient.meta', value: { valueMeta: { tag: [{ code: 'x' }] } } },
      'the server owns meta.versionId, meta.lastUpdated',
    ],
    [{ type: 'replace', path: 'Patient.meta.versionId', value: { valueId: '2' } }, 'the server owns meta.versionId'],
    [{ type: 'delete', path: 'Observation.status' }, 'its path does not start at Patient'],
    [{ type: 'delete', path: 'Patient.name.where(' }, 'its path is none that can be followed: a name is missing in it'],
    [
      { type: 'delete', path: 'Patient.constructor()' },
      'its path is none that can be followed: there is no function constructor',
    ],
    [
      { type: 'delete', path: `${'('.repeat(900)}` },
      'its path is none that can be followed: its parentheses are nested too deep',
    ],
    [
      { type: 'delete', path: "/name/0'||(...)" },
      'its path is none that can be followed: it has a character outside of the supported syntax',
    ],
    [
      { type: 'delete', path: 'Patient.birthday' },
      'its path is none that can be followed: Patient has no element birthday',
    ],
  ])('%j', (operation, reason) => {
    const operations = [{ type: 'delete', path: 'Patient.photo' }, operation];
    const message = `Operation 1 of the patch (${operation.type}) cannot be done: ${reason}.`;
    const issues = [expect.objectContaining({ diagnostics: message, expression: ['Parameters.parameter[1]'] })];
    expect(() => patch(operations, before)).toThrow(expect.objectContaining({ status: 422, issues }));
  });

  test('nested criteria over long lists are stopped by a budget for the whole patch (security.md 92)', () => {
    const many = identifiers(...Array(1_500).keys());
    const path = "identifier.where(%resource.identifier.where(%resource.identifier.exists(value = 'x')).exists())";
    expect(() => patch([{ type: 'delete', path }], many)).toThrow(
      expect.objectContaining({ status: 422, message: expect.stringContaining('it takes too many steps') }),
    );
  });

  test('extensions in extensions do not nest without end', () => {
    const operations = Array.from({ length: 70 }, (_, depth) => ({
      ...{ type: 'add', name: 'extension', value: { part: [url] } },
      path: `Patient${'.extension'.repeat(depth)}`,
    }));
    expect(() => patch(operations)).toThrow(expect.objectContaining({ status: 422 }));
  });
});

describe('what is no FHIRPath Patch is 400', () => {
  const operation = (...part: object[]) => ({ resourceType: 'Parameters', parameter: [{ name: 'operation', part }] });
  const [type, path] = [
    { name: 'type', valueCode: 'delete' },
    { name: 'path', valueString: 'Patient.name' },
  ];
  test.each<[string, unknown, string]>([
    ['a JSON Patch', [{ op: 'remove', path: '/name' }], 'application/json-patch+json'],
    ['another resource', base, 'is a Parameters resource'],
    [
      'another parameter',
      { resourceType: 'Parameters', parameter: [{ name: 'op', part: [type, path] }] },
      'of the name operation',
    ],
    ['no parts', { resourceType: 'Parameters', parameter: [{ name: 'operation' }] }, 'needs a part type'],
    ['no type', operation(path), 'needs a part type'],
    ['an unknown type', operation({ ...type, valueCode: 'update' }, path), 'one of add, insert, delete, replace, move'],
    ['the name of a prototype member', operation({ ...type, valueCode: 'toString' }, path), 'needs a part type'],
    ['no path', operation(type), '(delete) has these parts, each once: type, path'],
    ['a part too many', operation(type, path, { name: 'name', valueString: 'x' }), 'each once: type, path'],
    ['a part twice', operation(type, path, path), 'each once: type, path'],
    ['a path that is no text', operation(type, { name: 'path', valueInteger: 1 }), 'needs texts as path and name'],
    [
      'an index below 0',
      parameters({ type: 'insert', path: 'Patient.name', index: -1, value: { valueHumanName: { text: 'x' } } }),
      'whole numbers, 0 or more',
    ],
    ['too many operations', parameters(...Array(1_001).fill({ type: 'delete', path: 'Patient.name' })), 'at most 1000'],
  ])('%s', (_, document, message) => {
    expect(() => patched('fhirpath-patch', document, base)).toThrow(
      expect.objectContaining({ status: 400, message: expect.stringContaining(message) }),
    );
  });

  test('a value that is not valid in itself is told by its place', () => {
    const document = parameters({
      type: 'add',
      path: 'Patient',
      name: 'birthDate',
      value: { valueDate: '2026-02-30' },
    });
    const expression = [expect.stringContaining('Parameters.parameter[0].part[3]')];
    expect(() => patched('fhirpath-patch', document, base)).toThrow(
      expect.objectContaining({ issues: [expect.objectContaining({ expression })] }),
    );
  });
});
