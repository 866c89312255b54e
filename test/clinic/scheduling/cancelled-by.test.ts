// Whose side cancelled, by HL7's codes: domain.md section 6, Cancellation reasons.

import { expect, test } from '@jest/globals';
import type { Appointment, CodeableConcept } from '@medplum/fhirtypes';
import type { Caller } from '../../../src/access/caller.ts';
import { cancelledBy, sayWhoCancelled } from '../../../src/clinic/scheduling/cancelled-by.ts';
import type { Change } from '../../../src/repository/change.ts';
import { buildAppointment } from '../../support/builders.ts';

const system = 'http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason';

test.each([
  ['pat', 'patient'],
  ['pat-fb', 'patient'],
  ['pat-mt', 'patient'],
  ['prov', 'clinic'],
  ['prov-hosp', 'clinic'],
  ['maint', 'clinic'],
  ['meds-inc', 'clinic'],
  ['other', 'clinic'],
  ['oth-weath', 'clinic'],
  ['patience', 'clinic'],
])('%s is the %s', (code, side) => {
  expect(cancelledBy({ cancelationReason: { coding: [{ system, code }] } })).toBe(side);
});

test('what is not one of those codes is the clinic’s: a text, no reason, a code of another system', () => {
  const reasons = [
    undefined,
    { text: 'pat' },
    { coding: [{ system: 'https://example.org', code: 'pat' }] },
    { coding: [{ code: 'pat' }] },
  ];
  for (const reason of reasons) expect(cancelledBy(reason ? { cancelationReason: reason } : {})).toBe('clinic');
});

test('what a patient cancels is the patient’s side, whatever reason is given, and the reason stays beside it', () => {
  const cancelled = (
    kind: Caller['kind'],
    cancelationReason: CodeableConcept,
    was: Appointment['status'] = 'booked',
  ) => {
    const appointment = buildAppointment('Patient/p', 'Practitioner/d');
    const resource = { ...appointment, id: 'x', status: 'cancelled' as const, cancelationReason };
    const change = {
      resource,
      oldResource: { ...appointment, status: was },
      exactNumbers: undefined,
    } as unknown as Change;
    sayWhoCancelled([change], { caller: { kind } as Caller });
    return (change.resource as Appointment).cancelationReason;
  };
  const clinic = { coding: [{ system, code: 'prov' }], text: 'Doctor is ill' };
  const said = cancelled('patient', clinic);
  expect([said?.text, said?.coding?.map(({ code }) => code), cancelledBy({ cancelationReason: said! })]).toEqual([
    'Doctor is ill',
    ['prov', 'pat'],
    'patient',
  ]);
  expect(cancelled('patient', { coding: [{ system, code: 'pat-fb' }] })).toEqual({
    coding: [{ system, code: 'pat-fb' }],
  });
  expect(cancelled('staff', clinic)).toEqual(clinic);
  expect(cancelled('patient', clinic, 'cancelled')).toEqual(clinic);
});
