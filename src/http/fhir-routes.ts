// The FHIR routes of every tenant, made from one table: https://hl7.org/fhir/R4/http.html#summary

import type Router from '@koa/router';
import type { Definitions } from '../fhir/definitions.ts';
import type { Operation } from '../operations/operation.ts';
import { statusPath as asyncStatusPath } from './async/accept.ts';
import { asyncCancelInteraction, asyncStatusInteraction } from './async/status.ts';
import { offeredFacts } from './capabilities/facts.ts';
import { createCapabilities } from './capabilities.ts';
import { createFindRoute, type FindRoute } from './dispatch.ts';
import { type FhirHandlerOptions, handleOpen, handleRoute, handleSystem } from './fhir-handler.ts';
import { binaryReadInteraction, binaryVreadInteraction } from './interactions/binary-read.ts';
import { binaryCreateInteraction, binaryUpdateInteraction } from './interactions/binary-write.ts';
import { createBundleInteraction } from './interactions/bundle.ts';
import { conditionalDeleteInteraction } from './interactions/conditional-delete.ts';
import { conditionalPatchInteraction } from './interactions/conditional-patch.ts';
import { conditionalUpdateInteraction } from './interactions/conditional-update.ts';
import { createInteraction } from './interactions/create.ts';
import { definitionReadInteraction } from './interactions/definition-read.ts';
import { deleteInteraction } from './interactions/delete.ts';
import { historyInstanceInteraction } from './interactions/history-instance.ts';
import { historySystemInteraction } from './interactions/history-system.ts';
import { historyTypeInteraction } from './interactions/history-type.ts';
import { operationRoutes } from './interactions/operation-routes.ts';
import { patchInteraction } from './interactions/patch.ts';
import { readInteraction } from './interactions/read.ts';
import { searchCompartmentInteraction } from './interactions/search-compartment.ts';
import { searchSystemInteraction } from './interactions/search-system.ts';
import { searchTypeInteraction } from './interactions/search-type.ts';
import { updateInteraction } from './interactions/update.ts';
import { vreadInteraction } from './interactions/vread.ts';
import type { HttpState } from './middleware/request-state.ts';
import type { FhirRoute } from './route.ts';

/** Paths are below `/t/:tenant/fhir`. Of two rows that fit a path, the first counts. */
export function fhirRoutes(operations: readonly Operation[]): readonly FhirRoute[] {
  return [...routesBeforeOperations, ...operationRoutes(operations), ...routesAfterOperations];
}

const routesBeforeOperations: readonly FhirRoute[] = [
  { code: 'search-system', method: 'get', path: '', kind: 'read', run: searchSystemInteraction },
  {
    code: 'search-system',
    method: 'post',
    path: '/_search',
    kind: 'read',
    carries: 'form',
    run: searchSystemInteraction,
  },
  { code: 'history-system', method: 'get', path: '/_history', kind: 'read', run: historySystemInteraction },
  { code: 'history-type', method: 'get', path: '/:type/_history', kind: 'read', run: historyTypeInteraction },
];

const routesAfterOperations: readonly FhirRoute[] = [
  { code: 'read', method: 'get', path: '/Binary/:id', kind: 'lookup', run: binaryReadInteraction },
  {
    code: 'vread',
    method: 'get',
    path: '/Binary/:id/_history/:versionId',
    kind: 'lookup',
    run: binaryVreadInteraction,
  },
  { code: 'create', method: 'post', path: '/Binary', kind: 'lookup', carries: 'any', run: binaryCreateInteraction },
  { code: 'update', method: 'put', path: '/Binary/:id', kind: 'lookup', carries: 'any', run: binaryUpdateInteraction },
  {
    code: 'history-instance',
    method: 'get',
    path: '/:type/:id/_history',
    kind: 'read',
    run: historyInstanceInteraction,
  },
  { code: 'read', method: 'get', path: '/SearchParameter/:id', kind: 'lookup', run: definitionReadInteraction },
  { code: 'read', method: 'get', path: '/OperationDefinition/:id', kind: 'lookup', run: definitionReadInteraction },
  { code: 'read', method: 'get', path: '/StructureDefinition/:id', kind: 'lookup', run: definitionReadInteraction },
  { code: 'read', method: 'get', path: '/ValueSet/:id', kind: 'lookup', run: definitionReadInteraction },
  { code: 'read', method: 'get', path: '/CodeSystem/:id', kind: 'lookup', run: definitionReadInteraction },
  {
    code: 'read',
    method: 'get',
    path: '/:type/:id',
    kind: 'lookup',
    declares: { conditionalRead: 'full-support' },
    run: readInteraction,
  },
  { code: 'vread', method: 'get', path: '/:type/:id/_history/:versionId', kind: 'lookup', run: vreadInteraction },
  { code: 'search-type', method: 'get', path: '/:type', kind: 'read', run: searchTypeInteraction },
  {
    code: 'search-type',
    method: 'post',
    path: '/:type/_search',
    kind: 'read',
    carries: 'form',
    run: searchTypeInteraction,
  },
  {
    code: 'search-type',
    method: 'get',
    path: '/:type/:id/:memberType',
    kind: 'read',
    run: searchCompartmentInteraction,
  },
  {
    code: 'search-type',
    method: 'post',
    path: '/:type/:id/:memberType/_search',
    kind: 'read',
    carries: 'form',
    run: searchCompartmentInteraction,
  },
  {
    code: 'create',
    method: 'post',
    path: '/:type',
    kind: 'write',
    carries: 'resource',
    declares: { conditionalCreate: true },
    run: createInteraction,
  },
  { code: 'update', method: 'put', path: '/:type/:id', kind: 'write', carries: 'resource', run: updateInteraction },
  {
    code: 'update',
    method: 'put',
    path: '/:type',
    kind: 'write',
    carries: 'resource',
    declares: { conditionalUpdate: true },
    run: conditionalUpdateInteraction,
  },
  { code: 'patch', method: 'patch', path: '/:type/:id', kind: 'write', carries: 'patch', run: patchInteraction },
  { code: 'patch', method: 'patch', path: '/:type', kind: 'write', carries: 'patch', run: conditionalPatchInteraction },
  { code: 'delete', method: 'delete', path: '/:type/:id', kind: 'write', run: deleteInteraction },
  {
    code: 'delete',
    method: 'delete',
    path: '/:type',
    kind: 'write',
    declares: { conditionalDelete: 'multiple' },
    run: conditionalDeleteInteraction,
  },
];

/** Beside the FHIR interactions: https://hl7.org/fhir/R5/async-bundle.html */
const asyncRoutes: readonly FhirRoute[] = [
  { code: 'read', method: 'get', path: asyncStatusPath, kind: 'lookup', run: asyncStatusInteraction },
  { code: 'delete', method: 'delete', path: asyncStatusPath, kind: 'write', run: asyncCancelInteraction },
];

/** Finds routes for requests that do not come as HTTP. */
export function findFhirRoute({ resourceTypes }: Definitions, operations: readonly Operation[]): FindRoute {
  return createFindRoute(fhirRoutes(operations), (name) => resourceTypes.has(name));
}

/** Each operation's path has its dollar sign, and no other path has one. */
export const hasOperation = (path: string): boolean => path.includes('/$');

export interface FhirRouters {
  /** To be asked first, for whatever has an operation. */
  readonly operations: Router<HttpState>;
  readonly clinical: Router<HttpState>;
}

export function createFhirRoutes(routers: FhirRouters, options: FhirHandlerOptions): void {
  const { operations } = options;
  const { definitions } = options.repository;
  const routes = fhirRoutes(operations);
  const base = '/t/:tenant/fhir';
  const { clinical } = routers;
  clinical.get(
    `${base}/metadata`,
    handleOpen(
      options,
      `${base}/metadata`,
      createCapabilities(definitions, routes, offeredFacts(options.bodyBytesMax, operations)),
    ),
  );
  clinical.post(
    [base, `${base}/`],
    handleSystem(options, base, createBundleInteraction(findFhirRoute(definitions, operations))),
  );
  for (const route of [...asyncRoutes, ...routes]) {
    const router = hasOperation(route.path) ? routers.operations : clinical;
    router[route.method](base + route.path, handleRoute(options, route));
  }
}
