// The OperationDefinition of an operation of the table: https://hl7.org/fhir/R4/operationdefinition.html

import type { OperationDefinition, OperationDefinitionParameter } from '@medplum/fhirtypes';
import type { Operation, OperationParameter } from './operation.ts';

/** R4 has no word for the level of a version: it belongs to the instance. */
export function operationDefinition(operation: Operation): OperationDefinition {
  const { code, definition, levels, resourceTypes = ['Resource'], affectsState, parameters } = operation;
  const { id, url, base, name, title, description } = definition;
  return {
    resourceType: 'OperationDefinition',
    id,
    url,
    name,
    title,
    status: 'active',
    kind: 'operation',
    description,
    affectsState,
    code,
    ...(base !== undefined && { base }),
    resource: [...resourceTypes] as NonNullable<OperationDefinition['resource']>,
    system: levels.includes('system'),
    type: levels.includes('type'),
    instance: levels.includes('instance') || levels.includes('version'),
    parameter: parameters.map(describeParameter),
  };
}

function describeParameter(parameter: OperationParameter): OperationDefinitionParameter {
  const { name, use, min, max, documentation, type, parts } = parameter;
  return {
    name,
    use,
    min,
    max: String(max),
    documentation,
    ...(type !== undefined && { type: type as NonNullable<OperationDefinitionParameter['type']> }),
    ...(parts && { part: parts.map(describeParameter) }),
  };
}
