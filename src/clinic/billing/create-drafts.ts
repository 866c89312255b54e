// Stores what a job has made, with the amounts as currencies are written.

import type { Resource } from '@medplum/fhirtypes';
import { exactAmounts } from '../../fhir/money.ts';
import type { Session } from '../../repository/session.ts';
import { write } from '../../repository/write.ts';

export async function createDrafts(session: Session, resources: readonly Resource[]): Promise<void> {
  await write(
    session,
    resources.map((resource) => ({
      action: 'create',
      resource,
      exactNumbers: exactAmounts(resource),
      ...(resource.id !== undefined && { id: resource.id }),
    })),
  );
}
