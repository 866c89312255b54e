// What makes a record a practitioner's own, for grants that reach no others: domain.md section 5, the mark °.

/**
 * Search parameters, one of which must name the practitioner; `parameter.Type.parameter` for what is reached by a link. In the
 * main R4's Practitioner compartment, without those by which a record is merely about or sent to somebody.
 */
const ownParameters: Readonly<Record<string, readonly string[]>> = {
  AdverseEvent: ['recorder'],
  AllergyIntolerance: ['recorder', 'asserter'],
  Appointment: ['practitioner', 'actor'],
  AppointmentResponse: ['practitioner', 'actor'],
  AuditEvent: ['agent'],
  Basic: ['author'],
  CarePlan: ['performer'],
  CareTeam: ['participant'],
  ChargeItem: ['enterer', 'performer-actor'],
  Claim: ['enterer', 'provider', 'care-team'],
  ClinicalImpression: ['assessor'],
  Communication: ['sender', 'recipient'],
  CommunicationRequest: ['sender', 'recipient', 'requester'],
  Composition: ['author', 'attester'],
  Condition: ['asserter'],
  CoverageEligibilityRequest: ['enterer', 'provider'],
  DetectedIssue: ['author'],
  DeviceRequest: ['requester', 'performer'],
  DiagnosticReport: ['performer', 'results-interpreter'],
  DocumentManifest: ['author'],
  DocumentReference: ['author', 'authenticator'],
  Encounter: ['practitioner', 'participant'],
  EpisodeOfCare: ['care-manager'],
  Flag: ['author'],
  Immunization: ['performer'],
  Invoice: ['participant'],
  List: ['source'],
  Media: ['operator'],
  MedicationAdministration: ['performer'],
  MedicationDispense: ['performer'],
  MedicationRequest: ['requester'],
  MedicationStatement: ['source'],
  NutritionOrder: ['provider'],
  Observation: ['performer'],
  Patient: ['general-practitioner'],
  Person: ['practitioner'],
  PractitionerRole: ['practitioner'],
  Procedure: ['performer'],
  Provenance: ['agent'],
  QuestionnaireResponse: ['author', 'source'],
  RequestGroup: ['participant', 'author'],
  RiskAssessment: ['performer'],
  Schedule: ['actor'],
  ServiceRequest: ['performer', 'requester'],
  Slot: ['schedule.Schedule.actor'],
  Specimen: ['collector'],
  SupplyDelivery: ['supplier', 'receiver'],
  SupplyRequest: ['requester'],
  Task: ['owner', 'requester'],
  VisionPrescription: ['prescriber'],
};

/** Undefined for a type of which nothing is anybody's own. The resource that the person is counts as well. */
export function ownParametersOf(type: string, reference: string): readonly string[] | undefined {
  const parameters = Object.hasOwn(ownParameters, type) ? ownParameters[type] : undefined;
  return parameters ?? (reference.startsWith(`${type}/`) ? [] : undefined);
}
