// The constants every expression may name: https://hl7.org/fhir/R4/fhirpath.html#variables

const constants: Readonly<Record<string, string>> = {
  sct: 'http://snomed.info/sct',
  loinc: 'http://loinc.org',
  ucum: 'http://unitsofmeasure.org',
};

/** Undefined for a name that is none of R4's. */
export function constantOf(name: string): string | undefined {
  if (Object.hasOwn(constants, name)) return constants[name];
  if (name.startsWith('vs-')) return `http://hl7.org/fhir/ValueSet/${name.slice('vs-'.length)}`;
  return name.startsWith('ext-') ? `http://hl7.org/fhir/StructureDefinition/${name.slice('ext-'.length)}` : undefined;
}
