// Whom a search asks about is read off its parameters, however they are written.

import { describe, expect, test } from '@jest/globals';
import { patientsAsked } from '../../src/http/patients-asked.ts';

const asked = (path: string, query: string) => [...patientsAsked(path, query)];

describe('patients are named', () => {
  test.each([
    ['Observation', 'patient=1'],
    ['Observation', 'patient=Patient/1'],
    ['Observation', 'patient=Patient%2F1'],
    ['Observation', 'p%61tient=1'],
    ['Observation', 'patient:Patient=1'],
    ['Observation', 'subject:Patient=1'],
    ['Observation', 'subject%3APatient=1'],
    ['Observation', 'subject=Patient/1'],
    ['Observation', 'subject=Patient/1/_history/2'],
    ['Observation', 'patient=https%3A%2F%2Fehr.example%2Ft%2Fdemo%2Ffhir%2FPatient%2F1'],
    ['Observation', 'encounter.patient=1'],
    ['Observation', 'status=final&_filter=subject eq Patient/1'],
    ['Patient', '_id=1'],
    ['Patient/_search', '_count=2&_id=1'],
  ])('%s?%s', (path, query) => {
    expect(asked(path, query)).toEqual(['Patient/1']);
  });

  test('each of several', () => {
    expect(asked('Observation', 'patient=1,2,Patient/3&subject=Patient/4,Group/5')).toEqual(
      [3, 1, 2, 4].map((id) => `Patient/${id}`),
    );
  });
});

describe('nobody is named', () => {
  test.each([
    ['Observation', ''],
    ['Observation', 'status=final'],
    ['Observation', 'patient=Group/1'],
    ['Observation', 'patient:missing=true'],
    ['Observation', 'patient.name=Chalmers'],
    ['Observation', 'subject=RelatedPatient/1'],
    ['Observation', '_id=1'],
    ['Observation', '_include=Observation:patient'],
    ['Observation', 'patient=%'],
    ['Encounter', '_type=Patient'],
  ])('%s?%s', (path, query) => {
    expect(asked(path, query)).toEqual([]);
  });
});
