// The definitions this server acts by, as resources to read: its operations and the search parameters it answers.

import type { BuiltIns } from '../fhir/definitions/built-ins.ts';
import { publishedSearchParameters } from '../fhir/definitions/published-search-parameters.ts';
import type { Definitions } from '../fhir/definitions.ts';
import { indexedParameters } from '../search/search-parameters.ts';
import type { Operation } from './operation.ts';
import { operationDefinition } from './operation-definition.ts';

export function createBuiltIns(definitions: Definitions, operations: readonly Operation[]): BuiltIns {
  const operationTexts = new Map(
    operations.map((operation) => [operation.definition.id, JSON.stringify(operationDefinition(operation))]),
  );
  return {
    find(type, id) {
      if (type === 'OperationDefinition') return operationTexts.get(id);
      if (type !== 'SearchParameter' || !isAnswered(definitions, id)) return undefined;
      return publishedSearchParameters().get(id);
    },
  };
}

/** True when a search of at least one type takes it. */
function isAnswered(definitions: Definitions, id: string): boolean {
  const parameter = definitions.searchParameterByUrl(`http://hl7.org/fhir/SearchParameter/${id}`);
  if (!parameter) return false;
  const types = parameter.base.every((base) => definitions.resourceTypes.has(base))
    ? parameter.base
    : definitions.resourceTypes;
  for (const type of types) {
    if (definitions.searchParameters(type).get(parameter.code) !== parameter) continue;
    if (indexedParameters(definitions, type).has(parameter.code)) return true;
  }
  return false;
}
