// The names below HPMS's canonical base that visits read and write (contract.md 13, 15; domain.md SM-1b).

const base = 'https://hpms.example/fhir';

export const queueNumberUrl = `${base}/StructureDefinition/queue-number`;
/** What the search parameter `queue-position` sorts by. */
export const queueOrderUrl = `${base}/StructureDefinition/queue-order`;
export const calledAtUrl = `${base}/StructureDefinition/called-at`;
export const estimatedWaitUrl = `${base}/StructureDefinition/estimated-wait`;

export const noShowReasonSystem = `${base}/CodeSystem/no-show-reason`;
export const leftBeforeSeen = 'left-before-seen';
