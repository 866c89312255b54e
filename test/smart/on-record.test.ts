// What clients ask the authorization server, and who is refused at the doors beside FHIR, leaves AuditEvents (security.md 122).

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuditEvent } from '@medplum/fhirtypes';
import { createSystemClient } from '../../src/tenants/system-tenant.ts';
import { allEvents, type Sender } from '../audit/trail/events.ts';
import { until } from '../jobs/job-bed.ts';
import { fetchToken, send } from '../support/server.ts';
import { type AppWorld, authorize, basicOf, letIn, makeRequest, redeem, refresh, startAppWorld } from './app-world.ts';
import { expectRecorded, whatIs } from './recorded.ts';

let world: AppWorld;
let tokens: { readonly access_token: string; readonly refresh_token: string };
beforeAll(async () => {
  world = await startAppWorld();
  tokens = (await letIn(world, world.provider, personal)).body;
}, 60_000);
afterAll(() => world.server.close());

const personal = 'openid fhirUser launch/patient patient/*.rs offline_access';
interface Asked {
  readonly path: string;
  readonly method?: string;
  readonly form?: Record<string, string>;
  readonly headers?: Record<string, string>;
}

/** The event of one request, valid by its profile: there is exactly one. */
async function eventOf(
  { path, method = 'POST', form, headers = {} }: Asked,
  status: number,
  auditor: Sender = world.server.a,
): Promise<AuditEvent> {
  const requestId = randomUUID();
  const answer = await fetch(`${world.server.origin}${path}`, {
    method,
    headers: { 'X-Request-Id': requestId, ...headers },
    ...(form && { body: new URLSearchParams(form) }),
  });
  expect([path, answer.status, await answer.text()]).toEqual([path, status, expect.anything()]);
  return await only(requestId, auditor);
}

async function only(requestId: string, auditor: Sender = world.server.a): Promise<AuditEvent> {
  const events = (await allEvents(auditor)).get(requestId) ?? [];
  expect(events.map(whatIs)).toHaveLength(1);
  const [event] = events as [AuditEvent];
  expectRecorded(event);
  expect(JSON.stringify(event)).not.toMatch(/wrong|x\.y\.z/);
  return event;
}

const requestor = ({ agent }: AuditEvent) => agent.find((one) => one.requestor)?.who;
const detailsOf = ({ entity = [] }: AuditEvent) =>
  entity.flatMap(({ detail = [] }) => detail.map(({ type, valueString }) => [type, valueString]));

const basic = (clientId: string, clientSecret: string) => basicOf({ clientId, clientSecret });
const form = { grant_type: 'client_credentials' };

describe('a token', () => {
  test('that is issued to a client', async () => {
    const { clientId, clientSecret } = world.server.a;
    const path = '/t/clinic-a/token';
    const event = await eventOf({ path, form, headers: basic(clientId, clientSecret) }, 200);
    expect(whatIs(event)).toEqual(['login', '110114', '110122', '0', undefined]);
    expect(requestor(event)).toEqual({ reference: `Device/${clientId}`, display: 'First client' });
    expect(detailsOf(event)).toEqual([
      ['status', '200'],
      ['grant_type', 'client_credentials'],
    ]);
  });

  test('of a person names the person and the app, for a code and at a refresh', async () => {
    const request = makeRequest(world, { scope: personal });
    const code = (await authorize(world, world.provider, request)).leftTo?.searchParams.get('code') ?? '';
    const redeeming = {
      ...{ grant_type: 'authorization_code', code, code_verifier: request.verifier, client_id: world.publicApp },
      redirect_uri: request.params.redirect_uri as string,
    };
    const path = '/t/clinic-a/token';
    const refreshing = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token };
    const events = [await eventOf({ path, form: redeeming }, 200), await eventOf({ path, form: refreshing }, 200)];
    for (const event of events) {
      expect(whatIs(event)).toEqual(['login', '110114', '110122', '0', undefined]);
      expect(requestor(event)).toEqual({ reference: expect.stringMatching(/^Practitioner\//), display: 'Eva Weiss' });
      expect(event.agent[1]?.who?.reference).toBe(`Device/${world.publicApp}`);
    }
    expect(events.map((event) => detailsOf(event)[1]?.[1])).toEqual(['authorization_code', 'refresh_token']);
  });

  test.each([
    ['with a wrong secret', () => world.server.a.clientId, true],
    ['for a client that there is not', () => 'my-password-wrong', false],
  ])('that is refused %s, each time', async (_what, clientOf, isNamed) => {
    const clientId = clientOf();
    for (let n = 0; n < 5; n += 1) {
      const event = await eventOf({ path: '/t/clinic-a/token', form, headers: basic(clientId, 'wrong') }, 401);
      expect(whatIs(event)).toEqual(['login', '110114', '110122', '4', 'invalid_client']);
      expect(requestor(event)?.reference).toBe(isNamed ? `Device/${clientId}` : undefined);
    }
  });

  test('that is refused for what is asked, and by a broken assertion', async () => {
    const { clientId, clientSecret } = world.server.a;
    const headers = basic(clientId, clientSecret);
    const path = '/t/clinic-a/token';
    const event = await eventOf({ path, form: { ...form, scope: 'x'.repeat(100_000) }, headers }, 400);
    expect([whatIs(event)[4], requestor(event)?.reference]).toEqual(['invalid_scope', `Device/${clientId}`]);
    const broken = await eventOf({ path, form: { ...form, client_assertion: 'broken' } }, 401);
    expect([whatIs(broken)[4], requestor(broken)]).toEqual(['invalid_client', { display: 'Unknown' }]);
    expect(whatIs(await eventOf({ path, form: { ...form, x: 'x'.repeat(300_000) } }, 413))[3]).toBe('4');
  });

  test('that is refused for a grant type which is none is told without it: XML could not say it', async () => {
    for (const [grantType, kept] of [
      ['\u0002', []],
      [' ', []],
      ['\ufffe', []],
      ['x'.repeat(101), [['grant_type', 'x'.repeat(100)]]],
    ] as const) {
      const event = await eventOf({ path: '/t/clinic-a/token', form: { client_id: 'a', grant_type: grantType } }, 401);
      expect(detailsOf(event).slice(1)).toEqual(kept);
    }
  });

  test('that is refused because there were too many refusals', async () => {
    const headers = basic(world.publicApp, 'wrong');
    const path = '/t/clinic-a/introspect';
    for (let n = 0; n < 20; n += 1)
      await send(`${world.server.origin}${path}`, 'POST', '', { ...urlencoded, ...headers });
    const event = await eventOf({ path: '/t/clinic-a/token', form, headers }, 429);
    expect(whatIs(event)).toEqual(['login', '110114', '110122', '4', 'temporarily_unavailable']);
    expect(requestor(event)?.reference).toBe(`Device/${world.publicApp}`);
    expect(detailsOf(event)[0]).toEqual(['status', '429']);
  });
});

const urlencoded = { 'Content-Type': 'application/x-www-form-urlencoded' };

describe('what counts once and comes again is a security alert', () => {
  async function expectAlert(event: AuditEvent, app: string): Promise<void> {
    expect(whatIs(event)).toEqual(['security-alert', '110113', '110137', '8', expect.stringContaining('again')]);
    expect(requestor(event)?.reference).toBe(`Device/${app}`);
    const whose = event.agent.map(({ who }) => who?.reference);
    expect(whose).toContainEqual(expect.stringMatching(/^Practitioner\//));
  }

  test('a refresh token', async () => {
    const { refresh_token: token } = (await letIn(world, world.provider, personal)).body;
    expect((await refresh(world, token)).status).toBe(200);
    const again = { grant_type: 'refresh_token', refresh_token: token, client_id: world.publicApp };
    await expectAlert(await eventOf({ path: '/t/clinic-a/token', form: again }, 400), world.publicApp);
    // Its grant has ended: what comes now is nothing but refused.
    const event = await eventOf({ path: '/t/clinic-a/token', form: again }, 400);
    expect(whatIs(event)).toEqual(['login', '110114', '110122', '4', 'invalid_grant']);
  });

  test('a code', async () => {
    const request = makeRequest(world, { scope: personal });
    const page = await authorize(world, world.provider, request);
    expect((await redeem(world, page, request)).status).toBe(200);
    const again = {
      ...{ grant_type: 'authorization_code', code: page.leftTo?.searchParams.get('code') ?? '' },
      ...{ redirect_uri: request.params.redirect_uri as string, code_verifier: request.verifier },
      client_id: world.publicApp,
    };
    await expectAlert(await eventOf({ path: '/t/clinic-a/token', form: again }, 400), world.publicApp);
  });

  test('two who come at once with one refresh token', async () => {
    const { refresh_token: token } = (await letIn(world, world.provider, personal)).body;
    const ids = Array.from({ length: 4 }, () => randomUUID());
    const ask = (requestId: string) =>
      send(`${world.server.origin}/t/clinic-a/token`, 'POST', `grant_type=refresh_token&refresh_token=${token}`, {
        ...urlencoded,
        'X-Request-Id': requestId,
      });
    const statuses = (await Promise.all(ids.map(ask))).map(({ status }) => status);
    expect(statuses.filter((status) => status !== 200)).not.toEqual([]);
    const all = await allEvents(world.server.a);
    const alerts = ids.flatMap((id) => all.get(id) ?? []).filter(({ type }) => type.code === '110113');
    expect(alerts).not.toEqual([]);
    for (const alert of alerts) await expectAlert(alert, world.publicApp);
  });
});

describe('at the other addresses of clients', () => {
  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

  test('revocation, done and without a proof', async () => {
    const { clientId, clientSecret } = world.server.a;
    const token = await fetchToken(world.server.origin, 'clinic-a', clientId, clientSecret);
    const path = '/t/clinic-a/revoke';
    const done = await eventOf({ path, form: { token }, headers: basic(clientId, clientSecret) }, 200);
    expect(whatIs(done)).toEqual(['login', '110114', '110123', '0', undefined]);
    expect(requestor(done)?.reference).toBe(`Device/${clientId}`);
    expect(JSON.stringify(done)).not.toContain(token);
    const refused = await eventOf({ path, form: { token: 'x' } }, 400);
    expect(whatIs(refused).slice(0, 4)).toEqual(['login', '110114', '110123', '4']);
    const guessed = await eventOf({ path, form: { token: 'x' }, headers: basic(clientId, 'wrong') }, 401);
    expect(whatIs(guessed)).toEqual(['login', '110114', '110122', '4', 'invalid_client']);
  });

  test('introspection', async () => {
    const { clientId, clientSecret, token } = world.server.a;
    const path = '/t/clinic-a/introspect';
    const event = await eventOf({ path, form: { token }, headers: basic(clientId, clientSecret) }, 200);
    expect(whatIs(event)).toEqual(['operation', 'rest', 'operation', '0', undefined]);
    expect(requestor(event)?.reference).toBe(`Device/${clientId}`);
    expect(Buffer.from(event.entity?.[0]?.query ?? '', 'base64').toString()).toBe(`POST ${path}`);
    const guessed = await eventOf({ path, form: { token }, headers: basic(clientId, 'wrong') }, 401);
    expect(whatIs(guessed).slice(0, 3)).toEqual(['login', '110114', '110122']);
  });

  test('userinfo, launch and registration', async () => {
    const forged = { path: '/t/clinic-a/userinfo', method: 'GET', headers: bearer('x.y.z') };
    expect(whatIs(await eventOf(forged, 401))).toEqual(['refusal', 'rest', 'operation', '4', 'invalid_token']);
    const told = await eventOf({ ...forged, headers: bearer(tokens.access_token) }, 200);
    expect(requestor(told)?.reference).toMatch(/^Practitioner\//);
    for (const headers of [{}, bearer('x.y.z')] as Record<string, string>[]) {
      const event = await eventOf({ path: '/t/clinic-a/launch', headers }, 401);
      expect(whatIs(event)).toEqual(['refusal', 'rest', 'operation', '4', 'login']);
    }
    const register = await eventOf({ path: '/t/clinic-a/register' }, 403);
    expect(whatIs(register)).toEqual(['refusal', 'rest', 'operation', '4', 'access_denied']);
  });
});

describe('administration without a good token', () => {
  const refusals = [{}, { Authorization: 'Bearer x.y.z' }] as Record<string, string>[];

  test.each([
    ['GET', 'clients'],
    ['POST', 'clients'],
    ['GET', 'staff'],
    ['PUT', 'settings/timezone'],
    ['DELETE', 'sessions/1'],
    ['POST', 'packages'],
  ])('of a clinic: %s %s', async (method, name) => {
    const path = `/t/clinic-a/admin/${name}`;
    for (const headers of refusals) {
      const event = await eventOf({ path, method, headers }, 401);
      expect([whatIs(event), requestor(event)]).toEqual([
        ['refusal', 'rest', 'operation', '4', 'login'],
        { display: 'Unknown' },
      ]);
      expect(Buffer.from(event.entity?.[0]?.query ?? '', 'base64').toString()).toBe(`${method} ${path}`);
    }
  });

  test('of the system', async () => {
    const { clientId, clientSecret } = await createSystemClient(
      { ...world.server.app.doors, ...world.server.app },
      'Auditor',
    );
    const authorization = bearerOf(await fetchToken(world.server.origin, 'system', clientId, clientSecret));
    const system: Sender = {
      request: (method, path, body, headers) =>
        send(`${world.server.origin}/t/system/fhir${path}`, method, body, { ...authorization, ...headers }),
    };
    for (const headers of refusals) {
      for (const [path, code] of [
        ['/admin/tenants', 'operation'],
        ['/metrics', 'GET'],
      ] as const) {
        const event = await eventOf({ path, method: 'GET', headers }, 401, system);
        expect(whatIs(event)).toEqual(['refusal', 'rest', code, '4', 'login']);
      }
    }
    // Of whom the token is good, but of a clinic, it is told once, by whom.
    const clinic = bearerOf(world.server.a.token);
    await send(`${world.server.origin}/admin/tenants`, 'GET', undefined, { ...clinic, 'X-Request-Id': 'of-a-clinic' });
    expect(whatIs(await only('of-a-clinic', system))).toEqual([
      ...['administration', '110100', 'refusedCall', '4', undefined],
    ]);
  });

  test('who has a good token, but not for this, is told once', async () => {
    const headers = { Authorization: `Bearer ${tokens.access_token}` };
    const event = await eventOf({ path: '/t/clinic-a/admin/clients', method: 'GET', headers }, 403);
    expect(whatIs(event).slice(0, 3)).toEqual(['administration', '110100', 'listClients']);
  });
});

const bearerOf = (token: string) => ({ Authorization: `Bearer ${token}` });

test('a flood of refusals is told by its number, and does not hide an alert', async () => {
  const { refresh_token: token } = (await letIn(world, world.provider, personal)).body;
  expect((await refresh(world, token)).status).toBe(200);
  for (let n = 0; n < 150; n += 1) {
    expect((await send(`${world.server.origin}/t/clinic-a/admin/staff`, 'GET')).status).toBe(401);
  }
  const again = { grant_type: 'refresh_token', refresh_token: token };
  expect((await eventOf({ path: '/t/clinic-a/token', form: again }, 400)).type.code).toBe('110113');
  const counted = async () =>
    (await world.server.a.request('GET', '/AuditEvent?subtype:text=turned&outcome=8&action=E')).json.entry ?? [];
  await until(async () => (await counted()).length > 0);
  const [{ resource }] = await counted();
  expect(resource.outcomeDesc).toBe('throttled');
  expect(Number(resource.entity[0].detail[0].valueString)).toBeGreaterThanOrEqual(50);
}, 60_000);
