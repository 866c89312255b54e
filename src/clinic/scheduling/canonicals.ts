// The canonicals of scheduling's own extensions and codes, as fhir-profiles/ defines them.

const canonical = 'https://hpms.example/fhir';

export const schedulingParametersUrl = `${canonical}/StructureDefinition/scheduling-parameters`;
export const holdExpiresUrl = `${canonical}/StructureDefinition/hold-expires`;
export const taskCodeSystem = `${canonical}/CodeSystem/task-code`;
export const communicationTopicSystem = `${canonical}/CodeSystem/communication-topic`;
/** Of FHIR itself: https://hl7.org/fhir/R4/extension-timezone.html */
export const timezoneUrl = 'http://hl7.org/fhir/StructureDefinition/timezone';
export const physicalTypeSystem = 'http://terminology.hl7.org/CodeSystem/location-physical-type';

const r5 = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment';
/** https://hl7.org/fhir/R5/appointment-definitions.html#Appointment.recurrenceTemplate */
export const recurrenceTemplateUrl = `${r5}.recurrenceTemplate`;
export const recurrenceIdUrl = `${r5}.recurrenceId`;
export const originatingAppointmentUrl = `${r5}.originatingAppointment`;
