// The snapshot holds R4 4.0.1 and nothing else: https://hl7.org/fhir/R4/resourcelist.html

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildSnapshot, writeSnapshot } from '../../src/fhir/definitions/build-snapshot.ts';
import { type Snapshot, snapshotFile } from '../../src/fhir/definitions/snapshot.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';

const definitions = loadDefinitions();

describe('types', () => {
  test('there are the 146 resource types of R4, no abstract one, none of R4B and none of medplum', () => {
    expect(definitions.resourceTypes.size).toBe(146);
    for (const type of ['Patient', 'Appointment', 'Binary', 'Parameters', 'MedicinalProduct']) {
      expect(definitions.resourceTypes.has(type)).toBe(true);
    }
    for (const type of [
      'Resource',
      'DomainResource',
      'SubscriptionStatus',
      'MetadataResource',
      'Bot',
      'Project',
      'User',
    ]) {
      expect(definitions.resourceTypes.has(type)).toBe(false);
    }
  });

  test('every element has types and reference targets that are defined', () => {
    for (const type of definitions.resourceTypes) {
      for (const { type: elementType } of definitions.properties(type).values()) {
        expect(definitions.typeDefinition(elementType.code)).toBeDefined();
        for (const target of elementType.targets ?? []) expect(definitions.resourceTypes.has(target)).toBe(true);
      }
    }
  });

  test.each([
    ['Meta', 'project'],
    ['Meta', 'author'],
    ['Binary', 'url'],
    ['ResearchStudy', 'label'],
    ['ResearchStudy', 'studyDesign'],
    ['DeviceDefinition', 'classification'],
  ])('what medplum added to R4 is not taken over: %s.%s', (type, name) => {
    expect(definitions.properties(type).size).toBeGreaterThan(0);
    expect(definitions.properties(type).has(name)).toBe(false);
  });

  test('elements that medplum replaced by those of R5 are as in R4', () => {
    const characteristic = definitions.properties('EvidenceVariable.characteristic');
    expect(characteristic.get('definitionCanonical')?.element).toMatchObject({
      name: 'definition',
      isChoice: true,
      isRequired: true,
    });
    expect(definitions.properties('Bundle.entry.response').get('outcome')?.type.code).toBe('Resource');
    expect(definitions.properties('ResearchStudy').get('status')?.element.binding).toEqual({
      strength: 'required',
      valueSet: 'http://hl7.org/fhir/ValueSet/research-study-status',
    });
  });

  test('a backbone element is a type of its own and inherits from BackboneElement', () => {
    expect([...definitions.properties('Patient.contact').keys()].slice(0, 4)).toEqual([
      'id',
      'extension',
      'modifierExtension',
      'relationship',
    ]);
    expect(definitions.properties('Patient').get('contact')?.type.code).toBe('Patient.contact');
    expect(definitions.properties('Observation.component').get('referenceRange')?.type.code).toBe(
      'Observation.referenceRange',
    );
  });

  test('a choice is spelled out in its JSON names', () => {
    const names = [...definitions.properties('Patient').keys()].filter((name) => name.startsWith('deceased'));
    expect(names).toEqual(['deceasedBoolean', 'deceasedDateTime']);
    expect(definitions.properties('Extension').size).toBe(53);
  });

  test('cardinality, summary, modifier, targets and invariants are kept', () => {
    expect(definitions.properties('Appointment').get('participant')?.element).toMatchObject({
      isRequired: true,
      repeats: true,
    });
    expect(definitions.properties('Patient').get('active')?.element).toMatchObject({
      isSummary: true,
      isModifier: true,
    });
    expect(definitions.properties('Encounter').get('subject')?.type.targets).toEqual(['Patient', 'Group']);
    expect(definitions.typeDefinition('Patient.contact')?.constraints?.[0]).toMatchObject({
      key: 'pat-1',
      severity: 'error',
    });
    expect(definitions.typeDefinition('DomainResource')?.constraints?.map(({ key }) => key)).toContain('dom-2');
  });

  test('names from outside find nothing, not even those of Object.prototype', () => {
    expect(definitions.typeDefinition('constructor')).toBeUndefined();
    expect(definitions.properties('__proto__').size).toBe(0);
    expect(definitions.compartment('toString')).toBeUndefined();
    expect(definitions.valueSet('valueOf')).toBeUndefined();
  });
});

describe('search parameters', () => {
  test('a type has its own, those of DomainResource and those of Resource', () => {
    const patient = definitions.searchParameters('Patient');
    expect(patient.get('birthdate')).toMatchObject({
      type: 'date',
      expression: expect.stringContaining('Patient.birthDate'),
    });
    expect(patient.get('general-practitioner')?.targets).toEqual(['Practitioner', 'Organization', 'PractitionerRole']);
    expect(patient.has('_text')).toBe(true);
    expect(patient.has('_lastUpdated')).toBe(true);
    expect(definitions.searchParameters('Bundle').has('_text')).toBe(false);
    expect(definitions.searchParameters('Nothing').size).toBe(0);
  });

  test('a composite names its components, which are found by their URL', () => {
    const composite = definitions.searchParameters('Observation').get('code-value-quantity');
    const components = composite?.components ?? [];
    expect(components.map(({ definition }) => definitions.searchParameterByUrl(definition)?.code)).toEqual([
      'code',
      'value-quantity',
    ]);
  });

  test('a parameter of R5 is left out', () => {
    expect(definitions.searchParameters('DeviceDefinition').has('classification')).toBe(false);
  });
});

test('the five compartments of R4 name the parameters that lead into them', () => {
  for (const code of ['Patient', 'Encounter', 'RelatedPerson', 'Practitioner', 'Device']) {
    expect(definitions.compartment(code)?.code).toBe(code);
  }
  const parameters = definitions.compartment('Patient')!.parameters;
  expect(parameters.Appointment).toEqual(['actor']);
  expect(parameters.Encounter).toEqual(['patient']);
  expect(parameters.Organization).toBeUndefined();
  expect(definitions.compartment('Encounter')?.parameters.Encounter).toBeUndefined();
});

test('required bindings have their codes, but for code systems that R4 does not list (MIME types)', () => {
  expect(definitions.valueSet('http://hl7.org/fhir/ValueSet/administrative-gender')).toEqual({
    systems: ['http://hl7.org/fhir/administrative-gender'],
    codes: new Set(['male', 'female', 'other', 'unknown']),
  });
  const unknown = new Set<string>();
  for (const type of definitions.resourceTypes) {
    for (const { element, type: elementType } of definitions.properties(type).values()) {
      const { binding } = element;
      const isBound = elementType.code === 'code' && binding?.strength === 'required';
      if (isBound && !definitions.valueSet(binding.valueSet)) unknown.add(binding.valueSet);
    }
  }
  expect([...unknown]).toEqual(['http://hl7.org/fhir/ValueSet/mimetypes']);
});

describe('the snapshot file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'hpms-snapshot-'));
  let snapshot: Snapshot;
  beforeAll(() => {
    snapshot = buildSnapshot();
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test('is written whole, readable for every user, over an older one, and leaves no draft', () => {
    const file = join(directory, 'cache', 'definitions.json');
    writeSnapshot(snapshot, file);
    writeSnapshot(snapshot, file);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(snapshot);
    expect(statSync(file).mode & 0o777).toBe(0o644);
    expect(readdirSync(join(directory, 'cache'))).toEqual(['definitions.json']);
  });

  test('that this process loaded is what the definitions give today (else raise its format number)', () => {
    expect(JSON.parse(readFileSync(snapshotFile(), 'utf8'))).toEqual(snapshot);
  });

  test('is small enough to be loaded by every process and test', () => {
    expect(JSON.stringify(snapshot).length).toBeLessThan(2_000_000);
  });
});
