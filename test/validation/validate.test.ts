// The rules of FHIR's JSON and of base R4, one by one: https://hl7.org/fhir/R4/json.html

import { describe, expect, test } from '@jest/globals';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { parseJson } from '../../src/fhir/json.ts';
import { createStructureCheck } from '../../src/validation/structure.ts';
import { createValidator } from '../../src/validation/validate.ts';

const validate = createStructureCheck(loadDefinitions());

/** `code path` of each issue. */
function issues(resource: unknown): string[] {
  return validate(resource).map(({ code, expression }) => `${code} ${expression?.[0] ?? '-'}`);
}

function patient(members: object): object {
  return { resourceType: 'Patient', ...members };
}

describe('what a resource is', () => {
  test.each([
    [null],
    [undefined],
    ['Patient'],
    [[]],
    [{}],
    [{ resourceType: 1 }],
    [{ resourceType: 'Nothing' }],
    [{ resourceType: 'Resource' }],
    [{ resourceType: 'DomainResource' }],
    [{ resourceType: 'HumanName' }],
    [{ resourceType: 'constructor' }],
    [{ resourceType: '__proto__' }],
    [{ resourceType: 'SubscriptionStatus' }],
    [{ resourceType: 'Project' }],
  ])('%j is none', (value) => {
    expect(issues(value)).toEqual(['structure -']);
  });

  test('a resourceType that cannot be a name is not repeated', () => {
    expect(validate({ resourceType: '<b>Mrs Jones</b>' })[0]?.diagnostics).toBe(
      'The resourceType is not a resource type of FHIR R4.',
    );
  });
});

describe('elements and cardinality', () => {
  test('an unknown element is named, and also one of medplum or R5', () => {
    expect(issues(patient({ nickname: 'x' }))).toEqual(['structure Patient.nickname']);
    expect(issues(patient({ name: [{ first: 'x' }] }))).toEqual(['structure Patient.name[0].first']);
    expect(issues(patient({ meta: { project: 'x' } }))).toEqual(['structure Patient.meta.project']);
    expect(issues(patient({ 'Mrs Jones': 1, constructor: 1 }))).toEqual([
      'structure Patient',
      'structure Patient.constructor',
    ]);
  });

  test('a required element is named where it is missing', () => {
    expect(issues({ resourceType: 'Appointment' })).toEqual([
      'required Appointment.status',
      'required Appointment.participant',
    ]);
    expect(issues(patient({ link: [{ type: 'refer' }] }))).toEqual(['required Patient.link[0].other']);
    expect(
      issues({ resourceType: 'MedicationRequest', status: 'draft', intent: 'order', subject: { display: 'x' } }),
    ).toEqual(['required MedicationRequest.medication']);
  });

  test('what may repeat is an array, what may not is none', () => {
    expect(issues(patient({ name: { family: 'x' }, birthDate: ['2026'], maritalStatus: [{ text: 'x' }] }))).toEqual([
      'structure Patient.name',
      'structure Patient.birthDate',
      'structure Patient.maritalStatus',
    ]);
    expect(issues(patient({ link: [[{ other: { display: 'x' }, type: 'refer' }]] }))).toEqual([
      'structure Patient.link[0]',
    ]);
  });

  test('a choice has one type', () => {
    expect(issues(patient({ deceasedBoolean: true, deceasedDateTime: '2026' }))).toEqual([
      'structure Patient.deceased',
    ]);
    expect(issues(patient({ deceasedBoolean: true, _deceasedBoolean: { id: 'a' } }))).toEqual([]);
    expect(issues(patient({ deceased: true, deceasedString: 'x' }))).toEqual([
      'structure Patient.deceased',
      'structure Patient.deceasedString',
    ]);
  });

  test('nothing is empty or null', () => {
    const empty = { name: [], contact: [{}, null, { id: 'c' }], gender: null, maritalStatus: {}, language: '' };
    expect(issues(patient(empty))).toEqual([
      'structure Patient.name',
      'structure Patient.contact[1]',
      'structure Patient.contact[0]',
      'structure Patient.contact[2]',
      'structure Patient.gender',
      'structure Patient.maritalStatus',
      'value Patient.language',
    ]);
  });
});

describe('primitives', () => {
  test('another JSON type is a fault of structure, a wrong text one of value', () => {
    const wrong = {
      active: 'true',
      birthDate: 20261120,
      multipleBirthInteger: '1',
      photo: [{ size: 1.5 }, { size: -1 }, { url: 'a b' }],
    };
    expect(issues(patient(wrong))).toEqual([
      'structure Patient.active',
      'structure Patient.birthDate',
      'structure Patient.multipleBirth',
      'value Patient.photo[0].size',
      'value Patient.photo[1].size',
      'value Patient.photo[2].url',
    ]);
  });

  test.each([
    ['id', ['a', 'A-1.z', '0'.repeat(64)], ['', 'a b', 'a/b', 'ä', '0'.repeat(65), 'a\n']],
    ['birthDate', ['2026', '2024-02-29'], ['2026-02-29', '2026-11-20T10:00:00Z', 'yesterday']],
    [
      'deceasedDateTime',
      ['2026-11', '2026-11-20T10:00:00+05:30'],
      ['2026-11-20T10:00:00', '2026-11-20T10:00Z', '2026-11-31'],
    ],
    ['implicitRules', ['urn:x', 'http://x.example/y?z'], ['', 'a b', 'a\tb']],
    ['language', ['de', 'de-CH'], [' de', 'de ', 'de  CH', '\t']],
  ])('%s may be %j, not %j', (name, right, wrong) => {
    for (const value of right) expect(issues(patient({ [name]: value }))).toEqual([]);
    for (const value of wrong) expect(validate(patient({ [name]: value }))[0]?.code).toBe('value');
  });

  test.each([
    [
      'valueBase64Binary',
      ['aGVsbG8=', 'aGVs\r\nbG8=', 'AA=='],
      ['a', 'aGVsbG8', '=AAA', 'A===', 'AA=A', 'a*bc', '', ' ', 'ÄÄÄÄ'],
    ],
    ['valueInteger', [0, -2_147_483_648, 2_147_483_647, 1.0], [0.5, 2_147_483_648, 1e100]],
    ['valueUnsignedInt', [0], [-1]],
    ['valuePositiveInt', [1], [0]],
    ['valueDecimal', [0, -1.5, 1e20], []],
    ['valueTime', ['00:00:00', '23:59:60.5'], ['24:00:00', '10:00', '10:00:00Z']],
    ['valueOid', ['urn:oid:1.2.3', 'urn:oid:2.0'], ['1.2.3', 'urn:oid:3.1', 'urn:oid:1.01', 'urn:oid:1']],
    [
      'valueUuid',
      ['urn:uuid:0b2fd4d2-9c1d-4f2c-8c5e-1f0d6a2b3c4d'],
      ['0b2fd4d2-9c1d-4f2c-8c5e-1f0d6a2b3c4d', 'urn:uuid:0'],
    ],
    ['valueInstant', ['2026-11-20T10:00:00Z'], ['2026-11-20', '2026-11-20T10:00:00']],
    ['valueString', [' ', 'x'.repeat(1_048_576)], ['', 'x'.repeat(1_048_577)]],
  ])('%s', (name, right, wrong) => {
    for (const value of right) expect(issues(patient({ extension: [{ url: 'urn:u', [name]: value }] }))).toEqual([]);
    for (const value of wrong)
      expect(validate(patient({ extension: [{ url: 'urn:u', [name]: value }] }))[0]?.code).toBe('value');
  });

  test('a code of a required binding is one of its value set, and the sentence lists a few', () => {
    expect(validate(patient({ gender: 'man' }))).toEqual([
      {
        severity: 'error',
        code: 'code-invalid',
        diagnostics:
          'Patient.gender must be a code of http://hl7.org/fhir/ValueSet/administrative-gender: male, female, other, unknown; found "man".',
        expression: ['Patient.gender'],
      },
    ]);
    expect(issues({ resourceType: 'Binary', contentType: 'application/x-anything' })).toEqual([]);
  });

  test('no text that the client sent is in the sentences', () => {
    const secret = 'Jones';
    const wrong = patient({
      active: secret,
      gender: secret,
      birthDate: secret,
      [`${secret}!`]: 1,
      name: [{ given: [secret, ''] }],
      photo: [{ url: `${secret} x` }],
    });
    expect(JSON.stringify(validate(wrong))).not.toContain(secret);
    expect(validate(wrong)).toHaveLength(6);
  });
});

describe('extensions of primitives (https://hl7.org/fhir/R4/json.html#primitive)', () => {
  const reason = {
    extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }],
  };

  test('stand beside a value or in its place, required ones too', () => {
    expect(issues(patient({ _birthDate: reason, gender: 'male', _gender: { id: 'g', ...reason } }))).toEqual([]);
    expect(issues({ resourceType: 'Basic', code: { text: 'x' }, _created: reason })).toEqual([]);
    expect(
      issues({
        resourceType: 'Slot',
        schedule: { display: 'x' },
        _status: reason,
        _start: reason,
        end: '2026-11-20T10:00:00Z',
      }),
    ).toEqual([]);
  });

  test('an id alone is no value of a required element', () => {
    expect(issues({ resourceType: 'Observation', code: { text: 'x' }, _status: { id: 'x' } })).toEqual([
      'required Observation.status',
    ]);
  });

  test('repeat in step with the values: null only where the other array has something', () => {
    expect(
      issues(
        patient({ name: [{ given: ['a', null, 'c'], _given: [null, reason, { id: 'c' }] }, { _given: [reason] }] }),
      ),
    ).toEqual([]);
    expect(issues(patient({ name: [{ given: ['a', null] }] }))).toEqual(['structure Patient.name[0].given[1]']);
    expect(issues(patient({ name: [{ given: [null], _given: [null] }] }))).toEqual([
      'structure Patient.name[0].given[0]',
    ]);
    expect(issues(patient({ name: [{ given: [null], _given: [{ id: 'x' }] }] }))).toEqual([
      'structure Patient.name[0].given[0]',
    ]);
    expect(issues(patient({ name: [null] }))).toEqual(['structure Patient.name[0]']);
  });

  test('are elements themselves, and only of primitives', () => {
    expect(issues(patient({ _birthDate: { value: 1 } }))).toEqual(['structure Patient.birthDate.value']);
    expect(issues(patient({ _birthDate: 'x', _gender: [reason], name: [{ _given: reason }] }))).toEqual([
      'structure Patient.birthDate',
      'structure Patient.gender',
      'structure Patient.name[0].given',
    ]);
    expect(issues(patient({ _name: [{ id: 'x' }], _id: { id: 'x' } }))).toEqual([
      'structure Patient._name',
      'structure Patient._id',
    ]);
    const text = { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' };
    expect(issues(patient({ text: { ...text, _div: { id: 'x' } } }))).toEqual(['structure Patient.text._div']);
  });
});

describe('extensions (https://hl7.org/fhir/R4/extensibility.html)', () => {
  test.each([
    [{ valueString: 'x' }, 'required Patient.extension[0].url'],
    [{ url: 'urn:u' }, 'required Patient.extension[0].value'],
    [{ url: 'urn:u', valueString: 'x', extension: [{ url: 'v', valueCode: 'c' }] }, 'structure Patient.extension[0]'],
    [{ url: 'urn:u', valueString: 'x', valueCode: 'y' }, 'structure Patient.extension[0]'],
    [{ url: 'urn:u', valueName: 'x' }, 'structure Patient.extension[0].valueName'],
    [{ url: 'urn:u', extension: [{ url: 'v' }] }, 'required Patient.extension[0].extension[0].value'],
  ])('ext-1: %j is refused', (extension, issue) => {
    expect(issues(patient({ extension: [extension] }))).toContain(issue);
  });

  test('modifierExtension stands on resources and backbone elements, not on datatypes', () => {
    const modifierExtension = [{ url: 'urn:u', valueBoolean: true }];
    expect(issues(patient({ modifierExtension, contact: [{ modifierExtension }] }))).toEqual([]);
    expect(issues(patient({ name: [{ modifierExtension }] }))).toEqual(['structure Patient.name[0].modifierExtension']);
  });
});

describe('resources within resources', () => {
  test('contained ones are checked by their own type and contain none themselves (dom-2)', () => {
    const contained = [
      { resourceType: 'Organization', id: 'o', name: 1 },
      { resourceType: 'Organization', contained: [{ resourceType: 'Patient' }] },
      { resourceType: 'Nothing' },
      { id: 'x' },
      'x',
    ];
    expect(issues(patient({ contained }))).toEqual([
      'required Patient.contained[1].id',
      'required Patient.contained[2].id',
      'structure Patient.contained[1]',
      'structure Patient.contained[4]',
      'structure Patient.contained[0].name',
      'structure Patient.contained[2]',
      'structure Patient.contained[3]',
    ]);
  });

  test('so are those in Bundle and Parameters, which may contain others', () => {
    const withContained = patient({ contained: [{ resourceType: 'Organization', id: 'o', name: 'x' }] });
    const entry = [{ resource: withContained }, { resource: patient({ gender: 'x' }), request: { method: 'POST' } }];
    expect(issues({ resourceType: 'Bundle', type: 'batch', entry })).toEqual([
      'code-invalid Bundle.entry[1].resource.gender',
      'required Bundle.entry[1].request.url',
    ]);
    const parameter = [{ name: 'a', part: [{ name: 'b', resource: patient({ gender: 'x' }) }] }];
    expect(issues({ resourceType: 'Parameters', parameter })).toEqual([
      'code-invalid Parameters.parameter[0].part[0].resource.gender',
    ]);
  });

  test('contentReference: an element defined elsewhere has the same rules', () => {
    const item = [
      { linkId: '1', type: 'group', item: [{ linkId: '1.1', type: 'group', item: [{ linkId: 1, type: 'group' }] }] },
    ];
    expect(issues({ resourceType: 'Questionnaire', status: 'draft', item })).toEqual([
      'structure Questionnaire.item[0].item[0].item[0].linkId',
    ]);
  });
});

test('at most 100 issues are told, however many there are', () => {
  const name = Array.from({ length: 100_000 }, () => ({ family: 1 }));
  expect(validate(patient({ name }))).toHaveLength(100);
  expect(validate(patient({ name: [{ given: name.map(() => 1) }] }))).toHaveLength(100);
  expect(validate(patient(Object.fromEntries(name.map((_, index) => [`x${index}`, 1]))))).toHaveLength(100);
});

describe('the message of an issue is one of R4’s own where one fits', () => {
  const organization = { resourceType: 'Organization', id: 'o' };

  test.each([
    [{ birthDate: '2026-02-30' }, 'MSG_DATE_FORMAT'],
    [{ id: 'a/b' }, 'MSG_ID_INVALID'],
    [{ id: 'x'.repeat(65) }, 'MSG_ID_TOO_LONG'],
    [{ active: 1 }, 'MSG_BAD_SYNTAX'],
    [{ language: ' ' }, 'MSG_BAD_FORMAT'],
    [{ nickname: 1 }, 'MSG_UNKNOWN_CONTENT'],
    [{ managingOrganization: { reference: '#x' } }, 'MSG_LOCAL_FAIL'],
    [{ managingOrganization: { reference: 'Patient/1' } }, 'MSG_RESOURCE_TYPE_MISMATCH'],
    [{ contained: [organization, organization] }, 'MSG_DUPLICATE_ID'],
    [{ contained: [{ resourceType: 'Organization' }] }, 'MSG_RESOURCE_ID_MISSING'],
    [{ contained: [{ resourceType: 'Nothing', id: 'x' }] }, 'MSG_UNKNOWN_TYPE'],
    [{ text: { status: 'empty', div: '<div>x</div>' } }, 'MSG_WRONG_NS'],
  ])('%j', (members, message) => {
    const system = 'http://terminology.hl7.org/CodeSystem/operation-outcome';
    expect(validate(patient(members))[0]).toMatchObject({ details: { coding: [{ system, code: message }] } });
  });

  test('and none where R4 has none', () => {
    expect(validate(patient({ gender: 'man' }))[0]).not.toHaveProperty('details');
  });
});

test.each([
  [{ birthDate: '2026-02-30' }, 'a month or day that the calendar does not have'],
  [{ birthDate: '2026-02-28T10:00:00Z' }, 'a date with a time'],
  [{ deceasedDateTime: '2026-02-28T10:00Z' }, 'a time without seconds'],
  [{ deceasedDateTime: '2026-02-28T10:00:00' }, 'a time without a time zone'],
  [{ deceasedDateTime: '2026-02-28T25:00:00Z' }, 'a day, time or zone that there is not'],
  [{ meta: { lastUpdated: '2026-02-28' } }, 'a date without a time'],
  [{ birthDate: 'yesterday' }, 'a string of 9 characters'],
  [{ birthDate: ' ' }, 'only white space'],
  [{ managingOrganization: { reference: 'Patient/1' } }, 'Patient'],
  [{ active: -1 }, 'a negative number'],
  [{ name: 'x' }, 'a string of 1 character'],
  [{ name: [5.5] }, 'a number with decimals'],
  [{ contact: [{ gender: 'man' }] }, '"man"'],
])('the sentence says what was found, and no value that could be a person’s: %j', (members, found) => {
  expect(validate(patient(members))[0]?.diagnostics).toMatch(new RegExp(`; found ${found}\\.$`));
});

describe('warnings', () => {
  const validateAll = createValidator(loadDefinitions());
  const text = { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' };
  const warnings = (members: object, options = { warnings: true }) =>
    validateAll(patient({ text, ...members }), options).map(
      ({ severity, code, expression }) => `${severity} ${code} ${expression?.[0]}`,
    );
  const coding = { system: 'http://terminology.hl7.org/CodeSystem/v3-MaritalStatus', code: 'M' };
  const other = { system: 'urn:x', code: 'y' };

  test('are told only to those who ask', () => {
    const married = { maritalStatus: { coding: [other] } };
    expect(warnings(married)).toEqual(['warning code-invalid Patient.maritalStatus']);
    expect(warnings(married, { warnings: false })).toEqual([]);
    expect(validateAll(patient(married))).toEqual([]);
  });

  test('an extensible binding is met by one coding of the set, or by a text alone (terminologies.html#extensible)', () => {
    expect(warnings({ maritalStatus: { coding: [coding] } })).toEqual([]);
    expect(warnings({ maritalStatus: { coding: [other, coding] } })).toEqual([]);
    expect(warnings({ maritalStatus: { text: 'x' } })).toEqual([]);
    expect(warnings({ maritalStatus: { coding: [{ ...coding, code: 'no' }] } })).toHaveLength(1);
    expect(warnings({ maritalStatus: { coding: [{ code: 'M' }] } })).toHaveLength(1);
  });

  test('so is a preferred one, of a Coding too', () => {
    const signature = { type: [other], when: '2026-11-20T10:00:00Z', who: { display: 'x' } };
    expect(warnings({ extension: [{ url: 'urn:u', valueSignature: signature }] })).toEqual([
      'warning code-invalid Patient.extension[0].value.type[0]',
    ]);
    expect(warnings({ language: 'mas' })).toEqual([]);
  });

  test('a text of white space says nothing', () => {
    expect(warnings({ name: [{ text: ' ' }] })).toEqual(['warning value Patient.name[0].text']);
  });

  test('errors come first', () => {
    expect(warnings({ maritalStatus: { coding: [other] }, gender: 'x' })).toEqual([
      'error code-invalid Patient.gender',
      'warning code-invalid Patient.maritalStatus',
    ]);
  });
});

test('an integer has no decimals and no exponent, though its number has none either', () => {
  const { value, exactNumbers } = parseJson(
    '{"resourceType":"Patient","multipleBirthInteger":1.0,"photo":[{"size":1e2}]}',
  );
  const found = createValidator(loadDefinitions())(value, { exactNumbers: exactNumbers! });
  expect(found.map(({ code, expression }) => `${code} ${expression?.[0]}`)).toEqual([
    'value Patient.multipleBirth',
    'value Patient.photo[0].size',
  ]);
});

test('the last of 100 issues says that there are more', () => {
  const name = Array.from({ length: 150 }, () => ({ family: 1 }));
  const found = validate(patient({ name }));
  expect(found).toHaveLength(100);
  expect(found.slice(0, 99).every(({ severity }) => severity === 'error')).toBe(true);
  expect(found[99]).toMatchObject({ severity: 'information', code: 'informational' });
  expect(validate(patient({ name: name.slice(0, 99) }))).toHaveLength(99);
});

describe('invariants and structure together', () => {
  const validateAll = createValidator(loadDefinitions());
  const codes = (members: object) =>
    validateAll(patient(members)).map(({ code, expression }) => `${code} ${expression?.[0]}`);
  const period = { start: '2026-02-01', end: '2026-01-01' };

  test('all errors are told at once', () => {
    expect(codes({ gender: 'x', nickname: 1, contact: [{ gender: 'male' }], name: [{ period }] })).toEqual([
      'code-invalid Patient.gender',
      'structure Patient.nickname',
      'invariant Patient.contact[0]',
      'invariant Patient.name[0].period',
    ]);
  });

  test('an invariant of a datatype is left out where a part of it is wrong itself', () => {
    expect(codes({ name: [{ period: { ...period, end: '2026-02-30' } }] })).toEqual([
      'value Patient.name[0].period.end',
    ]);
  });

  test('and all of them where the tree is not of the shape they need', () => {
    expect(codes({ name: [{ period: [period] }], contact: [{ gender: 'male' }] })).toEqual([
      'structure Patient.name[0].period',
    ]);
  });
});
