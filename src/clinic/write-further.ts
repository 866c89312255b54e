// What follows from a write, written while the rule that asks for it still works, so that its statements travel with the rule's.

import { FhirError } from '../fhir/outcome.ts';
import type { WriteIntent } from '../repository/change.ts';
import type { Session } from '../repository/session.ts';
import { writeOwn } from '../repository/write.ts';

/** No position among these is one of the writes that were asked for. */
export async function writeFurther(session: Session, intents: readonly WriteIntent[]): Promise<void> {
  if (intents.length === 0) return;
  try {
    await writeOwn(session, intents);
  } catch (error) {
    throw error instanceof FhirError ? error.ofWrite(undefined) : error;
  }
}
