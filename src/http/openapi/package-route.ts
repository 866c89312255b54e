// The one route of the clinic's administrators that takes no JSON, as OpenAPI describes it; admin-routes.ts answers it.

import type { DescribedRoute } from './document.ts';

export const packageRoute: DescribedRoute = {
  operationId: 'installPackage',
  method: 'POST',
  path: '/packages',
  summary: 'Installs all definitions of a FHIR package, or none.',
  bodyContentType: 'application/gzip',
  answers: {
    200: { description: 'What was installed, and which packages it depends on.', schema: { type: 'object' } },
  },
};
