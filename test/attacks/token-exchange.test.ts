// Attacks on the exchange of tokens: nobody gets more by it, nor for longer, than whoever gave it had (RFC 8693 section 5; security.md 47, 56, 60, 62).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeSecret } from '../../src/people/clients.ts';
import {
  type AppWorld,
  authorize,
  basicOf,
  makeApp,
  makePerson,
  makeRequest,
  type Person,
  postToken,
  redeem,
  settledStatus,
  startAppWorld,
  statusWith,
  type TokenAnswer,
} from '../smart/app-world.ts';
import { withClient } from '../support/database.ts';
import { publicUrl } from '../support/server.ts';

const grant_type = 'urn:ietf:params:oauth:grant-type:token-exchange';
const subject_token_type = 'urn:ietf:params:oauth:token-type:access_token';
const invalidRequest = [400, 'invalid_request'];
const everything = ['authorization_code', 'refresh_token', grant_type];

let world: AppWorld;
let app: string;
let receiver: AppWorld['secretApp'];
beforeAll(async () => {
  world = await startAppWorld();
  app = await makeApp(world.server, world.server.a, { grantTypes: everything });
  receiver = await makeReceiver({ scope: 'launch/patient patient/*.rs user/*.cruds system/*.cruds offline_access' });
}, 60_000);
afterAll(() => world.server.close());

async function makeReceiver(registration: object, tenant = world.server.a): Promise<AppWorld['secretApp']> {
  const { clientSecret, secretHash } = makeSecret();
  const method = 'client_secret_basic' as const;
  const whole = { grantTypes: [grant_type], redirectUris: [], ...registration };
  return { clientId: await makeApp(world.server, tenant, whole, { method, secretHash }), clientSecret };
}

/** Of the public app, which may exchange. */
async function tokens(scope = 'launch/patient patient/Patient.rs', person: Person = world.provider) {
  const request = makeRequest(world, { scope, client_id: app });
  const page = await authorize(world, person, request);
  return (await redeem(world, page, request, { client_id: app })).body;
}

const outcome = ({ status, body }: TokenAnswer) => [status, body.error];
const form = (subject_token: string) => ({ grant_type, subject_token, subject_token_type });
const receive = (subject: string, more: Record<string, string> = {}, by = receiver) =>
  postToken(world, { ...form(subject), ...more }, { headers: basicOf(by) });
const narrow = (subject: string, more: Record<string, string> = {}) =>
  postToken(world, { ...form(subject), client_id: app, ...more });

describe('who may', () => {
  test('an app without the grant type gets nothing, whoever’s token it brings', async () => {
    const { access_token } = await tokens();
    const notRegistered = [400, 'unauthorized_client'];
    expect(outcome(await postToken(world, { ...form(access_token), client_id: world.publicApp }))).toEqual(
      notRegistered,
    );
    const headers = basicOf(world.secretApp);
    expect(outcome(await postToken(world, form(access_token), { headers }))).toEqual(notRegistered);
  });

  test('a public app cannot exchange what another one got: nobody could tell who it is', async () => {
    const { access_token } = await tokens();
    const other = await makeApp(world.server, world.server.a, { grantTypes: everything });
    expect(outcome(await narrow(access_token, { client_id: other }))).toEqual(invalidRequest);
  });

  test('nobody without the proof of who it is, and nobody in another one’s name', async () => {
    const { access_token } = await tokens();
    const wrong = { clientId: receiver.clientId, clientSecret: 'wrong' };
    expect(outcome(await receive(access_token, {}, wrong))).toEqual([401, 'invalid_client']);
    for (const audience of [receiver.clientId, 'https://evil.example', `${publicUrl}/t/clinic-b/fhir`]) {
      expect(outcome(await narrow(access_token, { audience }))).toEqual([400, 'invalid_target']);
    }
    const resource = `${publicUrl}/t/clinic-b/fhir`;
    expect(outcome(await narrow(access_token, { resource }))).toEqual([400, 'invalid_target']);
  });

  test('apps that register themselves cannot have the grant type', async () => {
    const url = `${world.server.origin}/t/clinic-a/register`;
    const headers = { 'Content-Type': 'application/json' };
    await world.server.a.request('GET', '/metadata');
    await withClient(world.server.database.url, (client) =>
      client.query(
        `INSERT INTO store.setting (tenant_id, key, value) VALUES ($1, 'clients.dynamic-registration', 'true')
         ON CONFLICT (tenant_id, key) DO UPDATE SET value = 'true'`,
        [world.server.a.id],
      ),
    );
    const body = JSON.stringify({ redirect_uris: ['https://app.example.org/cb'], grant_types: everything });
    const answer = await fetch(url, { method: 'POST', headers, body });
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([
      400,
      'invalid_client_metadata',
    ]);
  });
});

describe('of what', () => {
  test('another tenant’s token, an id_token, a refresh token, a client’s own token and noise are no subject', async () => {
    const granted = await tokens('openid launch/patient patient/Patient.rs offline_access');
    const other = await makeReceiver({ scope: 'patient/*.rs' }, world.server.b);
    const abroad = await fetch(`${world.server.origin}/t/clinic-b/token`, {
      ...{ method: 'POST', headers: basicOf(other), body: new URLSearchParams(form(granted.access_token)) },
    });
    expect([abroad.status, ((await abroad.json()) as { error: string }).error]).toEqual(invalidRequest);
    const { token: system } = world.server.a;
    for (const subject of [granted.id_token, granted.refresh_token, system, '', 'x', 'a.b.c', 'é'.repeat(5_000)]) {
      expect(outcome(await receive(subject))).toEqual(invalidRequest);
    }
  });

  test.each([
    ['another type', { subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' }],
    ['no type', { subject_token_type: '' }],
    ['a refresh token wanted', { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }],
    ['somebody else to act', { actor_token: 'x', actor_token_type: subject_token_type }],
  ])('%s: invalid_request', async (_, more) => {
    const { access_token } = await tokens();
    expect(outcome(await receive(access_token, more))).toEqual(invalidRequest);
  });

  test('one that was revoked, or whose person, session or app is gone', async () => {
    const ends: ((subject: string, person: Person) => Promise<unknown>)[] = [
      (token) => postToken(world, { token, client_id: app }, { path: 'revoke' }),
      (_, { id }) => change('UPDATE store.account SET active = false WHERE id = $1', id),
      (_, { id }) => change('UPDATE store.account SET must_reset = true WHERE id = $1', id),
      (_, { id }) => change('DELETE FROM store.login_session WHERE account_id = $1', id),
      () => change('UPDATE store.client SET active = false WHERE client_id = $1', app),
    ];
    for (const end of ends) {
      const person = await makePerson(world.server, world.server.a, ['provider']);
      const { access_token } = await tokens('launch/patient patient/Patient.rs', person);
      await end(access_token, person);
      expect(outcome(await receive(access_token))).toEqual(invalidRequest);
    }
    await change('UPDATE store.client SET active = true WHERE client_id = $1', app);
  });
});

describe('for what', () => {
  test('never for more than the token allows, its app may still have, and the one that asks is registered for', async () => {
    const { access_token } = await tokens('launch/patient patient/Patient.r patient/Observation.rs');
    for (const scope of ['patient/Patient.rs', 'patient/*.rs', 'user/Patient.rs', 'system/Patient.rs', 'openid']) {
      expect(outcome(await receive(access_token, { scope }))).toEqual([400, 'invalid_scope']);
    }
    expect((await receive(access_token, { scope: 'patient/Patient.r user/*.cruds' })).body.scope).toBe(
      'patient/Patient.r',
    );
    await change("UPDATE store.client SET scope = 'launch/patient patient/Patient.r' WHERE client_id = $1", app);
    const narrowed = (await receive(access_token)).body;
    await change(
      "UPDATE store.client SET scope = 'launch/patient patient/*.rs offline_access openid' WHERE client_id = $1",
      app,
    );
    expect(narrowed.scope).toBe('launch/patient patient/Patient.r');
  });

  test('what is asked for besides is not listened to: the patient stays', async () => {
    const { access_token } = await tokens();
    const more = { patient: world.bert, encounter: 'x', fhirUser: 'Practitioner/1', expires_in: '999999' };
    const { body } = await receive(access_token, more);
    expect(body.patient).toBe(world.anna);
    expect(await statusWith(world, body.access_token, `/Patient/${world.bert}`)).toBe(404);
  });

  test('a narrowed one is not exchanged back for the whole', async () => {
    const { access_token } = await tokens('launch/patient patient/Patient.rs patient/Observation.rs');
    const narrowed = (await narrow(access_token, { scope: 'patient/Observation.rs' })).body;
    const scope = 'patient/Patient.rs';
    expect(outcome(await narrow(narrowed.access_token, { scope }))).toEqual([400, 'invalid_scope']);
  });
});

describe('until when', () => {
  const exchanged = async (subject: string) =>
    (await receive((await narrow(subject)).body.access_token)).body.access_token;

  test('with the token before it, however far before', async () => {
    const { access_token } = await tokens();
    const last = await exchanged(access_token);
    expect(await statusWith(world, last, `/Patient/${world.anna}`)).toBe(200);
    await postToken(world, { token: access_token, client_id: app }, { path: 'revoke' });
    expect(await settledStatus(world, last)).toBe(401);
  });

  test('its own end ends nothing before it', async () => {
    const { access_token } = await tokens();
    const last = await exchanged(access_token);
    await postToken(world, { token: last }, { path: 'revoke', headers: basicOf(receiver) });
    expect(await settledStatus(world, last)).toBe(401);
    expect(await statusWith(world, access_token, `/Patient/${world.anna}`)).toBe(200);
  });

  test('with the family: a refresh token that was used twice takes it along', async () => {
    const granted = await tokens('launch/patient patient/Patient.rs offline_access');
    const last = await exchanged(granted.access_token);
    const refresh = () =>
      postToken(world, { grant_type: 'refresh_token', refresh_token: granted.refresh_token, client_id: app });
    expect([(await refresh()).status, (await refresh()).status]).toEqual([200, 400]);
    expect(await settledStatus(world, last)).toBe(401);
  });

  test('revoked while it is exchanged, twenty times: nothing is left that works', async () => {
    const { access_token } = await tokens();
    const revoke = () => postToken(world, { token: access_token, client_id: app }, { path: 'revoke' });
    const [, ...answers] = await Promise.all([revoke(), ...Array.from({ length: 20 }, () => receive(access_token))]);
    const made = answers.flatMap(({ status, body }) => (status === 200 ? [body.access_token as string] : []));
    const left = await Promise.all(made.map((token) => settledStatus(world, token)));
    expect(left).toEqual(left.map(() => 401));
  });
});

async function change(text: string, value: string): Promise<void> {
  await withClient(world.server.database.url, (client) => client.query(text, [value]));
}
