// A request that does not come as HTTP finds the route that the router would find.

import { describe, expect, test } from '@jest/globals';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { FhirError } from '../../src/fhir/outcome.ts';
import { fhirRoutes, findFhirRoute } from '../../src/http/fhir-routes.ts';
import { allOperations } from '../support/all-operations.ts';

const find = findFhirRoute(loadDefinitions(), allOperations);

function statusOf(method: string, path: string): number {
  try {
    find(method, path);
    return 200;
  } catch (error) {
    if (error instanceof FhirError) return error.status;
    throw error;
  }
}

describe('a route is found', () => {
  test('for every row of the table by its own method and path', () => {
    for (const route of fhirRoutes(allOperations)) {
      const path = route.path
        .replace(/:(type|\w*[Tt]ype)\b/g, 'Patient')
        .replace(/:versionId/, '1')
        .replace(/:id/, 'x');
      expect([route.path, find(route.method.toUpperCase(), path).route.code]).toEqual([route.path, route.code]);
    }
  });

  test.each([
    ['GET', 'Patient/1', 'read', { type: 'Patient', id: '1' }],
    ['HEAD', 'Patient/1', 'read', { type: 'Patient', id: '1' }],
    ['GET', 'Patient', 'search-type', { type: 'Patient' }],
    ['GET', 'Patient/1/_history/2', 'vread', { type: 'Patient', id: '1', versionId: '2' }],
    ['GET', 'Patient/1/_history', 'history-instance', { type: 'Patient', id: '1' }],
  ])('%s %s: %s', (method, path, code, params) => {
    expect(find(method, path)).toMatchObject({ route: { code }, params });
  });
});

test.each([
  ['GET', 'Nothing/1', 404],
  ['GET', 'Patient/1/2/3/4', 404],
  ['PUT', 'Patient/1/_history/2', 405],
  ['GET', '../Patient', 404],
])('%s %s is %i', (method, path, status) => {
  expect(statusOf(method, path)).toBe(status);
});
