// The resource of this server that a Reference names, as `Type/id`, in the one form in which references are compared here.

import type { Reference } from '@medplum/fhirtypes';
import { parseReference } from '../../fhir/references.ts';

export interface LocalTarget {
  readonly type: string;
  readonly id: string;
  /** `Type/id`, without a version. */
  readonly reference: string;
}

export function localTarget(reference: Reference | undefined): LocalTarget | undefined {
  if (reference?.reference === undefined) return undefined;
  const target = parseReference(reference.reference);
  if (target.kind !== 'resource') return undefined;
  return { type: target.type, id: target.id, reference: `${target.type}/${target.id}` };
}
