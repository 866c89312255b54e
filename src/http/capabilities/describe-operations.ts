// The operations of the table as the capability statement names them.

import type { CapabilityStatementRestResourceOperation } from '@medplum/fhirtypes';
import type { Operation } from '../../operations/operation.ts';

/** `definition` is the `url` of an OperationDefinition that can be read here. */
export function describeOperations(
  operations: readonly Operation[],
  isMeant: (operation: Operation) => boolean,
): CapabilityStatementRestResourceOperation[] {
  return operations.filter(isMeant).map(({ code, definition, levels }) => ({
    name: code,
    definition: definition.url,
    documentation: `OperationDefinition/${definition.id}, at the level of the ${levels.join(' and the ')}.`,
  }));
}
