// The roles every clinic has from the start and what each allows, as a table of data: domain.md section 5, contract.md 48.

import { fhirError } from '../fhir/outcome.ts';

/** The columns of the table in domain.md section 5, as resource types. */
export const typeGroups = {
  administration: [
    ...['Organization', 'Location', 'HealthcareService', 'Practitioner', 'PractitionerRole', 'Person', 'Basic'],
    ...['ChargeItemDefinition', 'NamingSystem', 'ActivityDefinition', 'PlanDefinition', 'Questionnaire'],
  ],
  patients: ['Patient', 'RelatedPerson', 'Consent', 'DocumentReference'],
  schedules: ['Schedule', 'Slot', 'Appointment'],
  encounters: ['Encounter'],
  clinical: ['Composition', 'Condition', 'AllergyIntolerance', 'Observation', 'Procedure'],
  prescriptions: ['MedicationRequest', 'VisionPrescription'],
  dispensing: ['MedicationDispense'],
  laboratory: ['ServiceRequest', 'Specimen', 'QuestionnaireResponse', 'Observation', 'DiagnosticReport'],
  optical: ['DeviceRequest', 'DeviceDefinition'],
  stock: ['MedicationKnowledge', 'Medication', 'SupplyRequest', 'SupplyDelivery', 'RequestGroup'],
  billing: ['ChargeItem', 'Invoice'],
  payments: ['PaymentReconciliation', 'PaymentNotice'],
  ledger: ['Account', 'Basic'],
  insurance: [
    ...['Coverage', 'CoverageEligibilityRequest', 'CoverageEligibilityResponse'],
    ...['Claim', 'ClaimResponse', 'ExplanationOfBenefit'],
  ],
  audit: ['AuditEvent', 'Provenance'],
} as const satisfies Record<string, readonly string[]>;

export interface Role {
  readonly name: string;
  /**
   * `group or Type` + `.` + letters of a SMART v2 scope; `own:` before it where only what is the person's own counts, search
   * parameters behind a `?` where only what meets them does. Behind a `u` alone elements in brackets, where it is these alone.
   */
  readonly grants: readonly string[];
  /** Operations, `$book`, and rights that are no interaction, `op:admin`. */
  readonly operations: readonly string[];
}

/** The Tasks of these codes (contract.md 7), which the server makes for those who can do what they ask for. */
function tasks(letters: string, ...codes: readonly string[]): string {
  const coded = codes.map((code) => `https://hpms.example/fhir/CodeSystem/task-code|${code}`);
  return `Task.${letters}?code=${coded.join(',')}`;
}

/** AuditEvents about what stands in the columns of money; a sign-in is about nothing. `Basic` is more than the ledger. */
const billingAudit = `AuditEvent.rs?entity-type=${[
  ...[...typeGroups.billing, ...typeGroups.payments, ...typeGroups.insurance],
  'Account',
].join(',')}`;

/** Until it is reviewed a result is its enterer's; final, corrected and amended are the reviewer's to say (SM-6). */
const enteredResults = [
  ...['laboratory.rs', 'ServiceRequest.cu', 'Specimen.cu', 'QuestionnaireResponse.cu'],
  ...['Observation.cu?status=registered,preliminary', 'DiagnosticReport.cu?status=registered,partial,preliminary'],
];

const readsAllButAudit = (Object.keys(typeGroups) as (keyof typeof typeGroups)[])
  .filter((group) => group !== 'audit')
  .map((group) => `${group}.rs`);

export const roles = {
  'system-admin': {
    name: 'System administrator',
    grants: ['administration.cruds', 'audit.rs'],
    // Over the people of the tenant whose account it is: of the realm of system administrators.
    operations: ['op:provision-tenant', 'op:break-glass', 'op:admin'],
  },
  'clinic-admin': {
    name: 'Clinic administrator',
    grants: [
      ...['administration.cruds', 'patients.cruds', 'schedules.cruds', 'encounters.cruds', 'clinical.rs'],
      ...['prescriptions.rs', 'dispensing.rs', 'laboratory.rs', 'optical.rs', 'stock.rs', 'billing.crus'],
      ...['payments.rs', 'ledger.rs', 'insurance.crus', 'audit.rs', 'Task.crus', 'Measure.rs'],
    ],
    operations: [
      'op:admin',
      'op:overbook',
      'op:void',
      'op:security-label',
      '$merge',
      '$evaluate-measure',
      '$viewdefinition-run',
    ],
  },
  provider: {
    name: 'Provider',
    grants: [
      ...['administration.rs', 'patients.rus', 'schedules.rs', 'own:schedules.cu', 'own:encounters.crus'],
      ...['own:clinical.crus', 'own:prescriptions.crus', 'dispensing.rs', 'laboratory.crs'],
      ...['own:laboratory.u', 'optical.crs', 'stock.rs', 'billing.rs', 'insurance.rs', 'Provenance.rs'],
      tasks('rs', 'reschedule'),
    ],
    operations: ['$find', '$book', '$sign', '$apply', '$everything'],
  },
  nurse: {
    name: 'Nurse',
    grants: [
      ...['administration.rs', 'patients.rus', 'schedules.rus', 'encounters.crus', 'Observation.cru', 'clinical.rs'],
      ...['prescriptions.rs', 'dispensing.rs', 'Specimen.crus', 'laboratory.rs', 'stock.rs'],
      tasks('rus', 'reschedule'),
    ],
    operations: ['$find', 'op:queue-call'],
  },
  'front-desk': {
    name: 'Front desk',
    grants: [
      ...['administration.rs', 'patients.crus', 'schedules.crus', 'encounters.crus', 'laboratory.rs', 'optical.rs'],
      ...['billing.rs', 'payments.crs', 'Coverage.crus', 'CoverageEligibilityRequest.crs', 'insurance.rs'],
      tasks('rus', 'reschedule', 'possible-duplicate'),
    ],
    operations: ['$find', '$hold', '$book', '$match', '$render', '$statement'],
  },
  cashier: {
    name: 'Cashier',
    grants: [
      ...['administration.rs', 'patients.rs', 'schedules.rs', 'encounters.rs', 'prescriptions.rs', 'dispensing.rs'],
      // To complete what was queued, and to void what was taken today.
      ...['laboratory.rs', 'optical.rs', 'billing.crus', 'payments.crs', 'PaymentReconciliation.u', 'insurance.rs'],
      tasks('rus', 'pricing-missing'),
    ],
    operations: ['$settle-day', '$render', 'op:refund-within-limit'],
  },
  'billing-manager': {
    name: 'Billing manager',
    grants: [
      ...['administration.rs', 'ChargeItemDefinition.cru', 'patients.rs', 'schedules.rs', 'encounters.rs'],
      ...['clinical.rs', 'prescriptions.rs', 'dispensing.rs', 'laboratory.rs', 'optical.rs', 'stock.rs'],
      ...['billing.crus', 'payments.crus', 'ledger.rs', 'insurance.crus', billingAudit, 'Provenance.rs'],
      tasks('rus', 'pricing-missing'),
    ],
    operations: [
      ...['$submit', '$inquire', '$ledger', '$statement', '$settle-day'],
      ...['op:write-off', 'op:void', 'op:refund'],
    ],
  },
  'billing-staff': {
    name: 'Billing staff',
    grants: [
      ...['administration.rs', 'ChargeItemDefinition.cru', 'patients.rs', 'schedules.rs', 'encounters.rs'],
      ...['clinical.rs', 'prescriptions.rs', 'dispensing.rs', 'laboratory.rs', 'optical.rs', 'stock.rs'],
      ...['billing.crus', 'payments.crus', 'ledger.rs', 'insurance.crus', billingAudit, 'Provenance.rs'],
      tasks('rus', 'pricing-missing'),
    ],
    operations: ['$submit', '$inquire', '$ledger', '$statement', '$settle-day', 'op:refund'],
  },
  pharmacist: {
    name: 'Pharmacist',
    grants: [
      ...['administration.rs', 'patients.rs', 'encounters.rs', 'AllergyIntolerance.rs', 'Condition.rs'],
      ...['prescriptions.rs', 'MedicationRequest.u[status,statusReason]', 'VisionPrescription.u[status]'],
      ...['dispensing.crus', 'laboratory.rs', 'stock.crs', 'billing.cr', 'insurance.rs'],
    ],
    operations: ['$inventory', '$render'],
  },
  'optical-staff': {
    name: 'Optical staff',
    grants: [
      ...['administration.rs', 'patients.rs', 'schedules.rs', 'encounters.rs', 'VisionPrescription.rs'],
      ...['optical.crus', 'stock.rs', 'billing.cr', 'insurance.rs'],
    ],
    operations: ['$inventory', '$render'],
  },
  'lab-technician': {
    name: 'Laboratory technician',
    grants: ['administration.rs', 'patients.rs', 'encounters.rs', ...enteredResults, 'stock.rs', 'billing.cr'],
    operations: ['$populate', '$extract', '$sign'],
  },
  'lab-manager': {
    name: 'Laboratory manager',
    grants: ['administration.rs', 'patients.rs', 'encounters.rs', 'laboratory.crus', 'stock.rs', 'billing.cr'],
    operations: ['$populate', '$extract', '$sign', 'op:release-result'],
  },
  'inventory-manager': {
    name: 'Inventory manager',
    grants: [
      ...['administration.rs', 'Organization.cru?type=supplier', 'dispensing.rs', 'DeviceDefinition.cru'],
      'stock.crus',
    ],
    operations: ['$inventory', '$apply', '$render'],
  },
  auditor: {
    name: 'Auditor',
    grants: [...readsAllButAudit, 'audit.rs', 'Task.rs', 'Measure.rs'],
    operations: ['$ledger', '$export', '$viewdefinition-run'],
  },
  patient: {
    name: 'Patient',
    grants: [
      // Which times are free is for everybody to see, and whose visits take the others is not (security.md 25).
      ...['own:patients.ru', 'Schedule.rs', 'Slot.rs', 'own:Appointment.rs', 'own:schedules.cu', 'own:encounters.r'],
      ...['own:clinical.rs', 'own:prescriptions.rs', 'own:dispensing.rs', 'own:laboratory.rs', 'own:optical.rs'],
      ...['own:billing.rs', 'own:payments.crs', 'own:insurance.rs', 'own:audit.r'],
    ],
    operations: ['$find', '$hold', '$book', '$summary', '$statement'],
  },
} as const satisfies Record<string, Role>;

export type RoleSlug = keyof typeof roles;

const grantSyntax =
  /^(?<own>own:)?(?<target>\w+)\.(?<letters>\w+)(?:\[(?<elements>[\w,]+)\])?(?:\?(?<constraint>.+))?$/;

/** What a grant of the table is about: `own:schedules.cu`. */
export function typesOf(grant: string) {
  const { own, target = '', letters = '', elements, constraint } = grantSyntax.exec(grant)?.groups ?? {};
  const group: readonly string[] | undefined = (typeGroups as Record<string, readonly string[]>)[target];
  return { own: own !== undefined, types: group ?? [target], letters, elements: elements?.split(','), constraint };
}

/** Of which there are rights to some elements only: what a rule looks at each update of (limited-updates.ts). */
export const limitedTypes: ReadonlySet<string> = new Set(
  Object.values<Role>(roles).flatMap(({ grants }) =>
    grants.map(typesOf).flatMap(({ types, elements }) => (elements ? types : [])),
  ),
);

export function isSystemRole(slug: string): slug is RoleSlug {
  return Object.hasOwn(roles, slug);
}

/** Throws 422 when one of them is no system role. */
export function requireRoles(slugs: readonly string[]): void {
  const unknown = slugs.find((slug) => !isSystemRole(slug));
  if (unknown !== undefined) throw unknownRole(unknown);
}

export function unknownRole(slug: string): Error {
  return fhirError('code-invalid', `There is no role ${slug.slice(0, 64)}.`, { expression: 'roles' });
}
