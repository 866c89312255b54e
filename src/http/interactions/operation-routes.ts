// The routes of the operations, made from their table: https://hl7.org/fhir/R4/operations.html#executing

import { fhirError } from '../../fhir/outcome.ts';
import type { Operation, OperationLevel } from '../../operations/operation.ts';
import { takesGet } from '../../operations/query-parameters.ts';
import type { Interaction, InteractionRequest } from '../interaction.ts';
import type { FhirRoute } from '../route.ts';
import { operationInteraction } from './operation.ts';

const paths: Readonly<Record<OperationLevel, string>> = {
  system: '',
  type: '/:type',
  instance: '/:type/:id',
  version: '/:type/:id/_history/:versionId',
};

/** Must stand before routes that take a dollar sign for an id or a type. */
export function operationRoutes(operations: readonly Operation[]): FhirRoute[] {
  const routes = operations.flatMap((operation) =>
    operation.levels.flatMap((level) =>
      pathsOf(operation, level).flatMap((path) => routesOf(operation, `${path}/$${operation.code}`)),
    ),
  );
  const levels = Object.keys(paths) as OperationLevel[];
  return [...routes, ...levels.flatMap((level) => refusalsAt(level, operations))];
}

/** Two operations of the same code are told apart by their types, so those of some types name them in their paths. */
function pathsOf({ resourceTypes }: Operation, level: OperationLevel): string[] {
  const path = paths[level];
  return resourceTypes?.map((type) => path.replace(':type', type)) ?? [path];
}

function routesOf(operation: Operation, path: string): FhirRoute[] {
  const run = operationInteraction(operation);
  const kind = operation.affectsState || operation.keepsRecords ? 'write' : 'read';
  const isSearch = operation.queryInput !== undefined;
  const givesContent = operation.parameters.some(
    ({ use, type }) => use === 'out' && (type === 'Binary' || type === 'Resource'),
  );
  const answers = givesContent ? { givesContent } : {};
  const carries = operation.readBody ? 'examined' : 'parameters';
  const post: FhirRoute = { code: 'operation', method: 'post', path, kind, carries, ...answers, run };
  const get: FhirRoute = {
    code: 'operation',
    method: 'get',
    path,
    kind,
    ...(isSearch && { isAboutSearch: true }),
    ...answers,
    run,
  };
  return takesGet(operation) ? [get, post] : [post];
}

/** What no route before answered: another operation, or one at another level or by another method. */
function refusalsAt(level: OperationLevel, operations: readonly Operation[]): FhirRoute[] {
  const path = `${paths[level]}/$:operation`;
  const run: Interaction = async (_session, { params }) => {
    throw refusal(operations, level, params);
  };
  return (['get', 'post'] as const).map((method) => ({ code: 'operation', method, path, kind: 'read', run }));
}

function refusal(operations: readonly Operation[], level: OperationLevel, params: InteractionRequest['params']): Error {
  const named = operations.filter(({ code }) => code === params.operation);
  const [operation] = named;
  const status = 404;
  if (!operation) {
    const codes = [...new Set(operations.map(({ code }) => `$${code}`))].join(', ');
    return fhirError('not-supported', `This operation is not offered; there are ${codes}.`, { status });
  }
  const { code, levels } = operation;
  const fitting = named.find(({ resourceTypes }) => resourceTypes?.includes(params.type ?? '') ?? true);
  if (!fitting && params.type !== undefined) {
    const types = named.flatMap(({ resourceTypes = [] }) => resourceTypes).join(', ');
    return fhirError('not-supported', `$${code} is not offered for ${params.type}; it is for ${types}.`, { status });
  }
  if (fitting?.levels.includes(level)) {
    return fhirError('not-supported', `$${code} is called by POST only, for it changes what is stored.`);
  }
  const diagnostics = `$${code} is offered at the level of the ${levels.join(' and the ')}, not of the ${level}.`;
  return fhirError('not-supported', diagnostics, { status });
}
