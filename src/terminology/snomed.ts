// What SNOMED CT's concepts, filters and implicit value sets are told by: https://hl7.org/fhir/R4/snomedct.html

export const snomedUrl = 'http://snomed.info/sct';

/** The property that names the reference sets a concept is in. */
export const membership = 'memberOf';
