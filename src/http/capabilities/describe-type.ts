// What can be done with the resources of one type: https://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.rest.resource

import type { CapabilityStatementRestResource } from '@medplum/fhirtypes';
import type { Permission } from '../../access/caller.ts';
import { isClosed } from '../../access/may.ts';
import type { SearchParameter } from '../../fhir/definitions/snapshot.ts';
import type { Definitions } from '../../fhir/definitions.ts';
import type { Operation } from '../../operations/operation.ts';
import { type IndexedParameter, indexedParameters } from '../../search/search-parameters.ts';
import { isOffered } from '../interactions/operation.ts';
import { includesOf, revIncludesOf } from './describe-includes.ts';
import { describeOperations } from './describe-operations.ts';
import type { DeclaringRoute } from './facts.ts';
import { supportedProfilesOf } from './supported-profiles.ts';

export interface Tables {
  readonly definitions: Definitions;
  readonly routes: readonly DeclaringRoute[];
  readonly operations: readonly Operation[];
}

export function describeType(tables: Tables, type: string): CapabilityStatementRestResource {
  const { definitions, operations } = tables;
  const routes = tables.routes.filter(({ code, path }) => isAbout(type, path) && isOpen(type, code));
  const codes = new Set(routes.map(({ code }) => code));
  const searchInclude = codes.has('search-type') ? includesOf(definitions, type) : [];
  const searchRevInclude = codes.has('search-type') ? revIncludesOf(definitions, type) : [];
  const supportedProfile = [...supportedProfilesOf(type)];
  const operation = describeOperations(operations, (one) => isOffered(one, type) && !isSystemOnly(one));
  return {
    type: type as NonNullable<CapabilityStatementRestResource['type']>,
    profile: `http://hl7.org/fhir/StructureDefinition/${type}`,
    ...(supportedProfile.length > 0 && { supportedProfile }),
    ...(definitionTypes.has(type) && { documentation: builtInNote }),
    interaction: typeCodes.filter((code) => codes.has(code)).map((code) => ({ code })),
    versioning: 'versioned',
    readHistory: codes.has('vread'),
    updateCreate: codes.has('update') && isOpen(type, 'create'),
    conditionalCreate: false,
    conditionalRead: 'not-supported',
    conditionalUpdate: false,
    conditionalDelete: 'not-supported',
    ...Object.assign({}, ...routes.map(({ declares }) => declares)),
    referencePolicy: ['literal', 'logical'],
    ...(searchInclude.length > 0 && { searchInclude }),
    ...(searchRevInclude.length > 0 && { searchRevInclude }),
    ...(codes.has('search-type') && {
      searchParam: describeParameters(definitions, type, indexedParameters(definitions, type)),
    }),
    ...(operation.length > 0 && { operation }),
  };
}

const definitionTypes: ReadonlySet<string> = new Set(['SearchParameter', 'OperationDefinition']);
const builtInNote =
  'The definitions of this server itself are read by their id, the end of their canonical URL, found by searches of this type, and cannot be written; one that is stored under the same URL is found in their place.';

/** Of https://hl7.org/fhir/R4/valueset-type-restful-interaction.html */
const typeCodes = [
  ...(['read', 'vread', 'update', 'patch', 'delete'] as const),
  ...(['history-instance', 'history-type', 'create', 'search-type'] as const),
];

/** A row may be about one type only, such as `/Binary/:id`. */
function isAbout(type: string, path: string): boolean {
  const [, first = ''] = path.split('/');
  return first === ':type' || first === type;
}

const writing: Readonly<Record<string, Permission>> = { create: 'c', update: 'u', patch: 'u', delete: 'd' };

function isOpen(type: string, code: string): boolean {
  const permission = writing[code];
  return permission === undefined || !isClosed(type, permission);
}

function isSystemOnly({ levels }: Operation): boolean {
  return levels.every((level) => level === 'system');
}

/** The parameters of the type, or some of them. */
export function describeParameters(
  definitions: Definitions,
  type: string,
  some: ReadonlyMap<string, IndexedParameter>,
) {
  return [...some.keys()].map((name) => {
    const { type: kind, url } = definitions.searchParameters(type).get(name) as SearchParameter;
    return { name, definition: url, type: kind };
  });
}
