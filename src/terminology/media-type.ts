// Media types as codes: https://www.rfc-editor.org/rfc/rfc6838#section-4.2 and https://hl7.org/fhir/R4/valueset-mimetypes.html

export function isMediaType(text: string): boolean {
  return text.length <= lengthMax && (shorthands.has(text) || mediaType.test(text));
}

const lengthMax = 1_000;

/** R4 lets servers say their formats by these: https://hl7.org/fhir/R4/http.html#mime-type */
const shorthands: ReadonlySet<string> = new Set(['json', 'xml', 'ttl', 'turtle', 'pdf']);

const restrictedName = String.raw`[A-Za-z0-9][\w!#$&.+^-]{0,126}`;
const token = String.raw`[\w!#$%&'*+.^|~${'`'}-]+`;
const quoted = String.raw`"(?:[^"\\\r\n]|\\[^\r\n])*"`;
const mediaType = new RegExp(
  `^${restrictedName}/${restrictedName}(?:[ \\t]*;[ \\t]*${token}=(?:${token}|${quoted}))*$`,
);
