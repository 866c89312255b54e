// The names below HPMS's canonical base that billing reads and writes (contract.md, 1, 7, 22, 26).

const base = 'https://hpms.example/fhir';

export const extensionUrls = {
  practitioner: `${base}/StructureDefinition/practitioner`,
  department: `${base}/StructureDefinition/department`,
  taxInclusive: `${base}/StructureDefinition/tax-inclusive`,
  taxCategory: `${base}/StructureDefinition/tax-category`,
} as const;

/** Identifier of the automatic Invoice; its value is the Appointment's id. */
export const autoInvoiceSystem = `${base}/sid/auto-invoice`;
export const tagSystem = `${base}/CodeSystem/tag`;
export const taskCodeSystem = `${base}/CodeSystem/task-code`;
