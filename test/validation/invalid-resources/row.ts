// The shape of the tables of invalid resources.

/** The type, what is changed in its valid sample, and each expected issue as `code expression`. */
export type InvalidRow = readonly [
  type: string,
  change: Readonly<Record<string, unknown>>,
  ...issues: readonly string[],
];

export const why = {
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }],
};
export const organization = { resourceType: 'Organization', id: 'o', name: 'x' };
