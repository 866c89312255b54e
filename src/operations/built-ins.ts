// The definitions this server acts by, as resources to read: its operations, the search parameters it answers, and the profiles
// and terminology of this project.

import type { BuiltIns } from '../fhir/definitions/built-ins.ts';
import { publishedSearchParameters } from '../fhir/definitions/published-search-parameters.ts';
import type { Definitions } from '../fhir/definitions.ts';
import { indexedParameters } from '../search/search-parameters.ts';
import { ownDefinitions } from '../validation/profiles/own-definitions.ts';
import type { Operation } from './operation.ts';
import { operationDefinition } from './operation-definition.ts';

export function createBuiltIns(definitions: Definitions, operations: readonly Operation[]): BuiltIns {
  const operationTexts = new Map(
    operations.map((operation) => [operation.definition.id, JSON.stringify(operationDefinition(operation))]),
  );
  const ownTexts = textsByType();
  let parameterTexts: readonly string[] | undefined;
  return {
    find(type, id) {
      if (type === 'OperationDefinition') return operationTexts.get(id);
      const own = ownDefinitions().texts.get(`${type}/${id}`);
      if (own !== undefined || type !== 'SearchParameter' || !isAnswered(definitions, id)) return own;
      return publishedSearchParameters().get(id);
    },
    all(type) {
      if (type === 'OperationDefinition') return [...operationTexts.values()];
      const own = ownTexts.get(type);
      if (type !== 'SearchParameter') return own;
      // At the first question, for it compiles the search parameters of all types.
      parameterTexts ??= [
        ...[...publishedSearchParameters()].flatMap(([id, text]) => (isAnswered(definitions, id) ? [text] : [])),
        ...(own ?? []),
      ];
      return parameterTexts;
    },
  };
}

/** R4's profiles and terminology are not among them: whoever wants these has them from HL7. */
function textsByType(): ReadonlyMap<string, readonly string[]> {
  const named = Map.groupBy(ownDefinitions().texts, ([name]) => name.slice(0, name.indexOf('/')));
  return new Map([...named].map(([type, texts]) => [type, texts.map(([, text]) => text)]));
}

/** True of R4's when a search of at least one type takes it. */
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
