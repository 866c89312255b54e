// An app's access, with what is open in it, for a part of it or for another app: https://www.rfc-editor.org/rfc/rfc8693

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { actOf } from '../../src/people/account-acts.ts';
import { makeSecret } from '../../src/people/clients.ts';
import { withClient } from '../support/database.ts';
import {
  type AppWorld,
  authorize,
  basicOf,
  letIn,
  makeApp,
  makeRequest,
  postToken,
  redeem,
  startAppWorld,
  statusWith,
} from './app-world.ts';

const grant_type = 'urn:ietf:params:oauth:grant-type:token-exchange';
const subject_token_type = 'urn:ietf:params:oauth:token-type:access_token';
const scope = 'launch/patient launch/encounter openid fhirUser patient/Patient.rs patient/Encounter.rs offline_access';

let world: AppWorld;
let app: string;
let receiver: AppWorld['secretApp'];
let encounter: string;
beforeAll(async () => {
  world = await startAppWorld();
  const { server } = world;
  app = await makeApp(server, server.a, { grantTypes: ['authorization_code', 'refresh_token', grant_type] });
  const { clientSecret, secretHash } = makeSecret();
  const registration = {
    ...{ name: 'Receiver', grantTypes: [grant_type], redirectUris: [] },
    scope: 'launch/patient launch/encounter patient/Patient.rs patient/Observation.rs system/*.rs',
  };
  const proof = { method: 'client_secret_basic', secretHash } as const;
  receiver = { clientId: await makeApp(server, server.a, registration, proof), clientSecret };
  const visit = { resourceType: 'Encounter', status: 'in-progress', class: { code: 'AMB' } };
  const body = { ...visit, subject: { reference: `Patient/${world.anna}` } };
  encounter = (await server.a.request('POST', '/Encounter', body)).json.id;
}, 60_000);
afterAll(() => world.server.close());

async function subjectToken(): Promise<string> {
  const request = makeRequest(world, { scope, client_id: app });
  const page = await authorize(world, world.frontDesk, request, { encounter });
  return (await redeem(world, page, request, { client_id: app })).body.access_token;
}

const exchange = (subject_token: string, more: Record<string, string> = {}) =>
  postToken(world, { grant_type, subject_token, subject_token_type, client_id: app, ...more });
const receive = (subject_token: string, more: Record<string, string> = {}) =>
  postToken(world, { grant_type, subject_token, subject_token_type, ...more }, { headers: basicOf(receiver) });

test('an app narrows its own access and keeps what is open', async () => {
  const subject = await subjectToken();
  const { status, body } = await exchange(subject, { scope: 'launch/patient patient/Patient.rs' });
  expect([status, body]).toEqual([
    200,
    {
      ...{ access_token: expect.any(String), issued_token_type: subject_token_type, token_type: 'Bearer' },
      ...{ expires_in: expect.any(Number), scope: 'launch/patient patient/Patient.rs', patient: world.anna },
      ...{ need_patient_banner: true, smart_style_url: `${world.issuer}/.well-known/smart-style.json` },
    },
  ]);
  expect(await statusWith(world, body.access_token, `/Patient/${world.anna}`)).toBe(200);
  expect(await statusWith(world, body.access_token, `/Patient/${world.bert}`)).toBe(404);
  expect(await statusWith(world, body.access_token, `/Encounter/${encounter}`)).toBe(403);
  expect(await statusWith(world, subject, `/Encounter/${encounter}`)).toBe(200);
});

test('another app of the clinic gets what both may, in its own name, with patient and visit', async () => {
  const { body } = await receive(await subjectToken());
  expect(body).toMatchObject({
    ...{ scope: 'launch/patient launch/encounter patient/Patient.rs', patient: world.anna, encounter },
  });
  expect(body).not.toHaveProperty('refresh_token');
  expect(decodeJwt(body.access_token)).toMatchObject({ client_id: receiver.clientId, sub: world.frontDesk.id });
  expect(await statusWith(world, body.access_token, `/Patient/${world.anna}`)).toBe(200);
  expect(await statusWith(world, body.access_token, '/Observation')).toBe(403);
  const told = await postToken(world, { token: body.access_token }, { path: 'introspect', headers: basicOf(receiver) });
  expect(told.body).toMatchObject({ active: true, client_id: receiver.clientId, patient: world.anna, encounter });
  const { rows } = await withClient(world.server.database.url, (client) =>
    client.query('SELECT event_key FROM store.outbox WHERE resource_id = $1', [world.frontDesk.id]),
  );
  expect(rows.filter(({ event_key }) => actOf(event_key) === 'access-passed-on')).toHaveLength(1);
});

test('it lives no longer than what it was exchanged for, also in a chain', async () => {
  const subject = await subjectToken();
  const first = (await exchange(subject)).body;
  const second = (await receive(first.access_token)).body;
  const ends = [subject, first.access_token, second.access_token].map((token) => decodeJwt(token).exp ?? 0);
  expect(ends[1]).toBeLessThanOrEqual(ends[0] ?? 0);
  expect(ends[2]).toBeLessThanOrEqual(ends[1] ?? 0);
});

test('without scope: all of it that the one who asks may have, but no refresh token', async () => {
  const { body } = await exchange(await subjectToken());
  expect(body.scope).toBe('launch/patient launch/encounter openid fhirUser patient/Patient.rs patient/Encounter.rs');
  expect(body).not.toHaveProperty('refresh_token');
  expect(body).not.toHaveProperty('id_token');
});

test('a token without anything open is exchanged as well', async () => {
  const { body } = await letIn(world, world.provider, 'user/Patient.rs');
  const registration = { scope: 'user/*.rs', grantTypes: [grant_type], redirectUris: [] };
  const { clientSecret, secretHash } = makeSecret();
  const { server } = world;
  const method = 'client_secret_basic' as const;
  const clientId = await makeApp(server, server.a, registration, { method, secretHash });
  const form = { grant_type, subject_token: body.access_token, subject_token_type };
  const answer = await postToken(world, form, { headers: basicOf({ clientId, clientSecret }) });
  expect(answer.body.scope).toBe('user/Patient.rs');
  expect(answer.body).not.toHaveProperty('patient');
  expect(await statusWith(world, answer.body.access_token, `/Patient/${world.bert}`)).toBe(200);
});
