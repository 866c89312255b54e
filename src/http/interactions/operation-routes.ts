// The routes of the operations, made from their table: https://hl7.org/fhir/R4/operations.html#executing

import { fhirError } from '../../fhir/outcome.ts';
import type { Operation, OperationLevel } from '../../operations/operation.ts';
import { takesGet } from '../../operations/query-parameters.ts';
import type { Interaction } from '../interaction.ts';
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
    operation.levels.flatMap((level) => routesOf(operation, `${paths[level]}/$${operation.code}`)),
  );
  const levels = Object.keys(paths) as OperationLevel[];
  return [...routes, ...levels.flatMap((level) => refusalsAt(level, operations))];
}

function routesOf(operation: Operation, path: string): FhirRoute[] {
  const run = operationInteraction(operation);
  const kind = operation.affectsState ? 'write' : 'read';
  const post: FhirRoute = { code: 'operation', method: 'post', path, kind, carries: 'resource', run };
  return takesGet(operation) ? [{ code: 'operation', method: 'get', path, kind, run }, post] : [post];
}

/** What no route before answered: another operation, or one at another level or by another method. */
function refusalsAt(level: OperationLevel, operations: readonly Operation[]): FhirRoute[] {
  const path = `${paths[level]}/$:operation`;
  const run: Interaction = async (_session, { params }) => {
    throw refusal(operations, level, params.operation);
  };
  return (['get', 'post'] as const).map((method) => ({ code: 'operation', method, path, kind: 'read', run }));
}

function refusal(operations: readonly Operation[], level: OperationLevel, code: string | undefined): Error {
  const operation = operations.find((one) => one.code === code);
  if (operation?.levels.includes(level)) {
    return fhirError('not-supported', `$${operation.code} is called by POST only, for it changes what is stored.`);
  }
  const diagnostics = operation
    ? `$${operation.code} is offered at the level of the ${operation.levels.join(' and the ')}, not of the ${level}.`
    : `This operation is not offered; there are ${operations.map((one) => `$${one.code}`).join(', ')}.`;
  return fhirError('not-supported', diagnostics, { status: 404 });
}
