// Attacks on the authorization endpoint and the token endpoint, by number: security.md 2C, 45 to 56

import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt, exportJWK, SignJWT } from 'jose';
import {
  type AppWorld,
  authorize,
  basicOf,
  callback,
  letIn,
  makeApp,
  makePerson,
  makeRequest,
  password,
  postToken,
  redeem,
  refresh,
  settledStatus,
  startAppWorld,
  statusWith,
  type TokenAnswer,
} from '../smart/app-world.ts';
import { openBrowser, titleOf } from '../smart/browser.ts';
import { assertionForm, type KeyPair, makeAssertion, makeKeyPair } from '../smart/smart-server.ts';
import { withClient } from '../support/database.ts';
import { publicUrl, send } from '../support/server.ts';

let world: AppWorld;
let keys: KeyPair;
let system: string;

beforeAll(async () => {
  world = await startAppWorld();
  keys = await makeKeyPair('ES384');
  const registration = {
    name: 'EHR',
    grantTypes: ['client_credentials'],
    scope: 'system/Patient.rs',
    redirectUris: [],
  };
  const jwks = { keys: [keys.publicJwk] };
  system = await makeApp(world.server, world.server.a, registration, { method: 'private_key_jwt', jwks });
}, 60_000);
afterAll(() => world.server.close());

/** Each test has its own, so that one does not slow down the next: security.md 70. */
function makeSystem(): Promise<string> {
  const registration = { grantTypes: ['client_credentials'], scope: 'system/Patient.rs', redirectUris: [] };
  const jwks = { keys: [keys.publicJwk] };
  return makeApp(world.server, world.server.a, registration, { method: 'private_key_jwt', jwks });
}

const browse = (url: string) => openBrowser(world.server.origin).get(url);
const outcome = ({ status, body }: TokenAnswer) => [status, body.error];
const invalidGrant = [400, 'invalid_grant'];
const invalidClient = [401, 'invalid_client'];
const tally = (answers: readonly TokenAnswer[]) => {
  const counts: Record<string, number> = {};
  for (const { status, body } of answers) {
    const name = status === 200 ? '200' : `${status} ${body.error}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
};
const sql = (text: string) => withClient(world.server.database.url, (client) => client.query(text));
const codeFor = async (params: Record<string, string> = {}, person = world.provider) => {
  const request = makeRequest(world, { scope: 'openid user/Patient.rs', ...params });
  return { request, page: await authorize(world, person, request) };
};
const assert = async (options: Parameters<typeof makeAssertion>[3] = {}, aud = `${world.issuer}/token`) =>
  await postToken(world, assertionForm(await makeAssertion(keys, await makeSystem(), aud, options)));

describe('attack 45: another redirect_uri than the registered one', () => {
  test.each([
    [`${callback}x`],
    [`${callback}/`],
    [`${callback}/../evil`],
    ['https://app.example.org/a/../callback'],
    ['https://app.example.org:8443/callback'],
    ['http://app.example.org/callback'],
    [`${callback}#x`],
    [`${callback}?x=1`],
    ['https://user@app.example.org/callback'],
    ['https://APP.example.org/callback'],
    ['https://app.example.org./callback'],
    ['javascript:alert(1)'],
    [''],
  ])('%j: an error page, and nobody is redirected', async (redirect_uri) => {
    const page = await browse(makeRequest(world, { redirect_uri }).url);
    expect([page.status, page.leftTo]).toEqual([400, undefined]);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    expect(page.text).not.toContain('name="password"');
  });

  test('two of them', async () => {
    const page = await browse(`${makeRequest(world).url}&redirect_uri=${encodeURIComponent('https://evil.test/')}`);
    expect([page.status, page.leftTo]).toEqual([400, undefined]);
  });
});

describe('attack 46: no proof of who began (PKCE)', () => {
  test.each([
    ['no challenge', { code_challenge: '', code_challenge_method: '' }],
    ['plain', { code_challenge_method: 'plain' }],
    ['a challenge without its method, which means plain', { code_challenge_method: '' }],
    ['a challenge that is too short', { code_challenge: 'a'.repeat(42) }],
  ])('%s: invalid_request', async (_, params) => {
    const page = await browse(makeRequest(world, params).url);
    expect(page.leftTo?.searchParams.get('error')).toBe('invalid_request');
    expect(page.leftTo?.searchParams.has('code')).toBe(false);
  });

  test('dropped, wrong, short or the challenge itself at the token endpoint', async () => {
    const { request, page } = await codeFor();
    for (const code_verifier of ['', 'x'.repeat(43), 'x'.repeat(42), request.params.code_challenge ?? '']) {
      const answer = await redeem(world, page, request, { code_verifier });
      expect([400, /^invalid_(grant|request)$/.test(answer.body.error)]).toEqual([answer.status, true]);
    }
  });
});

describe('attack 47: a code used twice', () => {
  test('one after the other: the second fails and ends what the first got', async () => {
    const { request, page } = await codeFor({ scope: 'openid user/Patient.rs offline_access' });
    const first = await redeem(world, page, request);
    expect(await statusWith(world, first.body.access_token, `/Patient/${world.anna}`)).toBe(200);
    expect(outcome(await redeem(world, page, request))).toEqual(invalidGrant);
    expect(outcome(await refresh(world, first.body.refresh_token))).toEqual(invalidGrant);
    expect(await settledStatus(world, first.body.access_token)).toBe(401);
  });

  test('50 at once: exactly one success, and its tokens are ended', async () => {
    const { request, page } = await codeFor({ scope: 'openid user/Patient.rs offline_access' });
    const answers = await Promise.all(Array.from({ length: 50 }, () => redeem(world, page, request)));
    const won = answers.filter(({ status }) => status === 200);
    expect(tally(answers)).toEqual({ '200': 1, '400 invalid_grant': 49 });
    expect(outcome(await refresh(world, won[0]?.body.refresh_token))).toEqual(invalidGrant);
    expect(await settledStatus(world, won[0]?.body.access_token)).toBe(401);
  });
});

describe('attack 48: a code in the wrong hands', () => {
  test('of another client, with another redirect_uri, too late: invalid_grant', async () => {
    const { request, page } = await codeFor();
    const form = {
      ...{ grant_type: 'authorization_code', code: page.leftTo?.searchParams.get('code') ?? '' },
      ...{ redirect_uri: callback, code_verifier: request.verifier },
    };
    expect(outcome(await postToken(world, form, { headers: basicOf(world.secretApp) }))).toEqual(invalidGrant);
    const elsewhere = { redirect_uri: 'https://app.example.org/other' };
    expect(outcome(await redeem(world, page, request, elsewhere))).toEqual(invalidGrant);
    await sql("UPDATE store.oidc_record SET expires_at = now() WHERE model = 'AuthorizationCode'");
    expect(outcome(await redeem(world, page, request))).toEqual(invalidGrant);
  });
});

describe('attack 49: a refresh token used twice', () => {
  const scope = 'openid user/Patient.rs offline_access';

  test('one after the other: the family ends', async () => {
    const first = (await letIn(world, world.provider, scope)).body;
    const second = (await refresh(world, first.refresh_token)).body;
    expect(outcome(await refresh(world, first.refresh_token))).toEqual(invalidGrant);
    expect(outcome(await refresh(world, second.refresh_token))).toEqual(invalidGrant);
    expect(await settledStatus(world, second.access_token)).toBe(401);
  });

  test('50 at once: one winner, and no chain lives on', async () => {
    const { refresh_token } = (await letIn(world, world.provider, scope)).body;
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(world, refresh_token)));
    const won = answers.filter(({ status }) => status === 200);
    expect(tally(answers)).toEqual({ '200': 1, '400 invalid_grant': 49 });
    expect(outcome(await refresh(world, won[0]?.body.refresh_token))).toEqual(invalidGrant);
    expect(await settledStatus(world, won[0]?.body.access_token)).toBe(401);
  });

  test('by another client, or for more than it was given', async () => {
    const { refresh_token } = (await letIn(world, world.provider, scope)).body;
    const form = { grant_type: 'refresh_token', refresh_token };
    expect(outcome(await postToken(world, form, { headers: basicOf(world.secretApp) }))).toEqual(invalidGrant);
    const unnamed = (await letInSecretApp()).refresh_token;
    // A public app need not say who it is, one with a secret must prove it.
    const withoutName = await postToken(world, { grant_type: 'refresh_token', refresh_token: unnamed });
    expect(outcome(withoutName)).toEqual([401, 'invalid_client']);
    const wider = await refresh(world, refresh_token, { scope: `${scope} user/Observation.rs` });
    expect(outcome(wider)).toEqual([400, 'invalid_scope']);
    expect((await refresh(world, refresh_token)).status).toBe(200);
  });

  async function letInSecretApp() {
    const { request, page } = await codeFor({ scope, client_id: world.secretApp.clientId });
    const form = {
      ...{ grant_type: 'authorization_code', code: page.leftTo?.searchParams.get('code') ?? '' },
      ...{ redirect_uri: callback, code_verifier: request.verifier },
    };
    return (await postToken(world, form, { headers: basicOf(world.secretApp) })).body;
  }

  test('after signing out, where it was for the time of the session', async () => {
    const browser = openBrowser(world.server.origin);
    const online = (await letIn(world, world.provider, 'openid user/Patient.rs online_access', browser)).body;
    await browser.get(`${world.issuer}/logout?id_token_hint=${online.id_token}`);
    expect(outcome(await refresh(world, online.refresh_token))).toEqual(invalidGrant);
    expect(await settledStatus(world, online.access_token)).toBe(401);
  });
});

describe('attack 50: an assertion that is not signed as registered', () => {
  const claims = () => ({
    ...{ iss: system, sub: system, aud: `${world.issuer}/token`, jti: crypto.randomUUID() },
    exp: Math.floor(Date.now() / 1_000) + 100,
  });
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

  test('alg none, HS256 with the public key, another algorithm, crit, embedded jwk, nested', async () => {
    const payload = encode(claims());
    const hs = `${encode({ alg: 'HS256', kid: 'key-1' })}.${payload}`;
    const mac = createHmac('sha256', JSON.stringify(keys.publicJwk)).update(hs).digest('base64url');
    const rsa = await makeKeyPair('RS384');
    const own = await makeKeyPair('ES384');
    const jwk = await exportJWK(own.privateKey).catch(() => own.publicJwk);
    const sign = (pair: KeyPair, header: object) =>
      new SignJWT(claims()).setProtectedHeader({ alg: pair.alg, kid: 'key-1', ...header }).sign(pair.privateKey);
    const forged = [
      `${encode({ alg: 'none', kid: 'key-1' })}.${payload}.`,
      `${hs}.${mac}`,
      await sign(rsa, {}),
      await sign(own, { jwk }),
      `${encode({ alg: 'ES384', kid: 'key-1', crit: ['x'], x: 1 })}.${payload}.${'A'.repeat(128)}`,
      `${encode({ alg: 'ES384', kid: 'key-1', cty: 'JWT' })}.${encode(await sign(keys, {}))}.${'A'.repeat(128)}`,
    ];
    for (const one of forged) expect(outcome(await postToken(world, assertionForm(one)))).toEqual(invalidClient);
  });
});

describe('attack 51: a key that the assertion names itself', () => {
  test.each([
    ['a path', { kid: '../../etc/passwd' }],
    ['SQL', { kid: "' OR 1=1--" }],
    ['an address of the attacker', { jku: 'https://evil.test/jwks' }],
    ['the metadata service', { jku: 'http://169.254.169.254/jwks' }],
    ['another header for it', { x5u: 'https://evil.test/cert', kid: 'other' }],
  ])('%s: invalid_client', async (_, header) => {
    expect(outcome(await assert({ header }))).toEqual(invalidClient);
  });

  test('of 100 kB', async () => {
    expect(outcome(await assert({ header: { kid: 'k'.repeat(100_000) } }))).toEqual(invalidClient);
  });
});

describe('attack 52: an assertion used twice', () => {
  test('one after the other, and 50 at once: one success', async () => {
    const form = assertionForm(await makeAssertion(keys, await makeSystem(), `${world.issuer}/token`));
    const answers = await Promise.all(Array.from({ length: 50 }, () => postToken(world, form)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    // Failing so often, it is also told to wait: security.md 70.
    expect([401, 429]).toContain((await postToken(world, form)).status);
  });
});

describe('attack 53: an assertion for another time, place or person', () => {
  const seconds = () => Math.floor(Date.now() / 1_000);
  test.each([
    ['exp in an hour', () => assert({ claims: { exp: seconds() + 3_600 } })],
    ['exp past', () => assert({ claims: { exp: seconds() - 60 } })],
    ['iat to come', () => assert({ claims: { iat: seconds() + 60 } })],
    ['for another tenant', () => assert({}, `${publicUrl}/t/clinic-b/token`)],
    ['for several', () => assert({ claims: { aud: [`${world.issuer}/token`, 'https://evil.test'] } })],
    ['iss is not sub', () => assert({ claims: { iss: 'somebody' } })],
  ])('%s: invalid_client', async (_, ask) => {
    expect(outcome(await ask())).toEqual(invalidClient);
  });
});

describe('attack 54: an app that believes to be at another server', () => {
  test.each([
    ['missing', () => ''],
    ['of another tenant', () => `${publicUrl}/t/clinic-b/fhir`],
    ['a beginning of it', () => world.fhirBase.slice(0, -1)],
    ['longer', () => `${world.fhirBase}/`],
    ['in other letters', () => world.fhirBase.toUpperCase()],
    ['by another scheme', () => world.fhirBase.replace('http:', 'https:')],
  ])('aud %s: no code', async (_, aud) => {
    const page = await browse(makeRequest(world, { aud: aud() }).url);
    expect(page.leftTo?.searchParams.get('error')).toBe('invalid_request');
    expect(page.leftTo?.searchParams.has('code')).toBe(false);
  });
});

describe('attack 55: a launch that is not one', () => {
  const scope = 'launch user/Patient.rs';
  const launchBy = async (token: string, clientId = world.publicApp) => {
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
    const body = { client_id: clientId, patient: world.anna };
    return (await send(`${world.server.origin}/t/clinic-a/launch`, 'POST', body, headers)).json.launch as string;
  };
  const errorOf = async (launch: string, person = world.provider) => {
    const page = await authorize(world, person, makeRequest(world, { scope, launch }));
    return page.leftTo?.searchParams.get('error');
  };

  test("guessed, of another app, expired, another person's, used: invalid_request", async () => {
    const { token } = world.server.a;
    expect(await errorOf('guessed')).toBe('invalid_request');
    expect(await errorOf(await launchBy(token, world.secretApp.clientId))).toBe('invalid_request');
    const own = (await letIn(world, world.provider, 'user/Patient.rs')).body.access_token;
    const colleague = await makePerson(world.server, world.server.a, ['provider']);
    expect(await errorOf(await launchBy(own), colleague)).toBe('invalid_request');
    const used = await launchBy(own);
    expect(await errorOf(used)).toBeNull();
    expect(await errorOf(used)).toBe('invalid_request');
    const old = await launchBy(token);
    await sql("UPDATE store.smart_launch SET brought_until = now() - interval '1 second'");
    expect(await errorOf(old)).toBe('invalid_request');
  });

  test('brought to two windows: the one that comes second is told so, also on a page', async () => {
    const person = await makePerson(world.server, world.server.a, ['provider']);
    const browser = openBrowser(world.server.origin);
    const launch = await launchBy(world.server.a.token);
    const login = await browser.get(makeRequest(world, { scope, launch }).url);
    const first = await browser.submit(login, { email: person.email, password });
    const second = await browser.get(makeRequest(world, { scope, launch }).url);
    expect([titleOf(first), titleOf(second)]).toEqual(['Allow access?', 'Allow access?']);
    expect((await browser.submit(first, { decision: 'allow' })).leftTo?.searchParams.has('code')).toBe(true);
    const late = await browser.submit(second, { decision: 'allow' });
    expect([late.status, titleOf(late)]).toEqual([400, 'This did not work']);
  });

  test('50 at once from one browser: one is let in', async () => {
    const browser = openBrowser(world.server.origin);
    await letIn(world, world.provider, scope, browser);
    const launch = await launchBy(world.server.a.token);
    const pages = await Promise.all(
      Array.from({ length: 50 }, () => browser.get(makeRequest(world, { scope, launch, prompt: 'none' }).url)),
    );
    expect(pages.filter(({ leftTo }) => leftTo?.searchParams.has('code'))).toHaveLength(1);
  });

  test('what patients and strangers may not make', async () => {
    const patient = (await letIn(world, world.patient, 'launch/patient patient/Patient.rs')).body.access_token;
    expect(await launchBy(patient)).toBeUndefined();
    expect(await launchBy('none')).toBeUndefined();
  });
});

describe('attack 56: a context of the own making', () => {
  test('members added to the token request change nothing', async () => {
    const { request, page } = await codeFor({ scope: 'openid fhirUser launch/patient patient/Patient.rs' });
    const added = { patient: world.bert, fhirUser: 'Practitioner/other', encounter: 'x', need_patient_banner: 'false' };
    const { body } = await redeem(world, page, request, added);
    expect(body).toMatchObject({ patient: world.anna, need_patient_banner: true });
    expect(body).not.toHaveProperty('encounter');
    expect(decodeJwt(body.id_token).fhirUser).not.toContain('other');
  });

  test('an app that has not asked whose record is open is not told', async () => {
    const own = (await letIn(world, world.patient, 'openid user/Patient.rs')).body;
    expect([own.scope, own.patient]).toEqual(['openid user/Patient.rs', undefined]);
    const described = await postToken(world, { token: own.access_token }, { path: 'introspect', headers: {} });
    expect(described.body).not.toHaveProperty('patient');
  });

  test('a patient that the person may not read is not chosen: 403', async () => {
    const browser = openBrowser(world.server.origin);
    const stranger = await makePerson(world.server, world.server.a, ['inventory-manager']);
    const request = makeRequest(world, { scope: 'launch/patient user/Organization.rs' });
    const page = await authorize(world, stranger, request, { browser });
    expect([page.status, page.leftTo]).toEqual([403, undefined]);
  });
});
