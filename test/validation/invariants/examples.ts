// For each of these invariants a node that breaks it and one that keeps it, beside each other: https://hl7.org/fhir/R4/resourcelist.html

import type { Json } from '../random-resource.ts';

/** Key, where the node stands, one that breaks it, one that keeps it. */
export type Example = readonly [key: string, path: string, broken: Json | string, kept: Json | string];

const coding = (system: string, code: string) => ({ coding: [{ system, code }] });
const conditionStatus = 'http://terminology.hl7.org/CodeSystem/condition-clinical';
const verification = 'http://terminology.hl7.org/CodeSystem/condition-ver-status';
const category = 'http://terminology.hl7.org/CodeSystem/condition-category';
const allergyVerification = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification';
const ucum = 'http://unitsofmeasure.org';
const text = { text: 'x' };
const ref = { reference: 'Basic/1' };
const element = (rest: Json) => ({ id: 'a', path: 'Basic.code', ...rest });
const snapshot = (...elements: Json[]) => ({ snapshot: { element: elements } });
const organization = { resourceType: 'Organization', id: 'o' };
const meta = (rest: Json) => ({
  contained: [{ ...organization, meta: rest }],
  managingOrganization: { reference: '#o' },
});

export const datatypeExamples: readonly Example[] = [
  ['per-1', 'Encounter.period', { start: '2020-02', end: '2020-01' }, { start: '2020-01', end: '2020-01-15' }],
  [
    'per-1',
    'Encounter.period',
    { start: '2020-01-01T12:00:00+02:00', end: '2020-01-01T09:59:59Z' },
    { start: '2020-01-01T12:00:00+02:00', end: '2020-01-01T10:00:00Z' },
  ],
  ['qty-3', 'Observation.valueQuantity', { value: 1, code: 'mg' }, { value: 1, code: 'mg', system: ucum }],
  ['rng-2', 'Observation.valueRange', range(5, 1), range(1, 5)],
  [
    'rat-1',
    'Observation.valueRatio',
    { numerator: { value: 1 } },
    { numerator: { value: 1 }, denominator: { value: 2 } },
  ],
  ['rat-1', 'Observation.valueRatio', { id: 'r' }, { extension: [{ url: 'urn:x', valueCode: 'x' }] }],
  ['cpt-2', 'Patient.telecom', { value: '1' }, { value: '1', system: 'phone' }],
  ['att-1', 'Patient.photo', { data: 'AAAA' }, { data: 'AAAA', contentType: 'image/png' }],
  ['age-1', 'Condition.onsetAge', { value: 3 }, { value: 3, code: 'a', system: ucum }],
  ['age-1', 'Condition.onsetAge', { value: -1, code: 'a', system: ucum }, { value: 0.5, code: 'a', system: ucum }],
  ['dis-1', 'Location.extension.valueDistance', { value: 3 }, { value: 3, code: 'km', system: ucum }],
  ['drt-1', 'Encounter.length', { value: 3, code: 'h', system: 'urn:other' }, { value: 3, code: 'h', system: ucum }],
  [
    'cnt-3',
    'Basic.extension.valueCount',
    { value: 1.5, code: '1', system: ucum },
    { value: 2, code: '1', system: ucum },
  ],
  ['sqty-1', 'Observation.referenceRange.low', { value: 1, comparator: '<' }, { value: 1 }],
  ['exp-1', 'PlanDefinition.action.condition.expression', { language: 'text/cql' }, { language: 'x', expression: 'y' }],
  ['drq-1', 'Library.dataRequirement.codeFilter', { path: 'a', searchParam: 'b' }, { path: 'a' }],
  ['drq-2', 'Library.dataRequirement.dateFilter', {}, { searchParam: 'b' }],
  [
    'trd-1',
    'PlanDefinition.action.trigger',
    { type: 'named-event', name: 'n', data: [{ type: 'x' }], timingDate: '2020' },
    { type: 'named-event', name: 'n' },
  ],
  [
    'trd-2',
    'PlanDefinition.action.trigger',
    { type: 'named-event', name: 'n', condition: {} },
    { type: 'data-added', condition: {}, data: [{}] },
  ],
  ['trd-3', 'PlanDefinition.action.trigger', { type: 'named-event' }, { type: 'periodic', timingDate: '2020' }],
  ['tim-1', 'ServiceRequest.occurrenceTiming.repeat', { duration: 1 }, { duration: 1, durationUnit: 'h' }],
  ['tim-2', 'ServiceRequest.occurrenceTiming.repeat', { period: 1 }, { period: 1, periodUnit: 'd' }],
  [
    'tim-4',
    'ServiceRequest.occurrenceTiming.repeat',
    { duration: -1, durationUnit: 'h' },
    { duration: 0, durationUnit: 'h' },
  ],
  [
    'tim-5',
    'ServiceRequest.occurrenceTiming.repeat',
    { period: -1, periodUnit: 'h' },
    { period: 0.5, periodUnit: 'h' },
  ],
  ['tim-6', 'ServiceRequest.occurrenceTiming.repeat', { periodMax: 1 }, { period: 1, periodMax: 2, periodUnit: 'h' }],
  [
    'tim-7',
    'ServiceRequest.occurrenceTiming.repeat',
    { durationMax: 1 },
    { duration: 1, durationMax: 2, durationUnit: 'h' },
  ],
  ['tim-8', 'ServiceRequest.occurrenceTiming.repeat', { countMax: 1 }, { count: 1, countMax: 2 }],
  [
    'tim-9',
    'ServiceRequest.occurrenceTiming.repeat',
    { offset: 5, when: ['AC', 'CM'] },
    { offset: 5, when: ['AC', 'HS'] },
  ],
  ['tim-9', 'ServiceRequest.occurrenceTiming.repeat', { offset: 5 }, { offset: 5, when: ['PCM'] }],
  [
    'tim-10',
    'ServiceRequest.occurrenceTiming.repeat',
    { timeOfDay: ['10:00:00'], when: ['AC'] },
    { timeOfDay: ['10:00:00'] },
  ],
];

function range(low: number, high: number): Json {
  const unit = { unit: 'mg', system: ucum, code: 'mg' };
  return { low: { value: low, ...unit }, high: { value: high, ...unit } };
}

export const resourceExamples: readonly Example[] = [
  [
    'dom-3',
    'Patient',
    { contained: [organization] },
    { contained: [organization], managingOrganization: { reference: '#o' } },
  ],
  [
    'dom-3',
    'Patient',
    { contained: [{ id: 'e' }].map((one) => ({ resourceType: 'Encounter', ...one })) },
    { contained: [{ resourceType: 'Encounter', id: 'e', subject: { reference: '#' } }] },
  ],
  ['dom-4', 'Patient', meta({ versionId: '1' }), meta({ source: 'urn:x' })],
  ['dom-4', 'Patient', meta({ lastUpdated: '2020-01-01T00:00:00Z' }), meta({ profile: ['urn:x'] })],
  ['dom-5', 'Patient', meta({ security: [{ code: 'R' }] }), meta({ tag: [{ code: 'R' }] })],
  ['dom-6', 'Patient', {}, { text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' } }],
  ['pat-1', 'Patient.contact', { gender: 'male' }, { telecom: [{ system: 'phone', value: '1' }] }],
  ['obs-3', 'Observation.referenceRange', { age: range(1, 2) }, { text: 'x' }],
  ['obs-6', 'Observation', { dataAbsentReason: text, valueString: 'x' }, { dataAbsentReason: text }],
  [
    'obs-7',
    'Observation',
    { code: coding('urn:s', 'a'), valueString: 'x', component: [{ code: coding('urn:s', 'a') }] },
    { code: coding('urn:s', 'a'), valueString: 'x', component: [{ code: coding('urn:s', 'b') }] },
  ],
  ['app-1', 'Appointment.participant', { status: 'accepted' }, { status: 'accepted', actor: ref }],
  ['app-2', 'Appointment', { status: 'proposed', start: '2020-01-01T00:00:00Z' }, { status: 'proposed' }],
  ['app-3', 'Appointment', { status: 'booked' }, { status: 'waitlist' }],
  [
    'app-4',
    'Appointment',
    { status: 'proposed', cancelationReason: text },
    { status: 'cancelled', cancelationReason: text },
  ],
  ['apr-1', 'AppointmentResponse', { participantStatus: 'accepted' }, { participantStatus: 'accepted', actor: ref }],
  [
    'ait-1',
    'AllergyIntolerance',
    { verificationStatus: coding(allergyVerification, 'confirmed') },
    { verificationStatus: coding(allergyVerification, 'entered-in-error') },
  ],
  [
    'ait-2',
    'AllergyIntolerance',
    { verificationStatus: coding(allergyVerification, 'entered-in-error'), clinicalStatus: text },
    { clinicalStatus: text },
  ],
  ['sev-1', 'AuditEvent.entity', { name: 'x', query: 'AAAA' }, { name: 'x' }],
  ['bdl-1', 'Bundle', { type: 'batch', total: 1 }, { type: 'searchset', total: 1 }],
  [
    'bdl-2',
    'Bundle',
    { type: 'collection', entry: [{ resource: { resourceType: 'Basic' }, search: { mode: 'match' } }] },
    { type: 'searchset', entry: [{ resource: { resourceType: 'Basic' }, search: { mode: 'match' } }] },
  ],
  [
    'bdl-3',
    'Bundle',
    { type: 'batch', entry: [{ resource: { resourceType: 'Basic' } }] },
    { type: 'batch', entry: [{ request: { method: 'GET', url: 'x' } }] },
  ],
  [
    'bdl-4',
    'Bundle',
    { type: 'batch-response', entry: [{ resource: { resourceType: 'Basic' } }] },
    { type: 'batch-response', entry: [{ response: { status: '200' } }] },
  ],
  ['bdl-5', 'Bundle.entry', { fullUrl: 'urn:x' }, { fullUrl: 'urn:x', resource: { resourceType: 'Basic' } }],
  [
    'bdl-7',
    'Bundle',
    { type: 'collection', entry: twice({ fullUrl: 'urn:x' }) },
    { type: 'collection', entry: [{ fullUrl: 'urn:x' }, { fullUrl: 'urn:y' }] },
  ],
  ['bdl-8', 'Bundle.entry', { fullUrl: 'http://x/Basic/1/_history/2' }, { fullUrl: 'http://x/Basic/1' }],
  [
    'bdl-9',
    'Bundle',
    { type: 'document', identifier: { value: 'x' } },
    { type: 'document', identifier: { system: 'urn:s', value: 'x' } },
  ],
  ['bdl-10', 'Bundle', { type: 'document' }, { type: 'document', timestamp: '2020-01-01T00:00:00Z' }],
  [
    'bdl-11',
    'Bundle',
    { type: 'document', entry: [{ resource: { resourceType: 'Basic' } }] },
    { type: 'document', entry: [{ resource: { resourceType: 'Composition' } }] },
  ],
  [
    'bdl-12',
    'Bundle',
    { type: 'message', entry: [{ resource: { resourceType: 'Basic' } }] },
    { type: 'message', entry: [{ resource: { resourceType: 'MessageHeader' } }] },
  ],
  ['cpb-1', 'CapabilityStatement', { kind: 'requirements' }, { rest: [{ mode: 'server' }] }],
  ['cpb-2', 'CapabilityStatement', { kind: 'requirements' }, { description: 'x' }],
  [
    'cpb-7',
    'CapabilityStatement',
    { document: twice({ mode: 'producer', profile: 'urn:p' }) },
    {
      document: [
        { mode: 'producer', profile: 'urn:p' },
        { mode: 'consumer', profile: 'urn:p' },
      ],
    },
  ],
  [
    'cpb-9',
    'CapabilityStatement.rest',
    { resource: twice({ type: 'Patient' }) },
    { resource: [{ type: 'Patient' }, { type: 'Basic' }] },
  ],
  [
    'cpb-12',
    'CapabilityStatement.rest.resource',
    { searchParam: twice({ name: 'x' }) },
    { searchParam: [{ name: 'x' }, { name: 'y' }] },
  ],
  ['cpl-3', 'CarePlan.activity', { detail: {}, reference: ref }, { reference: ref }],
  [
    'ctm-1',
    'CareTeam.participant',
    { onBehalfOf: ref, member: { reference: 'Patient/1' } },
    { onBehalfOf: ref, member: { reference: 'Practitioner/1' } },
  ],
  [
    'csd-1',
    'CodeSystem',
    { concept: [{ code: 'a', concept: [{ code: 'a' }] }] },
    { concept: [{ code: 'a', concept: [{ code: 'b' }] }] },
  ],
  ['csd-0', 'CodeSystem', { name: 'my name' }, { name: 'MyName' }],
  ['cmp-1', 'Composition.section', { title: 'x' }, { title: 'x', entry: [ref] }],
  [
    'cmp-2',
    'Composition.section',
    { emptyReason: text, entry: [ref] },
    { emptyReason: text, section: [{ title: 'x', entry: [ref] }] },
  ],
  ['cmd-1', 'ConceptMap.group.element.target', { equivalence: 'narrower' }, { equivalence: 'narrower', comment: 'x' }],
  ['cmd-2', 'ConceptMap.group.unmapped', { mode: 'fixed' }, { mode: 'fixed', code: 'x' }],
  ['cmd-3', 'ConceptMap.group.unmapped', { mode: 'other-map' }, { mode: 'other-map', url: 'urn:x' }],
  ['con-1', 'Condition.stage', { type: text }, { summary: text }],
  ['con-2', 'Condition.evidence', {}, { detail: [ref] }],
  [
    'con-3',
    'Condition',
    { category: [coding(category, 'problem-list-item')] },
    { category: [coding(category, 'encounter-diagnosis')] },
  ],
  [
    'con-4',
    'Condition',
    { abatementString: 'x', clinicalStatus: coding(conditionStatus, 'active') },
    { abatementString: 'x', clinicalStatus: coding(conditionStatus, 'resolved') },
  ],
  [
    'con-5',
    'Condition',
    { clinicalStatus: text, verificationStatus: coding(verification, 'entered-in-error') },
    { verificationStatus: coding(verification, 'entered-in-error') },
  ],
  ['ppc-1', 'Consent', { status: 'active' }, { policyRule: text }],
  ['gol-1', 'Goal.target', { detailString: 'x' }, { detailString: 'x', measure: text }],
  ['grp-1', 'Group', { actual: false, member: [{ entity: ref }] }, { actual: true, member: [{ entity: ref }] }],
  ['imm-1', 'Immunization.education', { publicationDate: '2020' }, { documentType: 'x' }],
  ['ipn-1', 'InsurancePlan', {}, { name: 'x' }],
  [
    'ig-1',
    'ImplementationGuide.definition',
    { resource: [{ reference: ref, groupingId: 'x' }], grouping: [{ id: 'y', name: 'y' }] },
    { resource: [{ reference: ref, groupingId: 'y' }], grouping: [{ id: 'y', name: 'y' }] },
  ],
  [
    'ig-2',
    'ImplementationGuide',
    { fhirVersion: ['4.0.1'], definition: { resource: [{ reference: ref, fhirVersion: ['3.0.0'] }] } },
    { fhirVersion: ['4.0.1'], definition: { resource: [{ reference: ref, fhirVersion: ['4.0.1'] }] } },
  ],
  [
    'lnk-1',
    'Linkage',
    { item: [{ type: 'source', resource: ref }] },
    { item: twice({ type: 'source', resource: ref }) },
  ],
  ['lst-1', 'List', { emptyReason: text, entry: [{ item: ref }] }, { emptyReason: text }],
  [
    'lst-2',
    'List',
    { mode: 'working', entry: [{ deleted: true, item: ref }] },
    { mode: 'changes', entry: [{ deleted: true, item: ref }] },
  ],
  [
    'lst-3',
    'List',
    { mode: 'changes', entry: [{ date: '2020', item: ref }] },
    { mode: 'working', entry: [{ date: '2020', item: ref }] },
  ],
  ['mea-1', 'Measure', { group: [{ stratifier: [{}] }] }, { group: [{ stratifier: [{ description: 'x' }] }] }],
  ['mrp-1', 'MeasureReport', { type: 'data-collection', group: [{}] }, { type: 'data-collection' }],
  [
    'mrp-2',
    'MeasureReport',
    { group: [{ stratifier: [{ stratum: [{ value: text, component: [{ code: text, value: text }] }] }] }] },
    { group: [{ stratifier: [{ stratum: [{ value: text }] }] }] },
  ],
  ['mad-1', 'MedicationAdministration.dosage', { text: 'x' }, { dose: { value: 1 } }],
  [
    'mdd-1',
    'MedicationDispense',
    { whenPrepared: '2020-02', whenHandedOver: '2020-01' },
    { whenPrepared: '2020-02-01', whenHandedOver: '2020-02' },
  ],
  ['md-1', 'MessageDefinition.focus', { code: 'Patient', max: '0' }, { code: 'Patient', max: '*' }],
  [
    'nsd-2',
    'NamingSystem',
    { uniqueId: twice({ type: 'oid', value: 'x', preferred: true }) },
    { uniqueId: twice({ type: 'oid', value: 'x' }) },
  ],
  ['opd-1', 'OperationDefinition.parameter', { name: 'x' }, { name: 'x', type: 'code' }],
  [
    'opd-3',
    'OperationDefinition.parameter',
    { name: 'x', type: 'code', targetProfile: ['urn:x'] },
    { name: 'x', type: 'canonical', targetProfile: ['urn:x'] },
  ],
  [
    'tcp-1',
    'TerminologyCapabilities.codeSystem',
    { version: [{ code: '1' }, { isDefault: true }] },
    { version: [{ isDefault: true }] },
  ],
  [
    'tst-6',
    'TestScript.test.action.assert',
    { path: 'x', expression: 'y' },
    { path: 'x', extension: [{ url: 'urn:x', valueCode: 'x' }], expression: 'y' },
  ],
  ['tst-5', 'TestScript.setup.action.assert', { path: 'x', expression: 'y' }, { path: 'x' }],
  ['org-1', 'Organization', {}, { name: 'x' }],
  ['org-2', 'Organization.address', { use: 'home', city: 'x' }, { use: 'work', city: 'x' }],
  ['org-3', 'Organization.telecom', { use: 'home', system: 'phone', value: '1' }, { system: 'phone', value: '1' }],
  ['inv-1', 'Parameters.parameter', { name: 'x' }, { name: 'x', valueString: 'y' }],
  ['prr-1', 'ServiceRequest', { orderDetail: [text] }, { orderDetail: [text], code: text }],
  ['ras-1', 'RiskAssessment.prediction.probabilityRange', range(1, 2), { low: { value: 1, code: '%', system: ucum } }],
  ['ras-2', 'RiskAssessment.prediction', { probabilityDecimal: 100.5 }, { rationale: 'none known' }],
  [
    'inv-1',
    'Task',
    { authoredOn: '2020-02-01T00:00:00Z', lastModified: '2020-01-01' },
    { authoredOn: '2020-02-01T10:00:00Z', lastModified: '2020-02-01' },
  ],
  ['vsd-1', 'ValueSet.compose.include', { version: '1' }, { valueSet: ['urn:x'] }],
  [
    'vsd-2',
    'ValueSet.compose.include',
    { concept: [{ code: 'x' }], valueSet: ['urn:x'] },
    { concept: [{ code: 'x' }], system: 'urn:x' },
  ],
  [
    'vsd-3',
    'ValueSet.compose.include',
    { system: 'urn:x', concept: [{ code: 'x' }], filter: [{ property: 'x' }] },
    { system: 'urn:x', filter: [{ property: 'x' }] },
  ],
  ['vsd-6', 'ValueSet.expansion.contains', { abstract: true }, { abstract: true, display: 'x' }],
  ['vsd-9', 'ValueSet.expansion.contains', { display: 'x' }, { display: 'x', abstract: true }],
  ['vsd-10', 'ValueSet.expansion.contains', { code: 'x' }, { code: 'x', system: 'urn:x' }],
  [
    'tst-3',
    'TestScript.variable',
    { name: 'x', path: 'x', expression: 'x', headerField: 'x' },
    { name: 'x', path: 'x' },
  ],
  [
    'tst-4',
    'TestScript.metadata',
    { capability: [{ capabilities: 'urn:x' }] },
    { capability: [{ required: true, capabilities: 'urn:x' }] },
  ],
  [
    'tst-12',
    'TestScript.setup.action.assert',
    { direction: 'request', responseCode: '200' },
    { direction: 'response', responseCode: '200' },
  ],
  ['tst-13', 'TestScript.test.action.assert', { direction: 'request', response: 'okay' }, { response: 'okay' }],
  ['inv-2', 'TestReport.test.action', {}, { operation: { result: 'pass' } }],
];

function twice(node: Json): Json[] {
  return [node, { ...node }];
}

const answer = { question: 'q', operator: 'exists' };
const item = (rest: Json) => ({ linkId: 'a', ...rest });

export const definitionExamples: readonly Example[] = [
  ['que-1', 'Questionnaire.item', item({ type: 'group' }), item({ type: 'group', item: [item({ type: 'display' })] })],
  [
    'que-2',
    'Questionnaire',
    { item: [item({ type: 'group', item: [item({ type: 'display' })] })] },
    { item: [item({ type: 'display' })] },
  ],
  [
    'que-3',
    'Questionnaire.item',
    item({ type: 'display', code: [{ code: 'x' }] }),
    item({ type: 'string', code: [{ code: 'x' }] }),
  ],
  [
    'que-4',
    'Questionnaire.item',
    item({ type: 'choice', answerOption: [{ valueString: 'x' }], answerValueSet: 'urn:x' }),
    item({ type: 'choice', answerValueSet: 'urn:x' }),
  ],
  [
    'que-5',
    'Questionnaire.item',
    item({ type: 'boolean', answerValueSet: 'urn:x' }),
    item({ type: 'open-choice', answerValueSet: 'urn:x' }),
  ],
  ['que-6', 'Questionnaire.item', item({ type: 'display', required: true }), item({ type: 'string', required: true })],
  ['que-7', 'Questionnaire.item.enableWhen', { ...answer, answerString: 'x' }, { ...answer, answerBoolean: true }],
  [
    'que-8',
    'Questionnaire.item',
    item({ type: 'display', initial: [{ valueString: 'x' }] }),
    item({ type: 'string', initial: [{ valueString: 'x' }] }),
  ],
  ['que-9', 'Questionnaire.item', item({ type: 'display', readOnly: true }), item({ type: 'string', readOnly: true })],
  ['que-10', 'Questionnaire.item', item({ type: 'date', maxLength: 5 }), item({ type: 'text', maxLength: 5 })],
  [
    'que-11',
    'Questionnaire.item',
    item({ type: 'choice', answerOption: [{ valueString: 'x' }], initial: [{ valueString: 'x' }] }),
    item({ type: 'choice', answerOption: [{ valueString: 'x' }] }),
  ],
  [
    'que-12',
    'Questionnaire.item',
    item({ type: 'string', enableWhen: [answer, answer, answer] }),
    item({ type: 'string', enableWhen: [answer, answer, answer], enableBehavior: 'all' }),
  ],
  [
    'que-13',
    'Questionnaire.item',
    item({ type: 'string', initial: twice({ valueString: 'x' }) }),
    item({ type: 'string', repeats: true, initial: twice({ valueString: 'x' }) }),
  ],
  [
    'qrs-1',
    'QuestionnaireResponse.item',
    { linkId: 'a', answer: [{ valueString: 'x' }], item: [{ linkId: 'b' }] },
    { linkId: 'a', answer: [{ valueString: 'x', item: [{ linkId: 'b' }] }] },
  ],
  [
    'sdf-1',
    'StructureDefinition',
    { derivation: 'specialization', ...snapshot(element({}), element({ id: 'b' })) },
    { derivation: 'constraint', ...snapshot(element({}), element({ id: 'b' })) },
  ],
  [
    'sdf-3',
    'StructureDefinition.snapshot',
    { element: [element({ min: 0, max: '1' })] },
    { element: [element({ min: 0, max: '1', definition: 'x' })] },
  ],
  ['sdf-4', 'StructureDefinition', { abstract: false }, { abstract: false, baseDefinition: 'urn:x' }],
  ['sdf-6', 'StructureDefinition', { name: 'X' }, { differential: { element: [element({})] } }],
  [
    'sdf-8b',
    'StructureDefinition.snapshot',
    { element: [element({})] },
    { element: [element({ base: { path: 'x' } })] },
  ],
  ['sdf-5', 'StructureDefinition', { type: 'Extension', derivation: 'constraint' }, { type: 'Basic' }],
  [
    'sdf-10',
    'StructureDefinition.snapshot.element',
    element({ binding: { strength: 'required' } }),
    element({ binding: { strength: 'required', valueSet: 'urn:x' } }),
  ],
  [
    'eld-5',
    'StructureDefinition.snapshot.element',
    element({ contentReference: '#x', maxLength: 1 }),
    element({ contentReference: '#x' }),
  ],
  ['sdf-16', 'StructureDefinition', snapshot(element({}), element({})), snapshot(element({}), element({ id: 'b' }))],
  [
    'sdf-19',
    'StructureDefinition',
    { url: 'http://hl7.org/fhir/StructureDefinition/x', ...snapshot(element({ type: [{ code: 'a b' }] })) },
    { url: 'urn:x', ...snapshot(element({ type: [{ code: 'a b' }] })) },
  ],
  [
    'sdf-23',
    'StructureDefinition',
    snapshot({ id: 'a', path: 'Basic', sliceName: 'x' }),
    snapshot(element({ sliceName: 'x' })),
  ],
  [
    'smp-1',
    'StructureMap.group.rule.target',
    { element: 'x' },
    { element: 'x', context: 'y', contextType: 'variable' },
  ],
  ['spd-1', 'SearchParameter', { xpath: 'x' }, { xpath: 'x', xpathUsage: 'normal' }],
  ['eld-1', 'StructureDefinition.snapshot.element.slicing', { rules: 'open' }, { rules: 'open', description: 'x' }],
  ['eld-2', 'StructureDefinition.snapshot.element', element({ min: 2, max: '1' }), element({ min: 2, max: '2' })],
  ['eld-3', 'StructureDefinition.snapshot.element.max', '-1', '17'],
  [
    'eld-4',
    'StructureDefinition.snapshot.element.type',
    { code: 'string', aggregation: ['contained'] },
    { code: 'Reference', aggregation: ['contained'] },
  ],
  [
    'eld-6',
    'StructureDefinition.snapshot.element',
    element({ fixedCode: 'x', type: [{ code: 'code' }, { code: 'id' }] }),
    element({ fixedCode: 'x', type: [{ code: 'code' }] }),
  ],
  [
    'eld-7',
    'StructureDefinition.snapshot.element',
    element({ patternCode: 'x', type: [{ code: 'code' }, { code: 'id' }] }),
    element({ patternCode: 'x' }),
  ],
  [
    'eld-8',
    'StructureDefinition.snapshot.element',
    element({ patternCode: 'x', fixedCode: 'x' }),
    element({ fixedCode: 'x' }),
  ],
  [
    'eld-12',
    'StructureDefinition.snapshot.element.binding',
    { strength: 'required', valueSet: 'ftp://x' },
    { strength: 'required', valueSet: 'urn:x' },
  ],
  [
    'eld-13',
    'StructureDefinition.snapshot.element',
    element({ type: twice({ code: 'code' }) }),
    element({ type: [{ code: 'code' }, { code: 'id' }] }),
  ],
  [
    'eld-14',
    'StructureDefinition.snapshot.element',
    element({ constraint: twice({ key: 'a-1', expression: 'true' }) }),
    element({ constraint: [{ key: 'a-1', expression: 'true' }] }),
  ],
  [
    'eld-16',
    'StructureDefinition.snapshot.element',
    element({ sliceName: 'a b' }),
    element({ sliceName: 'a-b/c[x]@d' }),
  ],
  [
    'eld-17',
    'StructureDefinition.snapshot.element.type',
    { code: 'string', targetProfile: ['urn:x'] },
    { code: 'canonical', targetProfile: ['urn:x'] },
  ],
  [
    'eld-19',
    'StructureDefinition.snapshot.element',
    { id: 'a', path: 'Basic..code' },
    { id: 'a', path: 'Basic.extension:mine' },
  ],
  [
    'eld-20',
    'StructureDefinition.snapshot.element',
    { id: 'a', path: 'Basic.a-b' },
    { id: 'a', path: 'Basic.value[x]' },
  ],
];
