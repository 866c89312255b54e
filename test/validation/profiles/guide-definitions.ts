// Definitions in the manner of US Core and IHE BALP, whose packages cannot be had here: their shapes, in our own words.

import type { ElementDefinition, Resource, StructureDefinition, ValueSet } from '@medplum/fhirtypes';
import { base, structure } from '../../fhir/profiles/structures.ts';

export const guide = 'http://guide.example/fhir';
const definition = (id: string) => `${guide}/StructureDefinition/${id}`;
const valueSetUrl = (id: string) => `${guide}/ValueSet/${id}`;

export const loinc = 'http://loinc.org';
export const ucum = 'http://unitsofmeasure.org';
export const races = 'urn:oid:2.16.840.1.113883.6.238';
export const categories = 'http://terminology.hl7.org/CodeSystem/observation-category';
export const auditTypes = 'http://terminology.hl7.org/CodeSystem/audit-event-type';
export const dicom = 'http://dicom.nema.org/resources/ontology/DCM';
export const objectRoles = 'http://terminology.hl7.org/CodeSystem/object-role';
const interactions = 'http://hl7.org/fhir/restful-interaction';

type Rules = Partial<ElementDefinition>;

/** `Patient.name:official.family`: path and slice name follow. */
function element(id: string, rules: Rules = {}): Rules {
  const steps = id.split('.');
  const sliceName = /:(.*)$/.exec(steps.at(-1) ?? '')?.[1];
  const path = steps.map((step) => step.split(':')[0]).join('.');
  return { id, path, ...(sliceName !== undefined && { sliceName }), ...rules };
}

function profile(
  id: string,
  type: string,
  rules: Readonly<Record<string, Rules>>,
  overrides: Partial<StructureDefinition> = {},
): StructureDefinition {
  const elements = [element(type), ...Object.entries(rules).map(([below, one]) => element(`${type}.${below}`, one))];
  const all = { id, name: id.replaceAll('-', '_'), version: '3.1.1', ...overrides };
  return structure(definition(id), type, elements, all).resource;
}

const kind = 'complex-type' as const;
const must: Rules = { mustSupport: true };
const once: Rules = { min: 1, max: '1' };
const some: Rules = { min: 1, ...must };
const bound = (strength: 'required' | 'extensible', valueSet: string): Rules => ({ binding: { strength, valueSet } });
const typed = (code: string, more: object = {}): Rules => ({ type: [{ code, ...more }] }) as Rules;
const about = (...targetProfile: string[]): Rules => typed('Reference', { targetProfile });
const coded = (system: string, code: string) => ({ coding: [{ system, code }] });
const pattern = (system: string, code: string): Rules => ({ patternCodeableConcept: coded(system, code) });
const sliced = (
  path: string,
  type: 'value' | 'pattern' | 'type' | 'profile' = 'value',
  rules: 'open' | 'closed' = 'open',
): Rules => ({
  slicing: { discriminator: [{ type, path }], ordered: false, rules },
});
const onPatients: Partial<StructureDefinition> = { kind, context: [{ type: 'element', expression: 'Patient' }] };

/** Parts of an extension: `[name, cardinality, type, rules of the value]`. */
function complexExtension(
  id: string,
  parts: readonly (readonly [string, Rules, string, Rules?])[],
): StructureDefinition {
  const rules = parts.flatMap(([name, cardinality, type, value = {}]): [string, Rules][] => [
    [`extension:${name}`, { ...cardinality, ...must }],
    [`extension:${name}.extension`, { max: '0' }],
    [`extension:${name}.url`, { fixedUri: name }],
    [`extension:${name}.value[x]`, { min: 1, ...typed(type), ...value }],
  ]);
  const own: [string, Rules][] = [
    ['url', { fixedUri: definition(id) }],
    ['value[x]', { max: '0' }],
  ];
  return profile(
    id,
    'Extension',
    Object.fromEntries([['extension', { min: 1, ...sliced('url') }], ...rules, ...own]),
    onPatients,
  );
}

const raceExtension = complexExtension('race', [
  ['ombCategory', { max: '5' }, 'Coding', bound('required', valueSetUrl('omb-race'))],
  ['detailed', {}, 'Coding', bound('required', valueSetUrl('detailed-race'))],
  ['text', once, 'string'],
]);

const ethnicityExtension = complexExtension('ethnicity', [
  ['ombCategory', { max: '1' }, 'Coding'],
  ['text', once, 'string'],
]);

const birthsexExtension = profile(
  'birthsex',
  'Extension',
  {
    extension: { max: '0' },
    url: { fixedUri: definition('birthsex') },
    'value[x]': { min: 1, ...typed('code'), ...bound('required', valueSetUrl('birthsex')) },
  },
  onPatients,
);

/** With a constraint of US Core, which allows a reason in place of the name. */
const patient = profile('patient', 'Patient', {
  'extension:race': { max: '1', ...must, ...typed('Extension', { profile: [definition('race')] }) },
  'extension:ethnicity': { max: '1', ...typed('Extension', { profile: [definition('ethnicity')] }) },
  'extension:birthsex': { max: '1', ...typed('Extension', { profile: [definition('birthsex')] }) },
  identifier: some,
  'identifier.system': { min: 1, ...must },
  'identifier.value': { min: 1, ...must },
  name: {
    ...some,
    constraint: [
      {
        key: 'guide-8',
        severity: 'error',
        human: 'Either a given or a family name, or the reason why there is none',
        expression: `(family.exists() or given.exists()) xor extension.where(url = '${base}data-absent-reason').exists()`,
      },
    ],
  },
  telecom: must,
  'telecom.system': { min: 1, ...must },
  'telecom.value': { min: 1, ...must },
  gender: some,
  birthDate: must,
  'communication.language': bound('extensible', 'http://hl7.org/fhir/ValueSet/languages'),
});

const isVitalSign = (at: string): Record<string, Rules> => ({
  [at]: {
    ...some,
    slicing: {
      discriminator: [
        { type: 'value', path: 'coding.code' },
        { type: 'value', path: 'coding.system' },
      ],
      ordered: false,
      rules: 'open',
    },
  },
  [`${at}:VSCat`]: { ...once, ...must },
  [`${at}:VSCat.coding`]: some,
  [`${at}:VSCat.coding.system`]: { ...once, fixedUri: categories },
  [`${at}:VSCat.coding.code`]: { ...once, fixedCode: 'vital-signs' },
});

const vitalSigns = profile('vital-signs', 'Observation', {
  status: must,
  ...isVitalSign('category'),
  code: must,
  subject: { min: 1, ...must, ...about(definition('patient')) },
  'effective[x]': {
    min: 1,
    type: [{ code: 'dateTime' }, { code: 'Period' }],
    constraint: [
      {
        key: 'guide-vs-1',
        severity: 'error',
        human: 'if it is a dateTime, it shall be precise to the day',
        expression: '($this is dateTime) implies $this.toString().length() >= 10',
      },
    ],
  },
  'value[x]': must,
  component: {
    constraint: [
      {
        key: 'guide-vs-3',
        severity: 'error',
        human: 'A component without a value has a reason for that',
        expression: 'value.exists() or dataAbsentReason.exists()',
      },
    ],
  },
});

const pressure = (name: string, code: string): Record<string, Rules> => ({
  [`component:${name}`]: { ...once, ...must },
  [`component:${name}.code`]: { ...must, ...pattern(loinc, code) },
  [`component:${name}.value[x]`]: { ...must, ...sliced('$this', 'type', 'closed') },
  [`component:${name}.value[x]:valueQuantity`]: { max: '1', ...must, ...typed('Quantity') },
  [`component:${name}.value[x]:valueQuantity.value`]: { min: 1, ...must },
  [`component:${name}.value[x]:valueQuantity.unit`]: { min: 1, ...must },
  [`component:${name}.value[x]:valueQuantity.system`]: { min: 1, fixedUri: ucum },
  [`component:${name}.value[x]:valueQuantity.code`]: { min: 1, fixedCode: 'mm[Hg]' },
});

const bloodPressure = profile(
  'blood-pressure',
  'Observation',
  {
    code: pattern(loinc, '85354-9'),
    'value[x]': { max: '0' },
    component: { min: 2, ...sliced('code', 'pattern') },
    ...pressure('systolic', '8480-6'),
    ...pressure('diastolic', '8462-4'),
  },
  { baseDefinition: definition('vital-signs') },
);

const laboratory = profile('laboratory', 'Observation', {
  category: { ...some, ...sliced('$this', 'pattern') },
  'category:Laboratory': { ...once, ...must, ...pattern(categories, 'laboratory') },
  subject: { min: 1, ...about(definition('patient')) },
  'effective[x]': must,
  'value[x]': must,
  dataAbsentReason: must,
  referenceRange: { max: '1' },
});

/** Of BALP: who asked, who answered, about whom. */
const agent = (name: string, system: string, code: string): Record<string, Rules> => ({
  [`agent:${name}`]: once,
  [`agent:${name}.type`]: { min: 1, ...pattern(system, code) },
  [`agent:${name}.who`]: { min: 1 },
});

const auditedRead = profile('audited-read', 'AuditEvent', {
  type: { patternCoding: { system: auditTypes, code: 'rest' } },
  subtype: { min: 1, ...sliced('$this', 'pattern') },
  'subtype:read': { ...once, patternCoding: { system: interactions, code: 'read' } },
  action: { ...once, fixedCode: 'R' },
  outcome: { min: 1 },
  agent: { min: 2, ...sliced('type', 'pattern') },
  ...agent('client', dicom, '110153'),
  ...agent('server', dicom, '110152'),
  entity: { min: 1, ...sliced('role', 'pattern') },
  'entity:patient': once,
  'entity:patient.what': { min: 1, ...about(`${base}Patient`) },
  'entity:patient.role': { min: 1, patternCoding: { system: objectRoles, code: '1' } },
});

/** Of the International Patient Summary: entries told apart by type and profile, sections by code, their entries by target. */
const composition = profile('summary-composition', 'Composition', {
  type: pattern(loinc, '60591-5'),
  subject: { min: 1, ...about(definition('patient')) },
  section: { min: 1, ...sliced('code', 'pattern') },
  'section:results': { ...once, ...must },
  'section:results.title': { min: 1 },
  'section:results.code': { min: 1, ...pattern(loinc, '30954-2') },
  'section:results.entry': { min: 1, ...sliced('resolve()', 'profile') },
  'section:results.entry:laboratory': { min: 1, ...about(definition('laboratory')) },
  'section:plan': { max: '1' },
  'section:plan.code': { min: 1, ...pattern(loinc, '18776-5') },
  'section:plan.entry': { max: '0' },
});

const summary = profile('summary', 'Bundle', {
  type: { fixedCode: 'document' },
  entry: {
    min: 2,
    slicing: {
      discriminator: [
        { type: 'type', path: 'resource' },
        { type: 'profile', path: 'resource' },
      ],
      ordered: false,
      rules: 'open',
    },
  },
  'entry:composition': once,
  'entry:composition.resource': { min: 1, ...typed('Composition', { profile: [definition('summary-composition')] }) },
  'entry:patient': once,
  'entry:patient.resource': { min: 1, ...typed('Patient', { profile: [definition('patient')] }) },
});

/** A derived profile that slices on where its base has slices already, and leaves one of a choice of types. */
const medication = profile('medication-request', 'MedicationRequest', {
  category: sliced('$this', 'pattern'),
  'category:kind': { ...once, ...pattern('urn:guide:category', 'order') },
  'medication[x]': { type: [{ code: 'CodeableConcept' }, { code: 'Reference', targetProfile: [`${base}Medication`] }] },
  'medication[x]:medicationCodeableConcept': {
    ...typed('CodeableConcept'),
    ...bound('extensible', valueSetUrl('drugs')),
  },
  dosageInstruction: { max: '1' },
  'dosageInstruction.doseAndRate': { max: '1' },
  'dosageInstruction.doseAndRate.dose[x]': typed('Quantity'),
  'dosageInstruction.doseAndRate.doseQuantity': { maxValueQuantity: { value: 1, system: ucum, code: 'g' } },
});

const homeMedication = profile(
  'home-medication-request',
  'MedicationRequest',
  {
    'category:setting': { ...once, ...pattern('urn:guide:setting', 'home') },
    'medication[x]': typed('CodeableConcept'),
  },
  { baseDefinition: `${definition('medication-request')}|3.1.1` },
);

const listed = (id: string, system: string, ...codes: string[]): ValueSet => ({
  ...{ resourceType: 'ValueSet', id, url: valueSetUrl(id), status: 'active' },
  compose: { include: [{ system, concept: codes.map((code) => ({ code })) }] },
});

export const valueSets: readonly ValueSet[] = [
  listed('omb-race', races, '1002-5', '2028-9', '2054-5', '2106-3'),
  listed('detailed-race', races, '1010-8', '2029-7'),
  listed('birthsex', 'http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender', 'F', 'M'),
];

export const structures: readonly StructureDefinition[] = [
  ...[raceExtension, ethnicityExtension, birthsexExtension, patient, vitalSigns, bloodPressure, laboratory],
  ...[auditedRead, composition, summary, medication, homeMedication],
];

/** As the files of a package. */
export const guideFiles: readonly (readonly [name: string, content: Resource])[] = [...structures, ...valueSets].map(
  (resource) => [`${resource.resourceType}-${resource.id}.json`, resource],
);
