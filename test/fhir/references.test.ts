// References are told apart by their form, and found wherever a resource holds one: https://hl7.org/fhir/R4/references.html

import { describe, expect, test } from '@jest/globals';
import type { Bundle, Resource } from '@medplum/fhirtypes';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { forEachReference, parseReference } from '../../src/fhir/references.ts';

const baseUrl = 'https://clinic.example/t/demo/fhir';
const uuid = 'urn:uuid:0b2fd4d2-9c1d-4f2c-8c5e-1f0d6a2b3c4d';

describe('parseReference', () => {
  test.each([
    ['Patient/1', { kind: 'resource', type: 'Patient', id: '1' }],
    ['Patient/1/_history/2', { kind: 'resource', type: 'Patient', id: '1', versionId: '2' }],
    [`${baseUrl}/Patient/a.B-9`, { kind: 'resource', type: 'Patient', id: 'a.B-9' }],
    [`${baseUrl}/Patient/1/_history/2`, { kind: 'resource', type: 'Patient', id: '1', versionId: '2' }],
    ['Patient?identifier=a|b', { kind: 'conditional', type: 'Patient', query: 'identifier=a|b' }],
    ['https://other.example/fhir/Patient/1', { kind: 'external', url: 'https://other.example/fhir/Patient/1' }],
    [`${baseUrl}x/Patient/1`, { kind: 'external', url: `${baseUrl}x/Patient/1` }],
    [
      'https://clinic.example/t/other/fhir/Patient/1',
      { kind: 'external', url: 'https://clinic.example/t/other/fhir/Patient/1' },
    ],
    [uuid, { kind: 'urn', urn: uuid }],
    ['#p1', { kind: 'contained', id: 'p1' }],
    ['#', { kind: 'contained', id: '' }],
  ])('%s', (text, target) => {
    expect(parseReference(text, baseUrl)).toEqual(target);
  });

  test.each([
    '',
    '/',
    'Patient',
    'Patient/',
    '/Patient/1',
    'patient/1',
    'Patient/1/2',
    'Patient/1/_history',
    'Patient/1/_history/',
    'Patient/1/_history/2/3',
    'Patient/a b',
    `Patient/${'1'.repeat(65)}`,
    '#a b',
    '../Patient/1',
    'Patient/1#x',
    'Patient/1\n',
    '?x=1',
    `${baseUrl}/`,
    `${baseUrl}/Patient`,
  ])('%j is none', (text) => {
    expect(parseReference(text, baseUrl)).toEqual({ kind: 'invalid' });
  });

  test('takes linear time on hostile texts', () => {
    const started = performance.now();
    for (const part of ['a', 'A', '/', 'a:', '#', '_history/', ' ']) parseReference(part.repeat(1_000_000), baseUrl);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('forEachReference', () => {
  function references(resource: unknown): [string, string][] {
    const found: [string, string][] = [];
    forEachReference(loadDefinitions(), resource as Resource, ({ reference }, path) => found.push([path, reference]));
    return found;
  }

  test('names each reference by its FHIRPath', () => {
    const found = references({
      resourceType: 'MedicationRequest',
      contained: [{ resourceType: 'Medication', manufacturer: { reference: 'Organization/1' } }],
      medicationReference: { reference: '#m' },
      subject: { reference: 'Patient/1', identifier: { assigner: { reference: 'Organization/2' } } },
      reasonReference: [{ display: 'none' }, { reference: 'Condition/1' }],
      note: [{ authorReference: { reference: 'Practitioner/1' }, text: 'x' }],
      _intent: { extension: [{ url: 'u', valueReference: { reference: 'Patient/2' } }] },
    });
    expect(found).toEqual([
      ['MedicationRequest.contained[0].manufacturer', 'Organization/1'],
      ['MedicationRequest.medication', '#m'],
      ['MedicationRequest.subject', 'Patient/1'],
      ['MedicationRequest.subject.identifier.assigner', 'Organization/2'],
      ['MedicationRequest.reasonReference[1]', 'Condition/1'],
      ['MedicationRequest.note[0].author', 'Practitioner/1'],
      ['MedicationRequest.intent.extension[0].value', 'Patient/2'],
    ]);
  });

  test('takes no other element named "reference" for one', () => {
    expect(references({ resourceType: 'DetectedIssue', status: 'final', reference: 'http://x.example/y' })).toEqual([]);
    expect(references({ resourceType: 'Immunization', education: [{ reference: 'http://x.example/y' }] })).toEqual([]);
    expect(
      references({ resourceType: 'Consent', provision: { data: [{ reference: { reference: 'List/1' } }] } }),
    ).toEqual([['Consent.provision.data[0].reference', 'List/1']]);
  });

  test('lets the visitor replace the text, in bundled resources too', () => {
    const bundle: Bundle = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [{ resource: { resourceType: 'Observation', subject: { reference: uuid } } as Resource }],
    };
    forEachReference(loadDefinitions(), bundle, (reference) => {
      reference.reference = 'Patient/7';
    });
    expect(references(bundle)).toEqual([['Bundle.entry[0].resource.subject', 'Patient/7']]);
  });

  test('passes over what R4 does not know and what has the wrong type', () => {
    expect(
      references({
        resourceType: 'Patient',
        foo: { reference: 'A/1' },
        link: [null, 'x', { other: { reference: 1 } }],
      }),
    ).toEqual([]);
    expect(references({ resourceType: 'Nothing', subject: { reference: 'A/1' } })).toEqual([]);
  });
});
