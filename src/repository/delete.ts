// Delete: the resource is gone, its versions stay readable: https://hl7.org/fhir/R4/http.html#delete

import type { WriteResult } from './change.ts';
import type { Session } from './session.ts';
import { write } from './write.ts';

/** What is not there counts as deleted; `changed` tells the two apart. */
export async function remove(
  session: Session,
  type: string,
  id: string,
  ifMatchVersionId?: number,
): Promise<WriteResult> {
  const [result] = await write(session, [
    { action: 'delete', type, id, ...(ifMatchVersionId === undefined ? {} : { ifMatchVersionId }) },
  ]);
  return result as WriteResult;
}
