// Resources of medication, diagnostics and devices that R4 refuses: https://hl7.org/fhir/R4/diagnostics-module.html

import type { InvalidRow } from './row.ts';

const ucum = 'http://unitsofmeasure.org';
const text = { text: 'x' };

export const medications: readonly InvalidRow[] = [
  ['Medication', { ingredient: [{ isActive: true }] }, 'required Medication.ingredient[0].item'],
  ['Medication', { status: 'draft' }, 'code-invalid Medication.status'],
  [
    'Medication',
    { amount: { numerator: { value: 1, system: ucum, code: 'tablet' } } },
    'code-invalid Medication.amount.numerator.code',
  ],
  ['Medication', { batch: {} }, 'structure Medication.batch'],
  ['MedicationRequest', { medicationCodeableConcept: undefined }, 'required MedicationRequest.medication'],
  [
    'MedicationRequest',
    { medicationReference: { reference: 'Medication/1' } },
    'structure MedicationRequest.medication',
  ],
  [
    'MedicationRequest',
    { medicationCodeableConcept: undefined, medicationReference: { reference: 'Substance/1' } },
    'value MedicationRequest.medication',
  ],
  ['MedicationRequest', { intent: 'want' }, 'code-invalid MedicationRequest.intent'],
  [
    'MedicationRequest',
    { dosageInstruction: [{ sequence: 1.5 }] },
    'value MedicationRequest.dosageInstruction[0].sequence',
  ],
  [
    'MedicationRequest',
    { dosageInstruction: [{ asNeededBoolean: true, asNeededCodeableConcept: text }] },
    'structure MedicationRequest.dosageInstruction[0].asNeeded',
  ],
  [
    'MedicationRequest',
    { dosageInstruction: [{ doseAndRate: [{ doseQuantity: { value: 1, system: ucum, code: 'tab' } }] }] },
    'code-invalid MedicationRequest.dosageInstruction[0].doseAndRate[0].dose.code',
  ],
  [
    'MedicationRequest',
    { dosageInstruction: [{ timing: { repeat: { when: ['morning'] } } }] },
    'code-invalid MedicationRequest.dosageInstruction[0].timing.repeat.when[0]',
  ],
  [
    'MedicationRequest',
    { dosageInstruction: [{ timing: { event: '2026' } }] },
    'structure MedicationRequest.dosageInstruction[0].timing.event',
  ],
  ['MedicationRequest', { substitution: { reason: text } }, 'required MedicationRequest.substitution.allowed'],
  [
    'MedicationRequest',
    { dispenseRequest: { numberOfRepeatsAllowed: -1 } },
    'value MedicationRequest.dispenseRequest.numberOfRepeatsAllowed',
  ],
  ['MedicationAdministration', { effectiveDateTime: undefined }, 'required MedicationAdministration.effective'],
  ['MedicationAdministration', { status: 'active' }, 'code-invalid MedicationAdministration.status'],
  [
    'MedicationAdministration',
    { performer: [{ actor: { reference: 'Organization/1' } }] },
    'value MedicationAdministration.performer[0].actor',
  ],
  ['MedicationDispense', { status: undefined }, 'required MedicationDispense.status'],
  ['MedicationDispense', { whenHandedOver: '2026-11-20T99:00:00Z' }, 'value MedicationDispense.whenHandedOver'],
  ['MedicationStatement', { status: 'taking' }, 'code-invalid MedicationStatement.status'],
  ['MedicationStatement', { effectivePeriod: '2026' }, 'structure MedicationStatement.effective'],
  ['MedicationKnowledge', { cost: [{ type: text }] }, 'required MedicationKnowledge.cost[0].cost'],
  [
    'MedicationKnowledge',
    { cost: [{ type: text, cost: { value: 1, currency: 'Euro' } }] },
    'code-invalid MedicationKnowledge.cost[0].cost.currency',
  ],
  ['Substance', { code: undefined }, 'required Substance.code'],
  ['Substance', { instance: [{ expiry: '2026/11/20' }] }, 'value Substance.instance[0].expiry'],
  ['Specimen', { status: 'ok' }, 'code-invalid Specimen.status'],
  ['Specimen', { subject: { reference: 'Specimen/1' } }, 'value Specimen.subject'],
  ['Specimen', { collection: { collectedDateTime: 'today' } }, 'value Specimen.collection.collected'],
  ['DiagnosticReport', { status: 'complete' }, 'code-invalid DiagnosticReport.status'],
  ['DiagnosticReport', { result: [{ reference: 'Condition/1' }] }, 'value DiagnosticReport.result[0]'],
  [
    'DiagnosticReport',
    { presentedForm: [{ contentType: 'application/pdf;' }] },
    'code-invalid DiagnosticReport.presentedForm[0].contentType',
  ],
  [
    'DiagnosticReport',
    { presentedForm: [{ language: 'en-' }] },
    'code-invalid DiagnosticReport.presentedForm[0].language',
  ],
  ['DiagnosticReport', { media: [{ comment: 'x' }] }, 'required DiagnosticReport.media[0].link'],
  ['ImagingStudy', { series: [{ modality: { code: 'CT' } }] }, 'required ImagingStudy.series[0].uid'],
  ['ImagingStudy', { series: [{ uid: '1 2', modality: { code: 'CT' } }] }, 'value ImagingStudy.series[0].uid'],
  ['ImagingStudy', { numberOfSeries: -1 }, 'value ImagingStudy.numberOfSeries'],
  ['Media', { content: undefined }, 'required Media.content'],
  ['Media', { height: 0 }, 'value Media.height'],
  ['Device', { udiCarrier: [{ carrierAIDC: 'A*' }] }, 'value Device.udiCarrier[0].carrierAIDC'],
  ['Device', { deviceName: [{ name: 'x' }] }, 'required Device.deviceName[0].type'],
  ['Device', { patient: { reference: 'Group/1' } }, 'value Device.patient'],
  [
    'DeviceDefinition',
    { udiDeviceIdentifier: [{ issuer: 'http://example.org', jurisdiction: 'http://example.org' }] },
    'required DeviceDefinition.udiDeviceIdentifier[0].deviceIdentifier',
  ],
  ['DeviceMetric', { category: 'x' }, 'code-invalid DeviceMetric.category'],
  ['DeviceMetric', { color: 'pink' }, 'code-invalid DeviceMetric.color'],
  ['DeviceRequest', { codeCodeableConcept: undefined }, 'required DeviceRequest.code'],
  ['DeviceUseStatement', { device: { reference: 'DeviceMetric/1' } }, 'value DeviceUseStatement.device'],
  ['ServiceRequest', { priority: 'now' }, 'code-invalid ServiceRequest.priority'],
  [
    'ServiceRequest',
    { quantityRatio: { numerator: { value: [] } } },
    'structure ServiceRequest.quantity.numerator.value',
  ],
  ['ServiceRequest', { doNotPerform: 'no' }, 'structure ServiceRequest.doNotPerform'],
  ['NutritionOrder', { dateTime: undefined }, 'required NutritionOrder.dateTime'],
  [
    'NutritionOrder',
    { oralDiet: { nutrient: [{ amount: { value: 1, system: ucum, code: 'gram' } }] } },
    'code-invalid NutritionOrder.oralDiet.nutrient[0].amount.code',
  ],
  ['SupplyRequest', { quantity: undefined }, 'required SupplyRequest.quantity'],
  [
    'SupplyDelivery',
    { type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/supply-item-type', code: 'food' }] } },
    'code-invalid SupplyDelivery.type',
  ],
  [
    'VisionPrescription',
    { lensSpecification: [{ product: text, eye: 'both' }] },
    'code-invalid VisionPrescription.lensSpecification[0].eye',
  ],
  [
    'VisionPrescription',
    { lensSpecification: [{ product: text, eye: 'left', axis: 90.5 }] },
    'value VisionPrescription.lensSpecification[0].axis',
  ],
  [
    'VisionPrescription',
    { lensSpecification: [{ product: text, eye: 'left', prism: [{ amount: 1 }] }] },
    'required VisionPrescription.lensSpecification[0].prism[0].base',
  ],
];
