// Where clients reach the server by TLS, its cookies travel by nothing else, whatever brings the requests to this process: security.md 75

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { insertClient } from '../../src/people/clients.ts';
import { publicUrl, type SmartServer, startSmartServer } from './smart-server.ts';

let server: SmartServer;
beforeAll(async () => {
  server = await startSmartServer();
});
afterAll(() => server.close());

test('every cookie of a sign-in is Secure, HttpOnly, SameSite and of the tenant', async () => {
  const { tenantId } = server.a;
  const cipher = await server.keyRing.cipherOf(tenantId);
  const registration = {
    ...{ name: 'App', scope: 'openid', roles: [], redirectUris: ['https://app.example.org/cb'] },
    grantTypes: ['authorization_code'],
  };
  const clientId = await server.tenantDoor(tenantId, async (trx) =>
    insertClient(trx, cipher, registration, { method: 'none' }),
  );
  const query = new URLSearchParams({
    ...{ response_type: 'code', client_id: clientId, redirect_uri: 'https://app.example.org/cb', scope: 'openid' },
    ...{ aud: `${publicUrl}/t/clinic-a/fhir`, state: 's', code_challenge_method: 'S256' },
    code_challenge: createHash('sha256').update('verifier').digest('base64url'),
  });
  const response = await fetch(`${server.url}/t/clinic-a/authorize?${query}`, { redirect: 'manual' });
  expect([response.status, response.headers.get('location')]).toEqual([
    303,
    expect.stringMatching(/^\/t\/clinic-a\/interaction\//),
  ]);
  const cookies = response.headers.getSetCookie();
  expect(cookies.map((cookie) => /^[^=]+/.exec(cookie)?.[0]).sort()).toEqual([
    ...['hpms_interaction', 'hpms_interaction.sig', 'hpms_resume', 'hpms_resume.sig'],
  ]);
  for (const cookie of cookies) {
    expect(cookie).toMatch(/; path=\/t\/clinic-a\//);
    expect(cookie).toMatch(/; samesite=lax; secure; httponly$/);
  }
  expect(server.errors).toEqual([]);
});
