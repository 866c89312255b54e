// What a newcomer is given: the demo clinic, the synthetic bundles, and the eyes with which `npm run demo` looks at them.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { ChargeItemDefinition, Location, Organization, Resource, Schedule } from '@medplum/fhirtypes';
import { demoClinic, demoStaff } from '../../seeds/demo-clinic.ts';
import { readWeeklyHours } from '../../src/clinic/scheduling/scheduling-parameters.ts';
import { openWindows } from '../../src/clinic/scheduling/weekly-hours.ts';
import { readBundleFile, type SentEntry } from '../../src/commands/demo/bundle-file.ts';
import { findDifference } from '../../src/commands/demo/compare-resource.ts';
import { alignTable, count } from '../../src/commands/demo/report.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { type ParsedJson, parseJson } from '../../src/fhir/json.ts';
import { forEachReference } from '../../src/fhir/references.ts';
import { zoneOf } from '../../src/fhir/time-zone.ts';
import { roles } from '../../src/people/roles.ts';
import { createValidator } from '../../src/validation/validate.ts';

const definitions = loadDefinitions();
const validate = createValidator(definitions);
const bundleFolder = path.join(import.meta.dirname, '..', '..', 'seeds', 'bundles');
const bundleFiles = readdirSync(bundleFolder).sort();

function referencesOf(resource: Resource): string[] {
  const found: string[] = [];
  forEachReference(definitions, resource, ({ reference }) => found.push(reference));
  return found;
}

function clinicsOwn<T extends Resource>(type: T['resourceType']): T[] {
  return demoClinic().filter(({ resourceType }) => resourceType === type) as T[];
}

function schedule(id: string): Schedule {
  return clinicsOwn<Schedule>('Schedule').find((one) => one.id === id)!;
}

describe('the demo clinic', () => {
  const placeOf = ({ resourceType, id }: Resource) => `${resourceType}/${id}`;

  test.each(demoClinic().map((resource) => [placeOf(resource), resource] as const))('%s is valid R4', (_, resource) => {
    expect(validate(resource)).toEqual([]);
  });

  test('refers only to what stands before it, so that it can be written one by one', () => {
    const seen = new Set<string>();
    for (const resource of demoClinic()) {
      expect(referencesOf(resource).filter((reference) => !seen.has(reference))).toEqual([]);
      expect(seen).not.toContain(placeOf(resource));
      seen.add(placeOf(resource));
    }
  });

  test('has a clinic of four departments and two rooms that take one visit at a time (contract 11)', () => {
    const departments = clinicsOwn<Organization>('Organization').filter(({ partOf }) => partOf !== undefined);
    expect(departments.map(({ partOf }) => partOf?.reference)).toEqual(Array(4).fill('Organization/demo-clinic'));
    expect(departments.map(({ type }) => type?.[0]?.coding?.[0]?.code)).toEqual(Array(4).fill('dept'));
    const rooms = clinicsOwn<Location>('Location').filter((one) => one.physicalType?.coding?.[0]?.code === 'ro');
    expect(rooms).toHaveLength(2);
  });

  test('has five practitioners, each with a role and with weekly hours (contract 17)', () => {
    expect(clinicsOwn('Practitioner')).toHaveLength(5);
    expect(clinicsOwn('PractitionerRole')).toHaveLength(5);
    const schedules = clinicsOwn<Schedule>('Schedule');
    expect(new Set(schedules.map(({ actor }) => actor[0]?.reference)).size).toBe(5);
    for (const one of schedules) {
      expect(one.active).toBe(true);
      const week = { low: Date.UTC(2026, 10, 23), high: Date.UTC(2026, 10, 30) };
      const hours = readWeeklyHours(one);
      const openMs = hours
        .flatMap((each) => openWindows(each, zoneOf('UTC'), week))
        .reduce((sum, { low, high }) => sum + high - low, 0);
      expect(openMs / hours[0]!.durationMs).toBeGreaterThan(20);
    }
  });

  test('prices each visit type, once for one practitioner, once with a fee, once with a tax (contract 22)', () => {
    const prices = clinicsOwn<ChargeItemDefinition>('ChargeItemDefinition');
    const components = prices.flatMap((price) => price.propertyGroup?.[0]?.priceComponent ?? []);
    expect(new Set(prices.map(({ code }) => code?.coding?.[0]?.code))).toEqual(
      new Set(['opd', 'follow-up', 'emergency']),
    );
    expect(prices.filter(({ extension }) => extension !== undefined)).toHaveLength(1);
    expect(components.map(({ type }) => type)).toEqual(expect.arrayContaining(['base', 'surcharge', 'tax']));
    expect(components.filter(({ code }) => code?.text === 'hospital-fee')).not.toEqual([]);
  });

  test('has one account per role (contract 48), with the Practitioner it is about in the clinic', () => {
    expect(demoStaff.flatMap((one) => [...one.roles]).sort()).toEqual(Object.keys(roles).sort());
    const places = demoClinic().map(placeOf);
    for (const { email, practitioner } of demoStaff) {
      expect(email).toMatch(/^[a-z-]+@example\.org$/);
      if (practitioner !== undefined) expect(places).toContain(practitioner);
    }
  });
});

describe('the synthetic bundles', () => {
  test('are three or four', () => {
    expect(bundleFiles.length).toBeGreaterThanOrEqual(3);
    expect(bundleFiles.length).toBeLessThanOrEqual(4);
  });

  describe.each(bundleFiles)('%s', (name) => {
    const file = path.join(bundleFolder, name);
    const text = readFileSync(file, 'utf8');
    const { entries } = readBundleFile(file);

    test('is valid R4 with 10 to 25 POSTs', () => {
      const { value } = parseJson(text);
      expect(validate(value)).toEqual([]);
      expect(entries.length).toBeGreaterThanOrEqual(10);
      expect(entries.length).toBeLessThanOrEqual(25);
      for (const { request, resource } of (value as { entry: { request: object; resource: Resource }[] }).entry) {
        expect(request).toEqual({ method: 'POST', url: resource.resourceType });
      }
    });

    test('refers only to its own entries, by urn:uuid, and to contained resources', () => {
      const fullUrls = new Set(entries.map(({ fullUrl }) => fullUrl));
      expect(fullUrls.size).toBe(entries.length);
      for (const { fullUrl, resource } of entries) {
        expect(fullUrl).toBe(`urn:uuid:${resource.id}`);
        const others = referencesOf(resource).filter((reference) => !reference.startsWith('#'));
        expect(others.filter((reference) => !fullUrls.has(reference))).toEqual([]);
      }
    });

    test('has decimals whose text says more than their value', () => {
      expect(entries.flatMap(({ exactNumbers }) => [...exactNumbers.values()]).length).toBeGreaterThan(5);
    });

    test('is about nobody: telephone numbers of fiction, addresses of example.org', () => {
      const phones = [...text.matchAll(/"system": "phone",\s+"value": "([^"]*)"/g)].map(([, phone]) => phone);
      expect(phones.filter((phone) => !/^555-01\d\d$/.test(phone!))).toEqual([]);
      expect(text).not.toMatch(/@(?!example\.org)/);
    });
  });
});

describe('the demo compares what it reads with what it sent', () => {
  const entry = { fullUrl: 'urn:uuid:1', resource: { resourceType: 'Patient' } } as const;
  const places = new Map([['urn:uuid:1', 'Patient/p']]);
  const sent = sentFrom(
    '{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"subject":{"reference":"urn:uuid:1"},' +
      '"note":[{"text":"a"}],"valueQuantity":{"value":1.10,"system":"urn:uuid:1"}}',
  );
  const received = (text: string): ParsedJson => parseJson(text);
  const stored =
    '{"resourceType":"Observation","id":"s","meta":{"versionId":"1","lastUpdated":"2026-11-20T00:00:00Z"},' +
    '"status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p"},"note":[{"text":"a"}],' +
    '"valueQuantity":{"value":1.10,"system":"urn:uuid:1"}}';

  function sentFrom(text: string): SentEntry {
    const { value, exactNumbers } = parseJson(text);
    return { fullUrl: entry.fullUrl, resource: value as Resource, exactNumbers: exactNumbers ?? new Map() };
  }

  test('id, version and rewritten references are the server’s', () => {
    expect(findDifference(sent, received(stored), places)).toBeUndefined();
  });

  test('its own identifiers are the server’s too (contract 45)', () => {
    const number = '{"system":"https://hpms.example/fhir/sid/patient","value":"PAT-2026-00001"}';
    const patient = sentFrom('{"resourceType":"Patient","identifier":[{"value":"a"}]}');
    expect(
      findDifference(patient, received(`{"resourceType":"Patient","identifier":[{"value":"a"},${number}]}`), places),
    ).toBeUndefined();
    expect(
      findDifference(
        sentFrom('{"resourceType":"Patient"}'),
        received(`{"resourceType":"Patient","identifier":[${number}]}`),
        places,
      ),
    ).toBeUndefined();
    expect(findDifference(patient, received(`{"resourceType":"Patient","identifier":[${number}]}`), places)).toBe(
      'Patient.identifier',
    );
  });

  test.each([
    ['a lost decimal place', '1.10', '1.1', 'Observation.valueQuantity.value (digits of a decimal)'],
    ['another number', '1.10', '1.11', 'Observation.valueQuantity.value'],
    ['a number as text', '1.10', '"1.10"', 'Observation.valueQuantity.value'],
    ['an element too few', '"status":"final",', '', 'Observation.status'],
    ['an element too many', '"status"', '"issued":"2026-11-20T00:00:00Z","status"', 'Observation.issued'],
    ['an item too many', '{"text":"a"}', '{"text":"a"},{"text":"b"}', 'Observation.note'],
    ['a reference to another resource', 'Patient/p', 'Patient/q', 'Observation.subject.reference'],
    ['a reference left as it was', 'Patient/p', 'urn:uuid:1', 'Observation.subject.reference'],
    ['a lost profile', '"versionId":"1"', '"versionId":"1","profile":["urn:x"]', 'Observation.meta'],
  ])('%s is found, and only its place is named', (_, from, to, place) => {
    expect(stored).toContain(from);
    expect(findDifference(sent, received(stored.replace(from, to)), places)).toBe(place);
  });
});

test('the hours of the practitioner whom the demo books are understood (contract 17)', () => {
  const [hours, ...more] = readWeeklyHours(schedule('schedule-dr-amara-osei'));
  expect(more).toEqual([]);
  const span = { low: Date.parse('2026-11-23T00:00:00Z'), high: Date.parse('2026-11-24T00:00:00Z') };
  const windows = openWindows(hours!, zoneOf('UTC'), span);
  expect(windows.map(({ low, high }) => [new Date(low).toISOString(), new Date(high).toISOString()])).toEqual([
    ['2026-11-23T09:00:00.000Z', '2026-11-23T13:00:00.000Z'],
    ['2026-11-23T14:00:00.000Z', '2026-11-23T17:00:00.000Z'],
  ]);
});

describe('the demo prints for people', () => {
  test('numbers with thousands, nouns in their number', () => {
    expect(count(1_896, 'resource')).toBe('1,896 resources');
    expect(count(1, 'bundle')).toBe('1 bundle');
  });

  test('columns: text to the left, numbers to the right', () => {
    expect(
      alignTable([
        ['base', '120.00', 'USD'],
        ['tax', '6.75', 'USD'],
      ]),
    ).toEqual(['base  120.00  USD', 'tax     6.75  USD']);
  });
});
