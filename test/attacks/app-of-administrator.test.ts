// An app is not an administrator because one has signed in to it: what no scope says, no consent gives (security.md 34; RFC 6749 section 3.3).

import { afterAll, beforeAll, expect, test } from '@jest/globals';
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
  startAppWorld,
} from '../smart/app-world.ts';

const grant_type = 'urn:ietf:params:oauth:grant-type:token-exchange';
const json = { 'Content-Type': 'application/json' };

let world: AppWorld;
let administrator: Person;
beforeAll(async () => {
  world = await startAppWorld();
  administrator = await makePerson(world.server, world.server.a, ['clinic-admin', 'provider']);
}, 60_000);
afterAll(() => world.server.close());

async function tokenOf(client_id: string, person = administrator): Promise<string> {
  const request = makeRequest(world, { scope: 'openid user/Patient.cruds', client_id });
  const page = await authorize(world, person, request);
  return (await redeem(world, page, request, { client_id })).body.access_token;
}

const ask = (token: string, method: string, path: string, body?: object, headers = {}) =>
  world.server.a.request(method, path, body && JSON.stringify(body), { Authorization: `Bearer ${token}`, ...headers });

test('it neither reads nor changes anything of the administration, nor takes security labels away', async () => {
  const token = await tokenOf(world.publicApp);
  const client = { name: 'Mine', scope: 'system/*.cruds', roles: ['clinic-admin'], grantTypes: ['client_credentials'] };
  const statuses = [
    await ask(token, 'GET', '/../admin/staff'),
    await ask(token, 'POST', '/../admin/clients', client, json),
    await ask(token, 'PUT', '/../admin/settings/references.check', { value: true }, json),
    await ask(token, 'GET', '/Patient/$explain?name=a'),
  ].map(({ status }) => status);
  expect(statuses).toEqual([403, 403, 403, 403]);
  const security = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'V' }];
  const labelled = { resourceType: 'Patient', meta: { security } };
  const { id } = (await world.server.a.request('POST', '/Patient', labelled)).json;
  const meta = { resourceType: 'Parameters', parameter: [{ name: 'meta', valueMeta: { security } }] };
  const headers = { 'Content-Type': 'application/fhir+json' };
  expect((await ask(token, 'POST', `/Patient/${id}/$meta-delete`, meta, headers)).status).toBe(403);
  expect((await ask(token, 'GET', `/Patient/${id}`)).status).toBe(200);
});

test('an app that the clinic has registered with the role may, for who has it, and for nobody else', async () => {
  const console = await makeApp(world.server, world.server.a, { roles: ['clinic-admin'] });
  expect((await ask(await tokenOf(console), 'GET', '/../admin/staff')).status).toBe(200);
  expect((await ask(await tokenOf(console, world.provider), 'GET', '/../admin/staff')).status).toBe(403);
});

test('nor does it come to it by such an app: that one exchanges its own tokens only', async () => {
  const { clientSecret, secretHash } = makeSecret();
  const registration = { roles: ['clinic-admin'], scope: 'user/*.cruds', grantTypes: [grant_type], redirectUris: [] };
  const proof = { method: 'client_secret_basic', secretHash } as const;
  const clientId = await makeApp(world.server, world.server.a, registration, proof);
  const subject_token = await tokenOf(world.publicApp);
  const form = { grant_type, subject_token, subject_token_type: 'urn:ietf:params:oauth:token-type:access_token' };
  const answer = await postToken(world, form, { headers: basicOf({ clientId, clientSecret }) });
  expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
});
