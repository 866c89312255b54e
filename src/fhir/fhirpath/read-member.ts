// Reads one element of a node: https://hl7.org/fhir/R4/json.html

/** Pushes the values of an element of the node. */
export type ReadMember<T = unknown> = (node: T, out: T[]) => void;

/** Reads the element by the names it can have in JSON. */
export function readNames(jsonNames: readonly string[]): ReadMember {
  const [only = ''] = jsonNames;
  if (jsonNames.length === 1) return (node, out) => push(propertyOf(node, only), out);
  return (node, out) => {
    for (const name of jsonNames) push(propertyOf(node, name), out);
  };
}

/** Every data type a choice element can have in R4: https://hl7.org/fhir/R4/datatypes.html#open */
const choiceTypes: ReadonlySet<string> = new Set(
  (
    'Address Age Annotation Attachment Base64Binary Boolean Canonical Code CodeableConcept Coding ContactDetail ContactPoint ' +
    'Contributor Count DataRequirement Date DateTime Decimal Distance Dosage Duration Expression HumanName Id Identifier ' +
    'Instant Integer Markdown Meta Money Oid ParameterDefinition Period PositiveInt Quantity Range Ratio Reference ' +
    'RelatedArtifact SampledData Signature String Time Timing TriggerDefinition UnsignedInt Uri Url UsageContext Uuid'
  ).split(' '),
);

/** Reads an element of a node whose type is not known: `value` finds `valueQuantity` too. */
export function readAnyChoice(name: string): ReadMember {
  return (node, out) => {
    if (typeof node !== 'object' || node === null) return;
    if (name in node) return push(propertyOf(node, name), out);
    for (const key in node) {
      if (key.startsWith(name) && choiceTypes.has(key.slice(name.length))) push(propertyOf(node, key), out);
    }
  };
}

/** The JSON name of a choice element of one type. */
export function choiceName(name: string, type: string): string {
  return name + type.charAt(0).toUpperCase() + type.slice(1);
}

function propertyOf(node: unknown, name: string): unknown {
  return typeof node === 'object' && node !== null ? (node as Record<string, unknown>)[name] : undefined;
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
