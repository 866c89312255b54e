// Create, also only where there is none yet: https://hl7.org/fhir/R4/http.html#create

import type { Resource } from '@medplum/fhirtypes';
import type { Criteria, ExactNumbers, WriteResult } from './change.ts';
import type { Session } from './session.ts';
import { write } from './write.ts';

export interface CreateOptions {
  readonly exactNumbers?: ExactNumbers;
  /** Without a change the result is the resource that meets these. */
  readonly ifNoneExist?: Criteria;
}

/** The server chooses the id; one in the body is replaced. */
export async function create(session: Session, resource: Resource, options: CreateOptions = {}): Promise<WriteResult> {
  const [result] = await write(session, [{ action: 'create', resource, ...options }]);
  return result as WriteResult;
}
