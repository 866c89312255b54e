// The server's own definitions stand where a tenant has stored none of the id: https://hl7.org/fhir/R4/references.html#canonical

import { FhirError } from '../fhir/outcome.ts';
import { read } from './read.ts';
import type { Session } from './session.ts';

/** The JSON text of what is stored or built in. Throws as `read` does. */
export async function readText(session: Session, type: string, id: string): Promise<string> {
  try {
    return (await read(session, type, id)).body.toString();
  } catch (error) {
    return builtInInstead(error, session, type, id);
  }
}

/** Of what could not be read. The right to read was asked for before anything was looked up. */
export function builtInInstead(error: unknown, { repository }: Session, type: string, id: string): string {
  const isUnknown = error instanceof FhirError && error.status === 404;
  const text = isUnknown ? repository.builtIns?.find(type, id) : undefined;
  if (text === undefined) throw error;
  return text;
}
