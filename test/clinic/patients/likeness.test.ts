// How likely two Patients are one person: domain.md `$match`, S5-12 "Duplicate detection"; contract.md 6.

import { describe, expect, test } from '@jest/globals';
import type { Patient } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { lookupsOf } from '../../../src/clinic/patients/candidates.ts';
import { gradeOf, likenessOf, score } from '../../../src/clinic/patients/likeness.ts';
import { buildPatient } from '../../support/builders.ts';
import { anyPatient, knownPatient } from './people.ts';

const scoreOf = (one: Patient, other: Patient) => score(likenessOf(one), likenessOf(other));
const options = { seed: 6 };

describe('the score', () => {
  test('is from 0 to 1 and the same whichever of two is asked first', () => {
    fc.assert(
      fc.property(anyPatient, anyPatient, (one, other) => {
        const found = scoreOf(one, other);
        expect(found).toBe(scoreOf(other, one));
        expect(found).toBeGreaterThanOrEqual(0);
        expect(found).toBeLessThanOrEqual(1);
      }),
      options,
    );
  });

  test('of a known person with itself is 1', () => {
    fc.assert(
      fc.property(knownPatient, (patient) => expect(scoreOf(patient, patient)).toBe(1)),
      options,
    );
  });

  test('does not hear order, case, accents and spaces', () => {
    const disguised = (patient: Patient): Patient =>
      ({
        ...patient,
        name: patient.name?.toReversed().map(({ family, given, text }) => ({
          ...(family !== undefined && { family: ` ${family.toUpperCase().normalize('NFD')} ` }),
          ...(given && { given: given.toReversed().map((one) => one.toLowerCase()) }),
          ...(text !== undefined && { text: text.split(' ').reverse().join('  ').toUpperCase() }),
        })),
        identifier: patient.identifier?.toReversed(),
        telecom: patient.telecom?.toReversed(),
      }) as Patient;
    fc.assert(
      fc.property(anyPatient, anyPatient, (one, other) => {
        expect(scoreOf(disguised(one), other)).toBe(scoreOf(one, other));
      }),
      options,
    );
  });

  test('never falls when both turn out to have one more thing in common', () => {
    const shared: Partial<Patient>[] = [
      { birthDate: '1999-09-09' },
      { gender: 'other' },
      { telecom: [{ system: 'phone', value: '+1 555 999 9999' }] },
      { identifier: [{ system: 'https://c.example', value: '9' }] },
      { name: [{ family: 'Zweig', given: ['Stefan'] }] },
    ];
    const having = (patient: Patient, thing: Partial<Patient>): Patient => ({
      ...patient,
      ...thing,
      ...(thing.name && { name: [...(patient.name ?? []), ...thing.name] }),
      ...(thing.telecom && { telecom: [...(patient.telecom ?? []), ...thing.telecom] }),
      ...(thing.identifier && { identifier: [...(patient.identifier ?? []), ...thing.identifier] }),
    });
    fc.assert(
      fc.property(anyPatient, anyPatient, fc.constantFrom(...shared), (one, other, thing) => {
        expect(scoreOf(having(one, thing), having(other, thing))).toBeGreaterThanOrEqual(scoreOf(one, other));
      }),
      options,
    );
  });

  test('of what has a shape that is none is no failure', () => {
    const odd = { resourceType: 'Patient', name: 'x', telecom: [null, 7], identifier: {}, birthDate: 7 } as unknown;
    expect(scoreOf(odd as Patient, buildPatient())).toBe(0);
  });
});

describe('the grade', () => {
  const phone = [{ system: 'phone' as const, value: '+1 555 000 0001' }];
  const otherPhone = [{ system: 'phone' as const, value: '+1 555 000 0002' }];
  const member = (value: string) => [{ system: 'https://insurer.example', value }];
  const eva = buildPatient({ telecom: phone, identifier: member('1') });
  test.each<[string, Partial<Patient>, string]>([
    ['the same name, day of birth and gender', { telecom: undefined!, identifier: undefined! }, 'certain'],
    ['a second given name', { name: [{ family: 'Muster', given: ['Eva', 'Maria'] }] }, 'probable'],
    ['a typing error in the name', { name: [{ family: 'Mustr', given: ['Eva'] }] }, 'certain'],
    ['another phone', { telecom: otherPhone }, 'probable'],
    ['another name by marriage', { name: [{ family: 'Huber', given: ['Eva'] }] }, 'probable'],
    ['another number of the same insurer', { identifier: member('2') }, 'possible'],
    ['a twin', { name: [{ family: 'Muster', given: ['Ida'] }], identifier: member('2') }, 'certainly-not'],
    [
      'another person',
      { name: [{ family: 'Doe' }], birthDate: '1990-01-01', identifier: member('2') },
      'certainly-not',
    ],
  ])('of %s is what a clinic would say', (_, overrides, grade) => {
    expect(gradeOf(scoreOf(eva, { ...eva, ...overrides }))).toBe(grade);
  });

  test('of the number of the clinic: the same one speaks for a match, another one not against it', () => {
    const numbered = (value: string): Patient => ({
      ...buildPatient(),
      identifier: [{ system: 'https://hpms.example/fhir/sid/patient', value }],
    });
    expect(scoreOf(numbered('1'), numbered('2'))).toBe(1);
    expect(scoreOf(numbered('1'), { ...numbered('1'), name: [{ family: 'Huber' }] })).toBeGreaterThan(
      scoreOf(numbered('1'), { ...numbered('2'), name: [{ family: 'Huber' }] }),
    );
  });
});

describe('one person', () => {
  const born = { birthDate: '1980-02-29', gender: undefined!, telecom: undefined!, identifier: undefined! };
  const called = (family: string, ...given: string[]) => buildPatient({ ...born, name: [{ family, given }] });
  const reached = (value: string) => buildPatient({ telecom: [{ system: 'phone', value }] });

  test.each([
    ['+43 664 1234567', '0664/1234567'],
    ['+43 664 1234567', '0043 664 1234567'],
    ['+39 06 1234567', '06 1234567'],
    ['030 123456', '030-123456'],
  ])('has the phone %s and %s', (one, other) => {
    expect(scoreOf(reached(one), reached(other))).toBe(1);
  });

  test.each([
    ['+43 664 1234567', '0664/1234568'],
    ['+43 664 1234567', '0043 664 7654321'],
    ['+49 30 9123456', '0123456'],
  ])('has not the phones %s and %s', (one, other) => {
    expect(scoreOf(reached(one), reached(other))).toBeLessThan(1);
  });

  test.each([
    ['Mueller-Luedenscheidt', 'Aenne', 'Müller-Lüdenscheidt', 'Änne'],
    ['Goetz', 'Joerg', 'Götz', 'Jörg'],
    ['MÜLLER', 'Eva', 'Mueller', 'Eva'],
    ['Müller', 'Eva', 'Muller', 'Eva'],
  ])('is written %s, %s and %s, %s', (family, given, otherFamily, otherGiven) => {
    const [one, other] = [called(family, given), called(otherFamily, otherGiven)];
    expect(scoreOf(one, other)).toBe(1);
    const [asked, stored] = [one, other].map(
      (patient) => new Set(lookupsOf(likenessOf(patient)).flatMap(({ anyOf }) => anyOf)),
    );
    expect(asked?.isDisjointFrom(stored ?? new Set())).toBe(false);
  });

  test.each([
    ['Müller', 'mueller'],
    ['Mueller', 'muller'],
    ['Müller', 'muller'],
  ])('called %s is looked for as %s', (family, word) => {
    const texts = lookupsOf(likenessOf(called(family))).flatMap(({ anyOf }) => anyOf);
    expect(texts).toContain(`Patient.family|${word}`);
  });
});
