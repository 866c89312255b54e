// Resources that are as the definitions of the guide ask, and changes after which each must be refused at the named element.

import type { AuditEvent, Observation, Patient } from '@medplum/fhirtypes';
import { auditTypes, categories, dicom, guide, loinc, objectRoles, races, ucum } from './guide-definitions.ts';

const extensionUrl = (id: string) => `${guide}/StructureDefinition/${id}`;
const omb = (code: string) => ({ url: 'ombCategory', valueCoding: { system: races, code } });
const text = { url: 'text', valueString: 'as told' };
const race = (...parts: object[]) => ({ url: extensionUrl('race'), extension: parts });

export interface Case {
  readonly valid: object;
  /** Other ways to be valid. */
  readonly alsoValid?: readonly object[];
  /** `[change, code and expression]`. */
  readonly invalid: readonly (readonly [change: object, issue: string])[];
}

const patient: Patient = {
  resourceType: 'Patient',
  extension: [
    race(omb('2106-3'), omb('2028-9'), text) as never,
    { url: extensionUrl('ethnicity'), extension: [text] },
    { url: extensionUrl('birthsex'), valueCode: 'F' },
  ],
  identifier: [{ system: 'urn:guide', value: '1' }],
  name: [{ family: 'Vero', given: ['Ina'] }],
  gender: 'female',
};
const reason = { url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' };

const patientCase: Case = {
  valid: patient,
  alsoValid: [
    { extension: undefined },
    { name: [{ extension: [reason] }] },
    {
      extension: [
        { ...race(text), id: 'r' },
        { url: 'http://other.example/extension', valueBoolean: true },
      ],
    },
  ],
  invalid: [
    [{ identifier: undefined }, 'required Patient.identifier'],
    [{ identifier: [{ system: 'urn:guide' }] }, 'required Patient.identifier[0].value'],
    [{ name: [{ text: 'Ina Vero' }] }, 'invariant Patient.name[0]'],
    [{ name: [{ family: 'Vero', extension: [reason] }] }, 'invariant Patient.name[0]'],
    [{ gender: undefined }, 'required Patient.gender'],
    [{ telecom: [{ system: 'phone' }] }, 'required Patient.telecom[0].value'],
    [{ extension: [race(omb('2106-3'))] }, 'required Patient.extension[0].extension'],
    [{ extension: [race(omb('9999-9'), text)] }, 'code-invalid Patient.extension[0].extension[0].value'],
    [
      { extension: [race({ url: 'ombCategory', valueString: 'x' }, text)] },
      'structure Patient.extension[0].extension[0].value',
    ],
    [
      { extension: [race(...Array.from({ length: 6 }, () => omb('2028-9')), text)] },
      'structure Patient.extension[0].extension[5]',
    ],
    [{ extension: [{ url: extensionUrl('race'), valueString: 'x' }] }, 'structure Patient.extension[0].value'],
    [{ extension: [race(text), race(text)] }, 'structure Patient.extension[1]'],
    [{ extension: [{ url: extensionUrl('birthsex'), valueCode: 'X' }] }, 'code-invalid Patient.extension[0].value'],
    [{ name: [{ ...patient.name?.[0], extension: [race(text)] }] }, 'extension Patient.name[0].extension[0]'],
  ],
};

const category = (code: string) => ({ coding: [{ system: categories, code }] });
const pressure = (
  code: string,
  value: object = { valueQuantity: { value: 120, unit: 'mmHg', system: ucum, code: 'mm[Hg]' } },
) => ({
  code: {
    coding: [
      { system: loinc, code, display: 'any' },
      { system: 'urn:local', code: 'p' },
    ],
  },
  ...value,
});
const [systolic, diastolic] = [pressure('8480-6'), pressure('8462-4')];
const quantity = (more: object) => ({
  valueQuantity: { value: 120, unit: 'mmHg', system: ucum, code: 'mm[Hg]', ...more },
});

const bloodPressure = {
  resourceType: 'Observation',
  status: 'final',
  category: [category('vital-signs')],
  code: { coding: [{ system: loinc, code: '85354-9' }], text: 'Blood pressure' },
  subject: { reference: 'Patient/any' },
  effectiveDateTime: '2024-05-06',
  component: [systolic, diastolic],
} satisfies Partial<Observation>;
const absent = { dataAbsentReason: { text: 'not taken' } };

const bloodPressureCase: Case = {
  valid: bloodPressure,
  alsoValid: [
    { category: [category('exam'), category('vital-signs')] },
    { component: [diastolic, pressure('8478-0'), systolic] },
    { component: [pressure('8480-6', absent), diastolic] },
    { effectiveDateTime: undefined, effectivePeriod: { start: '2024' } },
  ],
  invalid: [
    [{ category: [category('exam')] }, 'required Observation.category'],
    [{ category: [category('vital-signs'), category('vital-signs')] }, 'structure Observation.category[1]'],
    [{ code: { coding: [{ system: loinc, code: '8867-4' }] } }, 'value Observation.code'],
    [{ subject: undefined }, 'required Observation.subject'],
    [{ subject: { reference: 'Group/any' } }, 'structure Observation.subject'],
    [{ effectiveDateTime: undefined }, 'required Observation.effective'],
    [{ effectiveDateTime: '2024-05' }, 'invariant Observation.effective'],
    [{ effectiveDateTime: undefined, effectiveInstant: '2024-05-06T10:00:00Z' }, 'structure Observation.effective'],
    [{ valueString: 'high' }, 'structure Observation.value'],
    [{ component: [systolic] }, 'required Observation.component'],
    [{ component: [systolic, pressure('8867-4')] }, 'required Observation.component'],
    [{ component: [systolic, systolic, diastolic] }, 'structure Observation.component[1]'],
    [{ component: [pressure('8480-6', {}), diastolic] }, 'invariant Observation.component[0]'],
    [
      { component: [pressure('8480-6', { valueString: '120' }), diastolic] },
      'structure Observation.component[0].value',
    ],
    [
      { component: [pressure('8480-6', quantity({ code: 'kPa' })), diastolic] },
      'value Observation.component[0].value.code',
    ],
    [
      { component: [pressure('8480-6', quantity({ unit: undefined })), diastolic] },
      'required Observation.component[0].value.unit',
    ],
  ],
};

const laboratoryCase: Case = {
  valid: {
    ...bloodPressure,
    category: [category('laboratory')],
    code: { text: 'any' },
    component: undefined,
    ...quantity({}),
  },
  alsoValid: [{ category: [category('laboratory'), category('exam')] }],
  invalid: [
    [{ category: [category('vital-signs')] }, 'required Observation.category'],
    [{ category: [{ text: 'laboratory' }] }, 'required Observation.category'],
    [{ referenceRange: [{ text: 'a' }, { text: 'b' }] }, 'structure Observation.referenceRange'],
  ],
};

const agent = (code: string, more: object = { who: { display: 'x' } }) => ({
  type: { coding: [{ system: dicom, code }] },
  requestor: code === '110153',
  ...more,
});
const role = (code: string) => ({ system: objectRoles, code });
const about = { what: { reference: 'Patient/any' }, role: role('1') };
const [client, server] = [agent('110153'), agent('110152')];

const auditedRead: Partial<AuditEvent> = {
  resourceType: 'AuditEvent',
  type: { system: auditTypes, code: 'rest' },
  subtype: [{ system: 'http://hl7.org/fhir/restful-interaction', code: 'read' }],
  action: 'R',
  recorded: '2024-05-06T10:00:00Z',
  outcome: '0',
  agent: [client, server] as never,
  source: { observer: { display: 'x' } },
  entity: [about],
};

const auditedReadCase: Case = {
  valid: auditedRead,
  alsoValid: [{ agent: [server, client, agent('humanuser')] }, { entity: [{ role: role('24') }, about] }],
  invalid: [
    [{ action: 'U' }, 'value AuditEvent.action'],
    [{ type: { system: auditTypes, code: 'sign' } }, 'value AuditEvent.type'],
    [
      { subtype: [{ system: 'http://hl7.org/fhir/restful-interaction', code: 'vread' }] },
      'required AuditEvent.subtype',
    ],
    [{ agent: [client] }, 'required AuditEvent.agent'],
    [{ agent: [client, agent('110152', {})] }, 'required AuditEvent.agent[1].who'],
    [{ agent: [client, client, server] }, 'structure AuditEvent.agent[1]'],
    [{ entity: [{ role: role('24') }] }, 'required AuditEvent.entity'],
    [{ entity: [{ ...about, what: { reference: 'Group/any' } }] }, 'structure AuditEvent.entity[0].what'],
    [{ entity: undefined }, 'required AuditEvent.entity'],
  ],
};

const entry = (id: string, resource: object) => ({ fullUrl: `urn:uuid:${id}`, resource });
const uuid = (digit: number) => `00000000-0000-4000-8000-00000000000${digit}`;
const [ofComposition, ofPatient, ofResult] = [uuid(1), uuid(2), uuid(3)] as [string, string, string];
const section = (code: string, more: object) => ({ title: 'x', code: { coding: [{ system: loinc, code }] }, ...more });
const narrative = { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' };
const results = section('30954-2', { entry: [{ reference: `urn:uuid:${ofResult}` }] });
const result = { ...laboratoryCase.valid, subject: { reference: `urn:uuid:${ofPatient}` } };

const composition = (section: readonly object[], more: object = {}) => ({
  ...{ resourceType: 'Composition', status: 'final', title: 'Summary', date: '2024-05-06', author: [{ display: 'x' }] },
  ...{ type: { coding: [{ system: loinc, code: '60591-5' }] }, subject: { reference: `urn:uuid:${ofPatient}` } },
  section,
  ...more,
});
const entries = (one: object, ...others: object[]) => ({ entry: [entry(ofComposition, one), ...others] });
const [patientEntry, resultEntry] = [entry(ofPatient, patient), entry(ofResult, result)];

const summaryCase: Case = {
  valid: {
    ...{ resourceType: 'Bundle', type: 'document', timestamp: '2024-05-06T10:00:00Z' },
    identifier: { system: 'urn:guide', value: '1' },
    ...entries(composition([results]), patientEntry, resultEntry),
  },
  alsoValid: [
    entries(composition([section('18776-5', { text: narrative }), results]), patientEntry, resultEntry),
    entries(composition([results, section('48765-2', { text: narrative })]), resultEntry, patientEntry),
  ],
  invalid: [
    [entries(composition([results]), resultEntry), 'required Bundle.entry'],
    [
      entries(composition([results]), entry(ofPatient, { ...patient, gender: undefined }), resultEntry),
      'required Bundle.entry',
    ],
    [
      entries(composition([section('18776-5', { text: narrative })]), patientEntry, resultEntry),
      'required Bundle.entry',
    ],
    [
      entries(composition([results]), patientEntry, entry(ofResult, { ...result, category: [category('exam')] })),
      'required Bundle.entry',
    ],
  ],
};

const referring = (code: string, ...ids: string[]) =>
  section(code, { entry: ids.map((id) => ({ reference: `#${id}` })) });
const told = section('18776-5', { text: narrative });
const compositionCase: Case = {
  valid: composition([referring('30954-2', 'o')], {
    contained: [
      { ...patient, id: 'p' },
      { ...result, id: 'o', subject: { reference: '#p' } },
    ],
    subject: { reference: '#p' },
  }),
  alsoValid: [{ section: [told, referring('30954-2', 'p', 'o')] }],
  invalid: [
    [{ type: { text: 'x' } }, 'value Composition.type'],
    [{ section: [told, referring('48765-2', 'o')] }, 'required Composition.section'],
    [{ section: [{ ...referring('30954-2', 'o'), title: undefined }] }, 'required Composition.section[0].title'],
    [
      { section: [section('30954-2', { text: narrative }), referring('48765-2', 'o')] },
      'required Composition.section[0].entry',
    ],
    [{ section: [referring('30954-2', 'p'), referring('48765-2', 'o')] }, 'required Composition.section[0].entry'],
    [{ section: [referring('30954-2', 'o'), referring('18776-5', 'o')] }, 'structure Composition.section[1].entry'],
  ],
};

const marked = (system: string, code: string) => ({ coding: [{ system, code }] });
const [order, home] = [marked('urn:guide:category', 'order'), marked('urn:guide:setting', 'home')];
const dosage = (value: number, code: string) => ({
  dosageInstruction: [{ doseAndRate: [{ doseQuantity: { value, unit: code, system: ucum, code } }] }],
});

const medicationCase: Case = {
  valid: {
    ...{ resourceType: 'MedicationRequest', status: 'active', intent: 'order', subject: { reference: 'Patient/any' } },
    ...{ category: [order, home], medicationCodeableConcept: { text: 'x' }, ...dosage(500, 'mg') },
  },
  alsoValid: [{ category: [home, { text: 'any' }, order] }, dosage(1, 'g')],
  invalid: [
    [{ category: [order] }, 'required MedicationRequest.category'],
    [{ category: [home] }, 'required MedicationRequest.category'],
    [{ category: [home, order, home] }, 'structure MedicationRequest.category[2]'],
    [dosage(1001, 'mg'), 'value MedicationRequest.dosageInstruction[0].doseAndRate[0].dose'],
    [
      { dosageInstruction: [{ doseAndRate: [{ doseRange: { low: { value: 1 } } }] }] },
      'structure MedicationRequest.dosageInstruction[0].doseAndRate[0].dose',
    ],
    [
      { medicationCodeableConcept: undefined, medicationReference: { display: 'x' } },
      'structure MedicationRequest.medication',
    ],
    [{ dosageInstruction: [{ text: 'a' }, { text: 'b' }] }, 'structure MedicationRequest.dosageInstruction'],
  ],
};

/** By id of the profile. */
export const guideCases: Readonly<Record<string, Case>> = {
  patient: patientCase,
  'blood-pressure': bloodPressureCase,
  laboratory: laboratoryCase,
  'audited-read': auditedReadCase,
  summary: summaryCase,
  'summary-composition': compositionCase,
  'home-medication-request': medicationCase,
};
