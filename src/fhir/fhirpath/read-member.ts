// Reads one element of a node, choice elements included: `value` finds `valueQuantity`, see https://hl7.org/fhir/R4/formats.html#choice

/** Every data type a choice element can have in R4: https://hl7.org/fhir/R4/datatypes.html#open */
const choiceTypes: ReadonlySet<string> = new Set(
  (
    'Address Age Annotation Attachment Base64Binary Boolean Canonical Code CodeableConcept Coding ContactDetail ContactPoint ' +
    'Contributor Count DataRequirement Date DateTime Decimal Distance Dosage Duration Expression HumanName Id Identifier ' +
    'Instant Integer Markdown Meta Money Oid ParameterDefinition Period PositiveInt Quantity Range Ratio Reference ' +
    'RelatedArtifact SampledData Signature String Time Timing TriggerDefinition UnsignedInt Uri Url UsageContext Uuid'
  ).split(' '),
);

/** Pushes the values of element `name` of `node` to `out`. */
export function readMember(node: unknown, name: string, out: unknown[]): void {
  if (typeof node !== 'object' || node === null) return;
  const value = (node as Record<string, unknown>)[name];
  if (value === undefined) readChoice(node as Record<string, unknown>, name, out);
  else push(value, out);
}

/** Pushes the values of the choice element `name` whose type is `type`. */
export function readTypedMember(node: unknown, name: string, type: string, out: unknown[]): void {
  if (typeof node !== 'object' || node === null) return;
  push((node as Record<string, unknown>)[name + type.charAt(0).toUpperCase() + type.slice(1)], out);
}

function readChoice(node: Record<string, unknown>, name: string, out: unknown[]): void {
  for (const key in node) {
    if (key.length > name.length && key.startsWith(name) && choiceTypes.has(key.slice(name.length)))
      push(node[key], out);
  }
}

/** A null stands in a list for a primitive that has only extensions: https://hl7.org/fhir/R4/json.html#primitive */
function push(value: unknown, out: unknown[]): void {
  if (value === undefined || value === null) return;
  if (!Array.isArray(value)) {
    out.push(value);
    return;
  }
  for (const item of value) if (item !== null && item !== undefined) out.push(item);
}
