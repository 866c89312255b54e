// What a right of one patient reaches, by resource type: https://hl7.org/fhir/R4/compartmentdefinition-patient.html

/**
 * The types of R4's Patient compartment, as far as a patient's app may have them at all, and Device, which names its patient
 * as they do (US Core has implanted devices read so). Not among them are Group, which lists patients beside each other, and
 * Schedule, which is about those who offer times (see below).
 */
const compartment: ReadonlySet<string> = new Set(
  [
    'Account AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent Basic BodyStructure CarePlan',
    'CareTeam ChargeItem Claim ClaimResponse ClinicalImpression Communication CommunicationRequest Composition Condition',
    'Consent Coverage CoverageEligibilityRequest CoverageEligibilityResponse DetectedIssue Device DeviceRequest',
    'DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference Encounter EnrollmentRequest EpisodeOfCare',
    'ExplanationOfBenefit FamilyMemberHistory Flag Goal ImagingStudy Immunization ImmunizationEvaluation',
    'ImmunizationRecommendation Invoice List MeasureReport Media MedicationAdministration MedicationDispense',
    'MedicationRequest MedicationStatement MolecularSequence NutritionOrder Observation Patient Person Procedure',
    'Provenance QuestionnaireResponse RelatedPerson RequestGroup ResearchSubject RiskAssessment ServiceRequest Specimen',
    'SupplyDelivery SupplyRequest VisionPrescription',
  ].flatMap((types) => types.split(' ')),
);

/** Types outside the compartment that its resources point to or are read by. Each may be read whole, and none written. */
const openToRead: Readonly<Record<string, string>> = {
  Organization: 'the clinic, laboratories, insurers: named by nearly every record',
  Practitioner: 'who treats',
  PractitionerRole: 'who treats, where and as what',
  Location: 'where to go',
  HealthcareService: 'what can be booked',
  Endpoint: 'how an organization is reached',
  Schedule: 'whose times can be booked; its actors are those who offer them',
  Slot: 'times that are free; a slot names nobody',
  Medication: 'what was prescribed',
  MedicationKnowledge: 'what is to be known of it',
  Substance: 'what an allergy is to',
  DeviceDefinition: 'what was supplied',
  InsurancePlan: 'what a coverage covers',
  ChargeItemDefinition: 'what a visit costs',
  ActivityDefinition: 'what a plan of care follows',
  PlanDefinition: 'what a plan of care follows',
  ObservationDefinition: 'how a result is to be understood',
  SpecimenDefinition: 'how a test is prepared for',
  Questionnaire: 'what a QuestionnaireResponse answers',
  Measure: 'what a MeasureReport counts',
  Library: 'what definitions are made of',
  CapabilityStatement: 'what the server does',
  OperationDefinition: 'what the server does',
  SearchParameter: 'what can be searched by',
  StructureDefinition: 'what profiles and extensions mean',
  CompartmentDefinition: 'what belongs to a patient',
  ValueSet: 'what codes may be chosen',
  CodeSystem: 'what codes mean',
  ConceptMap: 'what codes mean elsewhere',
  NamingSystem: 'what identifiers mean',
};

/** `own`: what is in the patient's compartment. `any`: every one, to read. Undefined: none at all, as for types nobody has decided on. */
export function reachOfPatient(type: string): 'own' | 'any' | undefined {
  if (compartment.has(type)) return 'own';
  return Object.hasOwn(openToRead, type) ? 'any' : undefined;
}

/** Of these types patients see what is released to them: what a search of it must ask (domain.md section 5, "issued", "released"). */
const released: Readonly<Record<string, string>> = {
  // A draft is the clinic's own paper: its lines and prices are nobody's bill yet.
  Invoice: 'status=issued,balanced,cancelled',
  // So is what it charges: a ChargeItem becomes `billed` with the issue of its Invoice.
  ChargeItem: 'status=billed',
  // Nobody has reviewed a result before it is final (SM-6), and a note is its author's draft until it is signed (SM-7).
  Observation: 'status=final,amended,corrected',
  DiagnosticReport: 'status=final,amended,corrected,appended',
  Composition: 'status=final,amended',
};

/**
 * Not without the label that keeps a record from its patient until it is released (SM-6), of whatever system: HL7 has had
 * several URLs for http://terminology.hl7.org/CodeSystem/v3-ActCode.
 */
const notKeptBack = '_security:not=NOPAT';

/** What a record must meet, as searches with one parameter each, to be shown to its patient. */
export function releaseOf(type: string): readonly string[] {
  // The server's own, which it never labels so; labels of AuditEvents are not searched by.
  if (type === 'AuditEvent') return [];
  const query = Object.hasOwn(released, type) ? released[type] : undefined;
  return query === undefined ? [notKeptBack] : [notKeptBack, query];
}

/** Every type with records of patients. */
export const patientTypes: ReadonlySet<string> = compartment;
