// The resource type a reference points at, told from the reference alone: https://hl7.org/fhir/R4/references.html#literal

const literal = /(?:^|\/)([A-Z][A-Za-z]{1,63})\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;

/** From the literal `Type/id` (relative or absolute), else from `Reference.type`; undefined when neither says. */
export function referenceType(value: unknown): string | undefined {
  const reference = typeof value === 'string' ? value : (value as { reference?: unknown } | null)?.reference;
  const match = typeof reference === 'string' ? literal.exec(reference) : null;
  if (match) return match[1];
  const type = (value as { type?: unknown } | null)?.type;
  return typeof type === 'string' ? type : undefined;
}
