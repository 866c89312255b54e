// Delete: the resource is gone, its versions stay readable: https://hl7.org/fhir/R4/http.html#delete

import type { Criteria, Preconditions, WriteResult } from './change.ts';
import type { Session } from './session.ts';
import { write } from './write.ts';

/** What is not there counts as deleted; `changed` tells the two apart. */
export async function remove(
  session: Session,
  type: string,
  id: string,
  preconditions: Preconditions = {},
): Promise<WriteResult> {
  const [result] = await write(session, [{ action: 'delete', type, id, ...preconditions }]);
  return result as WriteResult;
}

/** All that meet the criteria, within bounds; `deletedCount` says how many where they are several. */
export async function removeMatches(
  session: Session,
  type: string,
  criteria: Criteria,
  preconditions: Preconditions = {},
): Promise<WriteResult> {
  const [result] = await write(session, [{ action: 'delete', type, criteria, ...preconditions }]);
  return result as WriteResult;
}
