// The names below HPMS's canonical base that billing reads and writes (contract.md, 1, 7, 22, 26 to 30).

const base = 'https://hpms.example/fhir';

export const extensionUrls = {
  practitioner: `${base}/StructureDefinition/practitioner`,
  department: `${base}/StructureDefinition/department`,
  taxInclusive: `${base}/StructureDefinition/tax-inclusive`,
  taxCategory: `${base}/StructureDefinition/tax-category`,
  validVisits: `${base}/StructureDefinition/valid-visits`,
  validDays: `${base}/StructureDefinition/valid-days`,
  paymentState: `${base}/StructureDefinition/payment-state`,
  outstanding: `${base}/StructureDefinition/outstanding`,
  dueDate: `${base}/StructureDefinition/due-date`,
  corrects: `${base}/StructureDefinition/corrects`,
  approvedBy: `${base}/StructureDefinition/approved-by`,
} as const;

/** Identifier of the automatic Invoice; its value is the Appointment's id. */
export const autoInvoiceSystem = `${base}/sid/auto-invoice`;
/** Numbers that the server gives at issue. */
export const invoiceNumberSystem = `${base}/sid/invoice`;
export const creditNoteNumberSystem = `${base}/sid/credit-note`;
/** The Appointment and the kind of a fee: `id/no-show`. */
export const feeSystem = `${base}/sid/fee`;
export const feeCodeSystem = `${base}/CodeSystem/fee`;
export const invoiceTypeSystem = `${base}/CodeSystem/invoice-type`;
export const adjustmentReasonSystem = `${base}/CodeSystem/adjustment-reason`;
export const tagSystem = `${base}/CodeSystem/tag`;
export const taskCodeSystem = `${base}/CodeSystem/task-code`;
