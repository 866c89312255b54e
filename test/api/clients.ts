// Further API clients of a tenant, each with a token of just the scopes a test needs.

import { createClient } from '../../src/people/clients.ts';
import { fetchToken, send, type TestServer, type TestTenant } from '../support/server.ts';

export interface TestClient {
  readonly clientId: string;
  readonly token: string;
  /** As `TestTenant.request`, with this client's token. */
  readonly request: TestTenant['request'];
}

export async function clientOf(
  server: TestServer,
  tenant: TestTenant,
  scope: string,
  roles: readonly string[] = [],
  fhirUser?: string,
): Promise<TestClient> {
  const { doors } = server.app;
  const cipher = await doors.keyRing.cipherOf(tenant.id);
  const { clientId, clientSecret } = await doors.tenantDoor(tenant.id, async (trx) =>
    createClient(trx, cipher, {
      ...{ name: `Test ${scope}`, grantTypes: ['client_credentials'], scope, roles },
      ...(fhirUser !== undefined && { fhirUser }),
    }),
  );
  const token = await fetchToken(server.origin, tenant.name, clientId, clientSecret);
  return {
    clientId,
    token,
    request: (method, path, body, headers = {}) =>
      send(`${server.origin}/t/${tenant.name}/fhir${path}`, method, body, {
        Authorization: `Bearer ${token}`,
        ...headers,
      }),
  };
}
