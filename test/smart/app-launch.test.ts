// The whole way of an app through the authorization code flow: https://hl7.org/fhir/smart-app-launch/app-launch.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuditEvent } from '@medplum/fhirtypes';
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose';
import { until } from '../jobs/job-bed.ts';
import { publicUrl, send } from '../support/server.ts';
import {
  type AppWorld,
  authorize,
  basicOf,
  letIn,
  makeApp,
  makeRequest,
  password,
  postToken,
  redeem,
  refresh,
  startAppWorld,
  statusWith,
} from './app-world.ts';
import { openBrowser, titleOf } from './browser.ts';

let world: AppWorld;
beforeAll(async () => {
  world = await startAppWorld();
}, 60_000);
afterAll(() => world.server.close());

describe('standalone launch', () => {
  test('staff sign in, choose a patient, allow, and the app has a token with that patient', async () => {
    const request = makeRequest(world, { scope: 'openid fhirUser launch/patient patient/Patient.rs' });
    const page = await authorize(world, world.provider, request);
    expect(page.leftTo?.origin).toBe('https://app.example.org');
    expect(Object.fromEntries(page.leftTo?.searchParams ?? [])).toEqual({
      ...{ code: expect.any(String), state: 'state-1', iss: world.issuer },
    });
    const answer = await redeem(world, page, request);
    expect(answer.body).toMatchObject({
      token_type: 'Bearer',
      scope: 'openid fhirUser launch/patient patient/Patient.rs',
      patient: world.anna,
      need_patient_banner: true,
      smart_style_url: `${world.issuer}/.well-known/smart-style.json`,
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('pragma')).toBe('no-cache');
    expect(decodeJwt(answer.body.id_token)).toMatchObject({
      ...{ iss: world.issuer, aud: world.publicApp, sub: world.provider.id, amr: ['pwd'] },
      fhirUser: expect.stringMatching(`^${world.fhirBase}/Practitioner/`),
    });
    expect(await statusWith(world, answer.body.access_token, `/Patient/${world.anna}`)).toBe(200);
    expect(await statusWith(world, answer.body.access_token, `/Patient/${world.bert}`)).toBe(404);
    expect(answer.body).not.toHaveProperty('refresh_token');
  });

  test('the id_token is signed with RS256, by a published key, as every app can verify', async () => {
    const request = makeRequest(world, { scope: 'openid fhirUser user/*.rs', nonce: 'once' });
    const { body } = await redeem(world, await authorize(world, world.provider, request), request);
    const { issuer, server } = world;
    const read = async (path: string) => (await fetch(`${issuer}${path}`.replace(publicUrl, server.origin))).json();
    const keys = createLocalJWKSet((await read('/jwks')) as JSONWebKeySet);
    const verified = await jwtVerify(body.id_token, keys, {
      ...{ issuer, audience: world.publicApp, algorithms: ['RS256'] },
    });
    expect(verified.payload).toMatchObject({ sub: world.provider.id, nonce: 'once' });
    expect(await read('/.well-known/openid-configuration')).toMatchObject({
      id_token_signing_alg_values_supported: ['RS256'],
    });
  });

  test('scopes of OpenID Connect without claims here are dropped, registered or not, and keep nobody out', async () => {
    const client_id = await makeApp(world.server, world.server.a, { scope: 'openid profile email user/*.rs' });
    const request = makeRequest(world, { client_id, scope: 'openid profile email address phone user/*.rs' });
    const { body } = await redeem(world, await authorize(world, world.provider, request), request, { client_id });
    expect(body.scope).toBe('openid profile user/*.rs');
  });

  test('a patient has the own record open and is not asked whose', async () => {
    const browser = openBrowser(world.server.origin);
    const request = makeRequest(world, { scope: 'launch/patient patient/Patient.rs' });
    const login = await browser.get(request.url);
    const consent = await browser.submit(login, { email: world.patient.email, password });
    expect(titleOf(consent)).toBe('Allow access?');
    expect(consent.text).toContain('Anna Abel');
    const page = await browser.submit(consent, { decision: 'allow' });
    expect((await redeem(world, page, request)).body.patient).toBe(world.anna);
  });

  test('the authorization endpoint takes a form as well', async () => {
    const browser = openBrowser(world.server.origin);
    const request = makeRequest(world);
    const page = await browser.post(`${world.issuer}/authorize`, request.params);
    expect(titleOf(page)).toBe('Sign in');
  });

  test('the picker finds by name, only what the person may read', async () => {
    const browser = openBrowser(world.server.origin);
    const login = await browser.get(makeRequest(world).url);
    const picker = await browser.submit(login, { email: world.provider.email, password });
    const found = await browser.submit(picker, { do: 'search', query: 'Bau' });
    expect(found.text).toContain('Bert Bauer');
    expect(found.text).not.toContain('Anna Abel');
    expect((await browser.submit(found, { do: 'choose', patient: 'nobody' })).status).toBe(403);
    const cancelled = await browser.submit(picker, { do: 'cancel' });
    expect(cancelled.leftTo?.searchParams.get('error')).toBe('access_denied');
    // Who was shown is on record as with an app (security.md 122); so is this client, which asks for it.
    const { a } = world.server;
    const byPerson = async () => {
      const { json } = await a.request('GET', `/AuditEvent?subtype=search-type&patient=Patient/${world.bert}`);
      const events: AuditEvent[] = (json.entry ?? []).map(({ resource }: { resource: AuditEvent }) => resource);
      return events.filter(({ agent }) => !JSON.stringify(agent).includes(`Device/${a.clientId}`));
    };
    await until(async () => (await byPerson()).length > 0);
    expect((await byPerson())[0]).toMatchObject({ action: 'E', outcome: '0' });
  });
});

describe('EHR launch', () => {
  const launchFor = async (clientId: string, body: object) =>
    await send(
      `${world.server.origin}/t/clinic-a/launch`,
      'POST',
      { client_id: clientId, ...body },
      { Authorization: `Bearer ${world.server.a.token}`, 'Content-Type': 'application/json' },
    );

  test('the EHR names the patient and the visit, and the app gets them', async () => {
    const { a } = world.server;
    const encounter = await a.request('POST', '/Encounter', {
      ...{ resourceType: 'Encounter', status: 'in-progress', class: { code: 'AMB' } },
      subject: { reference: `Patient/${world.bert}` },
    });
    const made = await launchFor(world.publicApp, {
      patient: world.bert,
      encounter: encounter.json.id,
      intent: 'order',
    });
    expect([made.status, made.json]).toEqual([201, { launch: expect.stringMatching(/^[\w-]{43}$/), expires_in: 300 }]);
    const request = makeRequest(world, { scope: 'launch patient/Patient.rs', launch: made.json.launch });
    const page = await authorize(world, world.provider, request);
    expect((await redeem(world, page, request)).body).toMatchObject({
      ...{ patient: world.bert, encounter: encounter.json.id, intent: 'order', scope: 'launch patient/Patient.rs' },
    });
  });

  test('a visit comes with its patient, so that no app is opened with one patient and the visit of another', async () => {
    const encounter = await world.server.a.request('POST', '/Encounter', {
      ...{ resourceType: 'Encounter', status: 'in-progress', class: { code: 'AMB' } },
      subject: { reference: `Patient/${world.bert}` },
    });
    const visit = { encounter: encounter.json.id };
    expect((await launchFor(world.publicApp, visit)).status).toBe(422);
    expect((await launchFor(world.publicApp, { ...visit, patient: world.anna })).status).toBe(404);
  });

  test('what the EHR may not read itself, or nobody has, it cannot open', async () => {
    expect((await launchFor(world.publicApp, { patient: 'nobody' })).status).toBe(404);
    expect((await launchFor(world.publicApp, { patient: world.anna, encounter: 'none' })).status).toBe(404);
    expect((await launchFor(world.server.a.clientId, { patient: world.anna })).status).toBe(404);
    expect((await launchFor(world.publicApp, { patient: 5 })).status).toBe(422);
    expect((await launchFor(world.publicApp, { who: 'x' })).status).toBe(400);
  });
});

describe('consent', () => {
  test('a person takes scopes away, and gives a part of one: granular scopes of (g)(10)', async () => {
    const browser = openBrowser(world.server.origin);
    const scope = 'launch/patient patient/Patient.rs patient/Condition.rs patient/Observation.rs';
    const request = makeRequest(world, { scope, client_id: world.secretApp.clientId });
    const login = await browser.get(request.url);
    const picker = await browser.submit(login, { email: world.provider.email, password });
    const consent = await browser.submit(picker, { do: 'choose', patient: world.anna });
    const laboratory =
      'patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory';
    const page = await browser.submit(consent, { decision: 'allow', scope: ['patient/Patient.rs', laboratory] });
    const { clientId } = world.secretApp;
    const answer = await postToken(
      world,
      {
        ...{ grant_type: 'authorization_code', code: page.leftTo?.searchParams.get('code') ?? '' },
        ...{ redirect_uri: request.params.redirect_uri ?? '', code_verifier: request.verifier },
      },
      { headers: basicOf(world.secretApp) },
    );
    expect(answer.body.scope.split(' ').sort()).toEqual(['launch/patient', laboratory, 'patient/Patient.rs'].sort());
    expect(await statusWith(world, answer.body.access_token, '/Condition')).toBe(403);
    // Asked once: the same request needs nobody any more, and gets what was given, not what was asked for.
    const again = makeRequest(world, { scope, client_id: clientId, prompt: 'none' });
    expect((await browser.get(again.url)).leftTo?.searchParams.get('error')).toBe('interaction_required');
  });

  test('is remembered until the app wants more', async () => {
    const browser = openBrowser(world.server.origin);
    const scope = 'openid user/Patient.rs';
    await letIn(world, world.frontDesk, scope, browser);
    const silent = await browser.get(makeRequest(world, { scope, prompt: 'none' }).url);
    expect(silent.leftTo?.searchParams.get('code')).toEqual(expect.any(String));
    const more = await browser.get(makeRequest(world, { scope: `${scope} user/Coverage.rs`, prompt: 'none' }).url);
    expect(more.leftTo?.searchParams.get('error')).toBe('consent_required');
    expect(titleOf(await browser.get(makeRequest(world, { scope, prompt: 'consent' }).url))).toBe('Allow access?');
    expect(titleOf(await browser.get(makeRequest(world, { scope, prompt: 'login' }).url))).toBe('Sign in');
  });

  test('refused: the app is told', async () => {
    const browser = openBrowser(world.server.origin);
    const request = makeRequest(world, { scope: 'openid user/Encounter.rs' });
    const login = await browser.get(request.url);
    const consent = await browser.submit(login, { email: world.provider.email, password });
    const page = await browser.submit(consent, { decision: 'deny' });
    expect(page.leftTo?.searchParams.get('error')).toBe('access_denied');
  });
});

describe('scopes', () => {
  test('what the roles do not allow at all, or the app has not registered, is dropped', async () => {
    const scope = 'openid user/Patient.rs user/AuditEvent.rs system/Patient.rs';
    const { body } = await letIn(world, world.frontDesk, scope);
    expect(body.scope).toBe('openid user/Patient.rs');
    expect(await statusWith(world, body.access_token, `/Patient/${world.anna}`)).toBe(200);
    expect(await statusWith(world, body.access_token, '/AuditEvent')).toBe(403);
  });

  test('a scope that is wider than the role gives what the role does: decision 33', async () => {
    const { body } = await letIn(world, world.frontDesk, 'user/Patient.cruds');
    const { a } = world.server;
    const bearer = { Authorization: `Bearer ${body.access_token}` };
    expect((await a.request('DELETE', `/Patient/${world.bert}`, undefined, bearer)).status).toBe(403);
  });
});

test('a token is good in its tenant only: security.md 2', async () => {
  const { body } = await letIn(world, world.provider, 'openid user/Patient.rs offline_access');
  const bearer = { Authorization: `Bearer ${body.access_token}` };
  expect((await world.server.b.request('GET', '/Patient', undefined, bearer)).status).toBe(401);
  const elsewhere = `${world.server.origin}/t/clinic-b/token`;
  const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: body.refresh_token });
  expect((await fetch(elsewhere, { method: 'POST', body: form })).status).toBe(400);
  expect((await refresh(world, body.refresh_token)).status).toBe(200);
});

describe('refresh', () => {
  test('a new pair each time, with the same context; fewer scopes on wish', async () => {
    const first = await letIn(
      world,
      world.provider,
      'launch/patient patient/Patient.rs patient/Encounter.rs offline_access',
    );
    const second = await refresh(world, first.body.refresh_token, { scope: 'launch/patient patient/Patient.rs' });
    expect(second.body).toMatchObject({ patient: world.anna, scope: 'launch/patient patient/Patient.rs' });
    expect(second.body.refresh_token).not.toBe(first.body.refresh_token);
    const third = await refresh(world, second.body.refresh_token);
    expect(third.body.scope).toBe('launch/patient patient/Patient.rs patient/Encounter.rs offline_access');
  });

  test('a public app need not say who it is', async () => {
    const { body } = await letIn(world, world.provider, 'openid user/Patient.rs offline_access');
    const form = { grant_type: 'refresh_token', refresh_token: body.refresh_token };
    expect((await postToken(world, form)).status).toBe(200);
    expect((await postToken(world, { ...form, refresh_token: 'nobody' })).status).toBe(400);
  });

  test('introspection tells the app what its token is', async () => {
    const { secretApp } = world;
    const request = makeRequest(world, {
      client_id: secretApp.clientId,
      scope: 'openid fhirUser launch/patient patient/Patient.rs',
    });
    const page = await authorize(world, world.provider, request);
    const form = {
      ...{ grant_type: 'authorization_code', code: page.leftTo?.searchParams.get('code') ?? '' },
      ...{ redirect_uri: request.params.redirect_uri ?? '', code_verifier: request.verifier },
    };
    const { body } = await postToken(world, form, { headers: basicOf(secretApp) });
    const options = { path: 'introspect', headers: basicOf(secretApp) };
    const described = await postToken(world, { token: body.access_token }, options);
    expect(described.body).toMatchObject({
      ...{
        active: true,
        client_id: secretApp.clientId,
        patient: world.anna,
        sub: world.provider.id,
        iss: world.issuer,
      },
      ...{ scope: 'openid fhirUser launch/patient patient/Patient.rs', exp: expect.any(Number) },
      fhirUser: expect.stringMatching(`^${world.fhirBase}/Practitioner/`),
    });
  });
});
