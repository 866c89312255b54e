// What an administrator takes from an app, its refresh tokens yield no more, from the next request on (contract.md 47; RFC 6749 section 6).

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  type AppWorld,
  authorize,
  makeApp,
  makeRequest,
  redeem,
  refresh,
  settledStatus,
  startAppWorld,
  statusWith,
  type TokenAnswer,
} from './app-world.ts';

const scope = 'openid profile fhirUser launch/patient patient/Patient.rs patient/Observation.rs offline_access';
const outcome = ({ status, body }: TokenAnswer) => [status, body.error];

let world: AppWorld;
let clientId: string;
let granted: TokenAnswer['body'];
beforeAll(async () => {
  world = await startAppWorld();
}, 60_000);
afterAll(() => world.server.close());
beforeEach(async () => {
  clientId = await makeApp(world.server, world.server.a);
  const request = makeRequest(world, { scope, client_id: clientId });
  const page = await authorize(world, world.provider, request);
  granted = (await redeem(world, page, request, { client_id: clientId })).body;
});

async function change(body: object): Promise<void> {
  const path = `/../admin/clients/${clientId}`;
  const headers = { 'Content-Type': 'application/json' };
  expect((await world.server.a.request('PATCH', path, JSON.stringify(body), headers)).status).toBe(200);
}

const renew = (token = granted.refresh_token, more = {}) => refresh(world, token, { client_id: clientId, ...more });

describe('scopes', () => {
  test('taken away: the rest is granted, and the person is told of no more', async () => {
    await change({ scope: 'launch/patient patient/Patient.rs offline_access' });
    const { status, body } = await renew();
    expect([status, body.scope]).toEqual([200, 'launch/patient patient/Patient.rs offline_access']);
    expect(body).not.toHaveProperty('id_token');
    expect(body.patient).toBe(world.anna);
    expect(await statusWith(world, body.access_token, `/Patient/${world.anna}`)).toBe(200);
    expect(await statusWith(world, body.access_token, '/Observation?patient=x')).toBe(403);
  });

  test('profile and fhirUser taken away are not in the id_token', async () => {
    await change({ scope: 'openid patient/Patient.rs offline_access' });
    const { body } = await renew();
    const claims = JSON.parse(Buffer.from(body.id_token.split('.')[1], 'base64url').toString());
    expect([claims.sub, 'name' in claims, 'fhirUser' in claims]).toEqual([world.provider.id, false, false]);
    expect(body).not.toHaveProperty('patient.reference');
  });

  test('asked for once more by name are refused as those of nobody', async () => {
    await change({ scope: 'launch/patient patient/Patient.rs offline_access' });
    const { body } = await renew(undefined, { scope: 'patient/Patient.rs patient/Observation.rs' });
    expect(body.scope).toBe('patient/Patient.rs');
    expect(outcome(await renew(body.refresh_token, { scope: 'patient/Observation.rs' }))).toEqual([
      400,
      'invalid_scope',
    ]);
  });

  test('all of them: nothing', async () => {
    await change({ scope: 'user/Appointment.rs offline_access' });
    expect(outcome(await renew())).toEqual([400, 'invalid_scope']);
  });

  test('offline_access: the token renews nothing', async () => {
    await change({ scope: scope.replace(' offline_access', '') });
    expect(outcome(await renew())).toEqual([400, 'invalid_grant']);
  });
});

describe('grant types', () => {
  test('refresh_token taken away: nothing', async () => {
    await change({ grantTypes: ['authorization_code'] });
    expect(outcome(await renew())).toEqual([400, 'unauthorized_client']);
  });

  test('authorization_code taken away: what people gave it is over, and stays so when it comes back', async () => {
    await change({ grantTypes: [] });
    expect(await settledStatus(world, granted.access_token)).toBe(401);
    await change({ grantTypes: ['authorization_code', 'refresh_token'] });
    expect(outcome(await renew())).toEqual([400, 'invalid_grant']);
  });

  test('what is left as it was goes on', async () => {
    await change({ grantTypes: ['authorization_code', 'refresh_token'], name: 'Other' });
    expect((await renew()).status).toBe(200);
    expect(await statusWith(world, granted.access_token, `/Patient/${world.anna}`)).toBe(200);
  });
});
