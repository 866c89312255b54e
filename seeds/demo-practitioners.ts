// The practitioners of the demo clinic with their roles and weekly hours (contract.md 17).

import type { Extension, Practitioner, PractitionerRole, Resource, Schedule, TimingRepeat } from '@medplum/fhirtypes';

/** For each person a Practitioner, a PractitionerRole and an active Schedule. */
export function demoPractitioners(): Resource[] {
  return people.flatMap((person) => [practitioner(person), role(person), schedule(person)]);
}

interface Person {
  readonly id: string;
  readonly prefix?: string;
  readonly given: string;
  readonly family: string;
  readonly gender: 'female' | 'male' | 'other';
  readonly profession: 'doctor' | 'nurse';
  /** SNOMED CT. */
  readonly specialty: readonly [code: string, display: string];
  readonly department: string;
  readonly visitMinutes: number;
  /** Kept free behind each visit. */
  readonly bufferAfterMinutes?: number;
  readonly hours: readonly Hours[];
}

interface Hours {
  readonly days: NonNullable<TimingRepeat['dayOfWeek']>;
  /** Wall-clock time in the zone of the clinic. */
  readonly from: string;
  readonly forHours: number;
}

const weekdays: Hours['days'] = ['mon', 'tue', 'wed', 'thu', 'fri'];

const people: readonly Person[] = [
  {
    id: 'dr-amara-osei',
    prefix: 'Dr.',
    given: 'Amara',
    family: 'Osei',
    gender: 'female',
    profession: 'doctor',
    specialty: ['394579002', 'Cardiology'],
    department: 'cardiology',
    visitMinutes: 30,
    hours: [
      { days: weekdays, from: '09:00:00', forHours: 4 },
      { days: weekdays, from: '14:00:00', forHours: 3 },
    ],
  },
  {
    id: 'dr-bela-novak',
    prefix: 'Dr.',
    given: 'Bela',
    family: 'Novak',
    gender: 'male',
    profession: 'doctor',
    specialty: ['394814009', 'General practice'],
    department: 'general-practice',
    visitMinutes: 20,
    hours: [
      { days: weekdays, from: '08:00:00', forHours: 4 },
      { days: ['mon', 'tue', 'thu'], from: '13:00:00', forHours: 4 },
    ],
  },
  {
    id: 'dr-chiara-lindqvist',
    prefix: 'Dr.',
    given: 'Chiara',
    family: 'Lindqvist',
    gender: 'female',
    profession: 'doctor',
    specialty: ['394537008', 'Pediatrics'],
    department: 'pediatrics',
    visitMinutes: 20,
    bufferAfterMinutes: 10,
    hours: [{ days: ['mon', 'wed', 'fri'], from: '10:00:00', forHours: 6 }],
  },
  {
    id: 'dr-dalia-haddad',
    prefix: 'Dr.',
    given: 'Dalia',
    family: 'Haddad',
    gender: 'female',
    profession: 'doctor',
    specialty: ['773568002', 'Emergency medicine'],
    department: 'emergency',
    visitMinutes: 15,
    hours: [{ days: [...weekdays, 'sat', 'sun'], from: '00:00:00', forHours: 24 }],
  },
  {
    id: 'nurse-emeka-ruiz',
    given: 'Emeka',
    family: 'Ruiz',
    gender: 'male',
    profession: 'nurse',
    specialty: ['394537008', 'Pediatrics'],
    department: 'pediatrics',
    visitMinutes: 10,
    hours: [{ days: ['tue', 'thu'], from: '09:00:00', forHours: 8 }],
  },
];

function practitioner({ id, prefix, given, family, gender }: Person): Practitioner {
  return {
    resourceType: 'Practitioner',
    id,
    active: true,
    name: [{ use: 'official', family, given: [given], ...(prefix === undefined ? {} : { prefix: [prefix] }) }],
    telecom: [{ system: 'email', value: `${id}@example.org`, use: 'work' }],
    gender,
  };
}

function role({ id, profession, specialty, department }: Person): PractitionerRole {
  return {
    resourceType: 'PractitionerRole',
    id: `role-${id}`,
    active: true,
    practitioner: { reference: `Practitioner/${id}` },
    organization: { reference: `Organization/${department}` },
    code: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/practitioner-role', code: profession }] }],
    specialty: [{ coding: [{ system: 'http://snomed.info/sct', code: specialty[0], display: specialty[1] }] }],
    location: [{ reference: 'Location/demo-clinic-site' }],
    healthcareService: [{ reference: `HealthcareService/${department}-visits` }],
  };
}

function schedule({ id, visitMinutes, bufferAfterMinutes, hours }: Person): Schedule {
  const parameters: Extension[] = [
    { url: 'timezone', valueCode: 'UTC' },
    { url: 'duration', valueDuration: minutes(visitMinutes) },
    ...hours.map(availability),
    ...(bufferAfterMinutes === undefined ? [] : [{ url: 'bufferAfter', valueDuration: minutes(bufferAfterMinutes) }]),
    { url: 'slotCapacity', valuePositiveInt: 1 },
  ];
  return {
    resourceType: 'Schedule',
    id: `schedule-${id}`,
    extension: [{ url: 'https://hpms.example/fhir/StructureDefinition/scheduling-parameters', extension: parameters }],
    active: true,
    actor: [{ reference: `Practitioner/${id}` }],
    planningHorizon: { start: '2020-01-01T00:00:00Z' },
  };
}

function availability({ days, from, forHours }: Hours): Extension {
  const repeat: TimingRepeat = {
    dayOfWeek: [...days],
    timeOfDay: [from],
    duration: forHours,
    durationUnit: 'h',
    frequency: 1,
    period: 1,
    periodUnit: 'wk',
  };
  return { url: 'availability', valueTiming: { repeat } };
}

function minutes(value: number) {
  return { value, unit: 'min', system: 'http://unitsofmeasure.org', code: 'min' };
}
