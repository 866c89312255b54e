// Which patients a stored resource refers to, by its text: opening it as an object would cost more than all the rest of an AuditEvent.

/** With a version or none. References by URL are never this server's: security.md 4. */
const patientReference = /"reference":\s*"(Patient\/[A-Za-z0-9\-.]{1,64})(?:"|\/_history\/)/g;

/** `Patient/id` of each reference in UTF-8 JSON, contained resources and extensions included, as often as it is there. */
export function patientsReferred(json: Buffer | string): readonly string[] {
  if (!json.includes('"Patient/')) return [];
  const text = typeof json === 'string' ? json : json.toString('latin1');
  const patients: string[] = [];
  patientReference.lastIndex = 0;
  for (let found = patientReference.exec(text); found; found = patientReference.exec(text)) {
    patients.push(found[1] as string);
  }
  return patients;
}
