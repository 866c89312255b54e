// A clinic with staff, patients and apps, and how an app is let in: what the tests of SMART App Launch begin with.

import { createHash, randomBytes } from 'node:crypto';
import { createAccount } from '../../src/people/accounts.ts';
import { type ClientProof, type ClientRegistration, insertClient, makeSecret } from '../../src/people/clients.ts';
import { hashPassword } from '../../src/people/password.ts';
import { publicUrl, startTestServer, type TestServer, type TestTenant } from '../support/server.ts';
import { type Browser, openBrowser, type Page } from './browser.ts';

export const password = 'correct horse battery staple';
export const callback = 'https://app.example.org/callback';
export const appScope =
  'openid profile fhirUser launch launch/patient launch/encounter online_access offline_access patient/*.cruds user/*.cruds';

export interface AppWorld {
  readonly server: TestServer;
  readonly issuer: string;
  readonly fhirBase: string;
  /** Of staff and of a patient. */
  readonly provider: Person;
  readonly frontDesk: Person;
  readonly patient: Person;
  /** Ids of Patients. */
  readonly anna: string;
  readonly bert: string;
  readonly publicApp: string;
  readonly secretApp: { readonly clientId: string; readonly clientSecret: string };
}

export interface Person {
  readonly id: string;
  readonly email: string;
}

export async function startAppWorld(): Promise<AppWorld> {
  const server = await startTestServer();
  const { a } = server;
  const make = async (body: object) =>
    (await a.request('POST', `/${(body as { resourceType: string }).resourceType}`, body)).json.id;
  const anna = await make({
    resourceType: 'Patient',
    name: [{ family: 'Abel', given: ['Anna'] }],
    birthDate: '1980-02-03',
  });
  const bert = await make({ resourceType: 'Patient', name: [{ family: 'Bauer', given: ['Bert'] }] });
  const practitioner = await make({ resourceType: 'Practitioner', name: [{ family: 'Weiss' }] });
  const { clientSecret, secretHash } = makeSecret();
  const world = {
    ...{ server, anna, bert },
    ...{ issuer: `${publicUrl}/t/${a.name}`, fhirBase: a.baseUrl },
    provider: await makePerson(server, a, ['provider'], `Practitioner/${practitioner}`),
    frontDesk: await makePerson(server, a, ['front-desk']),
    patient: await makePerson(server, a, ['patient'], `Patient/${anna}`),
    publicApp: await makeApp(server, a, { name: 'Growth Chart' }),
    secretApp: {
      clientId: await makeApp(server, a, { name: 'Secret App' }, { method: 'client_secret_basic', secretHash }),
      clientSecret,
    },
  };
  return world;
}

export async function makePerson(
  { app }: TestServer,
  tenant: TestTenant,
  roles: readonly string[],
  practitioner?: string,
): Promise<Person> {
  const email = `${roles.join('-') || 'nobody'}-${randomBytes(4).toString('hex')}@clinic.test`;
  const cipher = await app.doors.keyRing.cipherOf(tenant.id);
  const passwordHash = await hashPassword(password);
  const { id } = await app.doors.tenantDoor(tenant.id, (trx) =>
    createAccount(trx, cipher, {
      ...{ email, name: 'Eva Weiss', roles, passwordHash },
      ...(practitioner === undefined ? {} : { practitioner }),
    }),
  );
  return { id, email };
}

export async function makeApp(
  { app }: TestServer,
  tenant: TestTenant,
  registration: Partial<ClientRegistration> = {},
  proof: ClientProof = { method: 'none' },
): Promise<string> {
  const cipher = await app.doors.keyRing.cipherOf(tenant.id);
  const usual = {
    ...{ name: 'App', scope: appScope, roles: [], redirectUris: [callback] },
    grantTypes: ['authorization_code', 'refresh_token'],
  };
  return await app.doors.tenantDoor(tenant.id, async (trx) =>
    insertClient(trx, cipher, { ...usual, ...registration }, proof),
  );
}

export interface Request {
  readonly url: string;
  readonly verifier: string;
  readonly params: Record<string, string>;
}

/** An authorization request of the public app, as it should be; `params` with an empty value are left out. */
export function makeRequest(world: AppWorld, params: Record<string, string> = {}): Request {
  const verifier = randomBytes(32).toString('base64url');
  const all: Record<string, string> = {
    ...{ response_type: 'code', client_id: world.publicApp, redirect_uri: callback, state: 'state-1' },
    ...{ scope: 'openid fhirUser launch/patient patient/*.rs', aud: world.fhirBase },
    ...{ code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' },
    ...params,
  };
  const kept = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
  return { url: `${world.issuer}/authorize?${new URLSearchParams(kept)}`, verifier, params: kept };
}

/** From the request to the redirect to the app, or to whatever stands in the way. */
export async function authorize(
  world: AppWorld,
  person: Person,
  { url }: Request,
  {
    browser = openBrowser(world.server.origin),
    patient = world.anna,
    encounter,
  }: { browser?: Browser; patient?: string; encounter?: string } = {},
): Promise<Page> {
  let page = await browser.get(url);
  for (let step = 0; step < 5 && !page.leftTo; step += 1) {
    const before = page;
    if (page.text.includes('name="password"')) page = await browser.submit(page, { email: person.email, password });
    else if (page.text.includes('name="query"')) page = await browser.submit(page, { do: 'choose', patient });
    else if (page.text.includes('name="encounter"')) {
      const chosen = encounter === undefined ? { do: 'none' } : { do: 'choose', encounter };
      page = await browser.submit(page, chosen);
    } else if (page.text.includes('value="allow"')) page = await browser.submit(page, { decision: 'allow' });
    if (page === before || page.status >= 400) return page;
  }
  return page;
}

export interface TokenAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: the tests look into whatever was answered.
  readonly body: any;
}

export async function postToken(
  world: AppWorld,
  form: Record<string, string>,
  { path = 'token', headers = {} }: { path?: string; headers?: Record<string, string> } = {},
): Promise<TokenAnswer> {
  const url = `${world.issuer}/${path}`.replace(publicUrl, world.server.origin);
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(form), headers });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

export function redeem(world: AppWorld, page: Page, { verifier }: Request, changes: Record<string, string> = {}) {
  return postToken(world, {
    ...{ grant_type: 'authorization_code', code: page.leftTo?.searchParams.get('code') ?? '' },
    ...{ redirect_uri: callback, client_id: world.publicApp, code_verifier: verifier },
    ...changes,
  });
}

/** The tokens of the public app with these scopes. */
export async function letIn(world: AppWorld, person: Person, scope: string, browser?: Browser): Promise<TokenAnswer> {
  const request = makeRequest(world, { scope });
  const page = await authorize(world, person, request, browser ? { browser } : {});
  if (!page.leftTo?.searchParams.has('code')) throw new Error(`${page.leftTo ?? page.text}`);
  return await redeem(world, page, request);
}

export function refresh(world: AppWorld, token: string, changes: Record<string, string> = {}): Promise<TokenAnswer> {
  return postToken(world, {
    ...{ grant_type: 'refresh_token', refresh_token: token, client_id: world.publicApp },
    ...changes,
  });
}

export const basicOf = ({ clientId, clientSecret }: AppWorld['secretApp']) => ({
  authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
});

/** What a token's request is answered with a second later at most, for so long a good token may be remembered: 401 when it has ended. */
export async function settledStatus(world: AppWorld, token: string, path = `/Patient/${world.anna}`): Promise<number> {
  const end = Date.now() + 1_500;
  let status = await statusWith(world, token, path);
  while (status === 200 && Date.now() < end) status = await statusWith(world, token, path);
  return status;
}

/** The status of a FHIR request with this token. */
export async function statusWith(world: AppWorld, token: string, path: string): Promise<number> {
  return (await world.server.a.request('GET', path, undefined, { Authorization: `Bearer ${token}` })).status;
}
