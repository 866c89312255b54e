// Made-up people for the properties of likeness: of few names and days, so that they meet.

import type { Patient } from '@medplum/fhirtypes';
import fc from 'fast-check';

const word = fc.constantFrom(
  'Muster',
  'Müller',
  'Eva',
  'Maria',
  'Jean-Luc',
  "O'Neil",
  'Ana',
  'Ångström',
  'Smith',
  'Smyth',
);
const birthDate = fc.constantFrom('1980-02-29', '1980-02', '1980', '1981-05-06', '1981-06-05', '1975-12-31');
const phone = fc.constantFrom('+1 555 000 0001', '5550000001', '+44 20 7946 0000', '+41 44 668 18 00');
const identifier = fc.record({
  system: fc.constantFrom('https://a.example', 'https://b.example', 'https://hpms.example/fhir/sid/patient'),
  value: fc.constantFrom('1', '2', '3'),
});

const name = fc.oneof(
  fc.record({ family: word, given: fc.array(word, { minLength: 1, maxLength: 2 }) }),
  fc.record({ text: fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(' ')) }),
);

const facts = fc.record(
  {
    name: fc.array(name, { minLength: 1, maxLength: 2 }),
    birthDate,
    gender: fc.constantFrom('female' as const, 'male' as const, 'unknown' as const),
    telecom: fc.array(
      phone.map((value) => ({ system: 'phone' as const, value })),
      { minLength: 1, maxLength: 2 },
    ),
    identifier: fc.array(identifier, { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: [] },
);

export const anyPatient: fc.Arbitrary<Patient> = facts.map((known) => ({ resourceType: 'Patient', ...known }));

/** With enough to know one person by. */
export const knownPatient: fc.Arbitrary<Patient> = fc
  .tuple(anyPatient, name, birthDate)
  .map(([patient, own, born]) => ({ ...patient, name: [...(patient.name ?? []), own], birthDate: born }));
