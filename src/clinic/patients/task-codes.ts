// What the Tasks about patients are known by: contract.md 6 and 7.

export const taskCodeSystem = 'https://hpms.example/fhir/CodeSystem/task-code';

/** Somebody is to say whether two Patients are one person. */
export const duplicateCode = 'possible-duplicate';

/** Keeps what a merge has changed. */
export const mergeCode = 'patient-merge';
