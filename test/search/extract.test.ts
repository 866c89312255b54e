// What search stores about a resource: https://hl7.org/fhir/R4/search.html

import { describe, expect, test } from '@jest/globals';
import type { AuditEvent, Resource } from '@medplum/fhirtypes';
import { indexedParameters } from '../../src/search/search-parameters.ts';
import { definitions, extract, tokensOf } from './evaluate.ts';

function resource(content: object): Resource {
  return content as Resource;
}

function sideRows(content: object): unknown[] {
  return extract(resource(content)).filter(({ kind }) => kind === 'date' || kind === 'reference');
}

describe('tokens', () => {
  test('a Coding is stored with its system, without, and by system alone', () => {
    const observation = resource({
      resourceType: 'Observation',
      code: { coding: [{ system: 'http://snomed.info/sct', code: '271649006' }] },
    });
    expect(tokensOf(observation, 'Observation.code')).toEqual([
      '271649006',
      'http://snomed.info/sct|271649006',
      'http://snomed.info/sct|',
    ]);
  });

  test('a Coding without system is stored for the query |code', () => {
    const observation = resource({ resourceType: 'Observation', code: { coding: [{ code: 'x' }] } });
    expect(tokensOf(observation, 'Observation.code')).toEqual(['x', '|x']);
  });

  test('the bar in a code cannot pass for that between system and code', () => {
    const bar = resource({ resourceType: 'Patient', identifier: [{ value: 'a|b' }] });
    const parted = resource({ resourceType: 'Patient', identifier: [{ system: 'a', value: 'b' }] });
    const shared = tokensOf(bar, 'Patient.identifier').filter((text) =>
      tokensOf(parted, 'Patient.identifier').includes(text),
    );
    expect(shared).toEqual([]);
  });

  test('phone numbers are stored by their digits, e-mail addresses without case', () => {
    const telecom = [
      { system: 'phone', value: '+1 (555) 393-2687' },
      { system: 'email', value: 'Eva@Example.org' },
    ];
    const patient = resource({ resourceType: 'Patient', telecom });
    expect(tokensOf(patient, 'Patient.telecom')).toEqual([
      ...['15553932687', 'phone|15553932687'],
      ...['eva@example.org', 'email|eva@example.org'],
    ]);
  });

  test('the same entry is stored once', () => {
    const name = { family: 'Muster', given: ['Muster'] };
    const texts = extract(resource({ resourceType: 'Patient', name: [name, name] })).map((entry) =>
      JSON.stringify(entry),
    );
    expect(new Set(texts).size).toBe(texts.length);
  });
});

describe('tokens of primitives', () => {
  test('are folded where the element is a string (search.html#token)', () => {
    const medication = resource({ resourceType: 'Medication', batch: { lotNumber: 'L1-Ä' } });
    expect(tokensOf(medication, 'Medication.lot-number')).toEqual(['l1-ä']);
    const large = resource({ resourceType: 'Medication', batch: { lotNumber: 'GROẞ' } });
    expect(tokensOf(large, 'Medication.lot-number')).toEqual(['gross']);
  });

  test('and where the only code system they may be of knows no case, as media types and languages', () => {
    const document = resource({
      ...{ resourceType: 'DocumentReference', status: 'current', language: 'de-CH' },
      content: [{ attachment: { contentType: 'application/PDF', language: 'EN' } }],
    });
    expect(tokensOf(document, 'DocumentReference.contenttype')).toEqual(['application/pdf']);
    expect(tokensOf(document, 'DocumentReference.language')).toEqual(['en']);
    expect(tokensOf(document, 'DocumentReference.status')).toEqual(['current']);
  });
});

describe('strings', () => {
  test('each word is stored by its prefixes of up to ten characters, without case and accents', () => {
    const patient = resource({ resourceType: 'Patient', name: [{ family: 'Żółkiewska-Strauß' }] });
    expect(tokensOf(patient, 'Patient.family')).toEqual([
      ...['z', 'zo', 'zol', 'zolk', 'zolki', 'zolkie', 'zolkiew', 'zolkiews', 'zolkiewsk', 'zolkiewska'],
      ...['s', 'st', 'str', 'stra', 'strau', 'straus', 'strauss'],
    ]);
  });

  test('the raw text is stored for :exact, and the triples of each word for :contains', () => {
    const patient = resource({ resourceType: 'Patient', name: [{ given: ['Anna Ö'] }] });
    expect(tokensOf(patient, 'Patient.given:exact')).toEqual(['Anna Ö']);
    expect(tokensOf(patient, 'Patient.name:part')).toEqual(['ann', 'nna']);
  });

  test('what a narrower parameter stores is not stored again', () => {
    const patient = resource({
      resourceType: 'Patient',
      name: [{ text: 'Dr. Eva Muster', family: 'Muster', given: ['Eva'] }],
      telecom: [{ system: 'phone', value: '1' }],
    });
    expect(tokensOf(patient, 'Patient.name')).toEqual(['d', 'dr']);
    expect(tokensOf(patient, 'Patient.name:exact')).toEqual(['Dr. Eva Muster']);
    expect(tokensOf(patient, 'Patient.phone')).toEqual([]);
    const coding = [{ system: 'urn:s', code: '1' }];
    const observation = resource({ resourceType: 'Observation', code: { coding }, component: [{ code: { coding } }] });
    expect(tokensOf(observation, 'Observation.combo-code')).toEqual([]);
    expect(tokensOf(observation, 'Observation.code')).toHaveLength(3);
    expect(tokensOf(observation, 'Observation.component-code')).toHaveLength(3);
  });

  test('a text of thousands of words is indexed by its first hundred', () => {
    const description = Array.from({ length: 3000 }, (_, index) => `w${index}`).join(' ');
    const texts = tokensOf(resource({ resourceType: 'ValueSet', description }), 'ValueSet.description');
    expect(texts).toContain('w99');
    expect(texts).not.toContain('w100');
  });
});

describe('dates', () => {
  test('a date that identifies a person is stored as keyed day, month and year, never as a date', () => {
    const patient = { resourceType: 'Patient', birthDate: '1980-02-29', deceasedDateTime: '2020-05-03T23:00:00-05:00' };
    expect(tokensOf(resource(patient), 'Patient.birthdate')).toEqual(['1980', '1980-02', '1980-02-29']);
    expect(tokensOf(resource(patient), 'Patient.death-date')).toEqual(['2020', '2020-05', '2020-05-04']);
    expect(sideRows(patient)).toEqual([]);
  });

  test('a birth date known by its year or month says so', () => {
    expect(tokensOf(resource({ resourceType: 'Patient', birthDate: '1980' }), 'Patient.birthdate')).toEqual([
      '1980',
      '=1980',
    ]);
    const month = resource({ resourceType: 'Person', birthDate: '1980-02' });
    expect(tokensOf(month, 'Person.birthdate')).toEqual(['1980', '1980-02', '=1980-02']);
  });

  test('every R4 date parameter of a person is either a keyed date or about an event', () => {
    const people = ['Patient', 'Person', 'RelatedPerson', 'Practitioner', 'PractitionerRole'];
    const readable = people.flatMap((type) =>
      [...indexedParameters(definitions, type).values()].filter(({ kind }) => kind === 'date').map(({ key }) => key),
    );
    expect(readable).toEqual(['PractitionerRole.date']);
  });

  test('an open Period ends with the calendar and is stored as long', () => {
    const encounter = { resourceType: 'Encounter', period: { start: '2026-11-20T10:00:00Z' } };
    expect(sideRows(encounter)).toEqual([
      {
        kind: 'date',
        parameter: 'date',
        low: Date.parse('2026-11-20T10:00:00Z'),
        high: Date.parse('9999-12-31T23:59:59.999Z'),
      },
    ]);
    expect(tokensOf(resource(encounter), 'Encounter.date')).toEqual(['long']);
  });

  test('a span of some days is stored under each UTC day it touches', () => {
    const period = { start: '2026-11-20T22:00:00-05:00', end: '2026-11-22T12:00:00Z' };
    expect(tokensOf(resource({ resourceType: 'Encounter', period }), 'Encounter.date')).toEqual([
      '2026-11-21',
      '2026-11-22',
    ]);
  });

  test('of a Timing only the outer limits count', () => {
    const occurrenceTiming = { event: ['2026-11-22', '2026-11-20'], repeat: { boundsPeriod: { end: '2026-12-01' } } };
    expect(sideRows({ resourceType: 'ChargeItem', occurrenceTiming })).toEqual([
      {
        kind: 'date',
        parameter: 'occurrence',
        low: Date.parse('0001-01-01T00:00:00.000Z'),
        high: Date.parse('2026-12-01T23:59:59.999Z'),
      },
    ]);
  });

  test('a text where a date could be is no date', () => {
    const activity = [{ detail: { status: 'unknown', scheduledString: 'every day' } }];
    expect(sideRows({ resourceType: 'CarePlan', activity })).toEqual([]);
    expect(tokensOf(resource({ resourceType: 'CarePlan', activity }), 'CarePlan.activity-date')).toEqual(['none']);
  });
});

describe('references', () => {
  test('a reference to this server is a link and a token, without its version', () => {
    const observation = { resourceType: 'Observation', subject: { reference: 'Patient/1/_history/2' } };
    // `patient` is `subject` where that is a Patient: its links are found among those.
    expect(sideRows(observation)).toEqual([
      { kind: 'reference', parameter: 'subject', targetType: 'Patient', targetId: '1' },
    ]);
    for (const key of ['Observation.subject', 'Observation.patient'])
      expect(tokensOf(resource(observation), key)).toEqual(['Patient/1', 'Patient/1/_history/2']);
  });

  test('references to elsewhere are tokens only, contained and conditional ones nothing', () => {
    const subjects = ['https://other.example/fhir/Patient/1', 'urn:uuid:0b2fd4d2-9c1d-4f2c-8c5e-1f0d6a2b3c4d'];
    for (const reference of subjects) {
      const observation = { resourceType: 'Observation', subject: { reference } };
      expect(tokensOf(resource(observation), 'Observation.subject')).toEqual([reference]);
      expect(sideRows(observation)).toEqual([]);
    }
    for (const reference of ['#p1', 'Patient?identifier=a|b', 'nonsense']) {
      const observation = resource({ resourceType: 'Observation', subject: { reference } });
      expect(tokensOf(observation, 'Observation.subject')).toEqual([]);
    }
  });

  test('the identifier of a reference has tokens of its own', () => {
    const subject = { identifier: { system: 'urn:mrn', value: '7' } };
    const observation = resource({ resourceType: 'Observation', subject });
    expect(tokensOf(observation, 'Observation.subject:identifier')).toEqual(['7', 'urn:mrn|7', 'urn:mrn|']);
  });

  test('a canonical is found with and without its version', () => {
    const response = resource({ resourceType: 'QuestionnaireResponse', questionnaire: 'http://example.org/q|2' });
    expect(tokensOf(response, 'QuestionnaireResponse.questionnaire')).toEqual([
      'http://example.org/q\\|2',
      'http://example.org/q',
    ]);
  });
});

describe('AuditEvent', () => {
  const audit = {
    resourceType: 'AuditEvent',
    action: 'U',
    recorded: '2026-11-20T10:00:00.000Z',
    outcome: '0',
    type: { system: 'http://terminology.hl7.org/CodeSystem/audit-event-type', code: 'rest' },
    agent: [
      { who: { reference: 'Practitioner/9' }, name: 'Karl Arzt', requestor: true },
      { network: { address: '192.0.2.7', type: '2' }, requestor: false },
      { network: { address: 'https://clinic.example', type: '5' }, requestor: false },
    ],
    entity: [
      { what: { reference: 'Observation/5/_history/3', type: 'Observation' }, role: { code: '4' } },
      { what: { reference: 'Patient/1', type: 'Patient' }, type: { code: '1' }, role: { code: '1' } },
      { what: { identifier: { value: 'request-1' } }, type: { code: 'XrequestId' } },
    ],
  } as unknown as AuditEvent;

  test('has tokens only, of the parameters auditors ask by', () => {
    const entries = extract(audit);
    expect(entries.every(({ kind }) => kind === 'token')).toBe(true);
    const keys = entries.map((entry) => (entry.kind === 'token' ? entry.text.split('|')[0] : ''));
    expect(new Set(keys)).toEqual(
      new Set(
        [
          ...['action', 'address', 'address:exact', 'agent', 'agent-name', 'agent-name:exact', 'entity', 'entity-role'],
          ...['entity-type', 'outcome', 'patient', 'type'],
        ].map((code) => `AuditEvent.${code}`),
      ),
    );
  });

  test('entity-type is also the type of the resource; the id of the request and the server’s address are not searched by', () => {
    expect(tokensOf(audit, 'AuditEvent.entity-type').sort()).toEqual(['1', 'Observation', 'Patient', '|1']);
    expect(tokensOf(audit, 'AuditEvent.address').sort()).toEqual(['0', '1', '19', '192', '2', '7']);
    expect(tokensOf(audit, 'AuditEvent.entity:identifier')).toEqual([]);
  });

  test('tells of whom it is where that are several patients', () => {
    const { entity = [], ...rest } = audit;
    expect(tokensOf(audit, 'AuditEvent:patients')).toEqual([]);
    const both = [...entity, { what: { reference: 'Patient/2/_history/1' } }];
    expect(tokensOf({ ...rest, entity: both }, 'AuditEvent:patients')).toEqual(['several']);
  });

  test('entity=Type/id finds every version of the resource', () => {
    expect(tokensOf(audit, 'AuditEvent.entity')).toEqual(['Observation/5', 'Observation/5/_history/3', 'Patient/1']);
  });
});
