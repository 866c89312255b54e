// What LOINC's concepts and implicit value sets are told by: https://hl7.org/fhir/R4/loinc.html

export const loincUrl = 'http://loinc.org';

/** The property that names the answer lists an answer stands in. */
export const answerListProperty = 'LIST';
