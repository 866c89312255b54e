// The FHIR routes of every tenant, made from one table: https://hl7.org/fhir/R4/http.html#summary

import type Router from '@koa/router';
import { createCapabilities } from './capabilities.ts';
import { type FhirHandlerOptions, handleOpen, handleRoute, handleSystem } from './fhir-handler.ts';
import { bundleInteraction } from './interactions/bundle.ts';
import { createInteraction } from './interactions/create.ts';
import { deleteInteraction } from './interactions/delete.ts';
import { historyInstanceInteraction } from './interactions/history-instance.ts';
import { patchInteraction } from './interactions/patch.ts';
import { readInteraction } from './interactions/read.ts';
import { searchTypeInteraction } from './interactions/search-type.ts';
import { updateInteraction } from './interactions/update.ts';
import { vreadInteraction } from './interactions/vread.ts';
import type { HttpState } from './middleware/request-state.ts';
import type { FhirRoute } from './route.ts';

/** Paths are below `/t/:tenant/fhir`. */
export const fhirRoutes: readonly FhirRoute[] = [
  { code: 'read', method: 'get', path: '/:type/:id', kind: 'lookup', run: readInteraction },
  { code: 'vread', method: 'get', path: '/:type/:id/_history/:versionId', kind: 'lookup', run: vreadInteraction },
  {
    code: 'history-instance',
    method: 'get',
    path: '/:type/:id/_history',
    kind: 'read',
    run: historyInstanceInteraction,
  },
  { code: 'search-type', method: 'get', path: '/:type', kind: 'read', run: searchTypeInteraction },
  {
    code: 'search-type',
    method: 'post',
    path: '/:type/_search',
    kind: 'read',
    carries: 'form',
    run: searchTypeInteraction,
  },
  { code: 'create', method: 'post', path: '/:type', kind: 'write', carries: 'resource', run: createInteraction },
  { code: 'update', method: 'put', path: '/:type/:id', kind: 'write', carries: 'resource', run: updateInteraction },
  { code: 'patch', method: 'patch', path: '/:type/:id', kind: 'write', carries: 'patch', run: patchInteraction },
  { code: 'delete', method: 'delete', path: '/:type/:id', kind: 'write', run: deleteInteraction },
];

export function createFhirRoutes(router: Router<HttpState>, options: FhirHandlerOptions): void {
  const base = '/t/:tenant/fhir';
  router.get(
    `${base}/metadata`,
    handleOpen(options, `${base}/metadata`, createCapabilities(options.repository.definitions, fhirRoutes)),
  );
  router.post([base, `${base}/`], handleSystem(options, base, bundleInteraction));
  for (const route of fhirRoutes) router[route.method](base + route.path, handleRoute(options, route));
}
