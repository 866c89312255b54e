// Whoever is refused at a page for people is on record, with what was not proven and of whom (security.md 122; 45 CFR 164.312(b)).

import { mock } from 'node:test';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuditEvent } from '@medplum/fhirtypes';
import { writeSetting } from '../../src/tenants/settings.ts';
import { allEvents } from '../audit/trail/events.ts';
import { until } from '../jobs/job-bed.ts';
import { withClient } from '../support/database.ts';
import { publicUrl } from '../support/server.ts';
import { type AppWorld, makePerson, makeRequest, type Person, password, startAppWorld } from './app-world.ts';
import { type Browser, openBrowser, type Page, titleOf } from './browser.ts';
import { expectRecorded, whatIs } from './recorded.ts';
import { addProvider } from './upstream/add-provider.ts';
import type { SecondProvider } from './upstream/second-provider.ts';

let world: AppWorld;
let hospital: SecondProvider;
let hospitalId: string;
beforeAll(async () => {
  // The second provider warns of its store in memory and of its own pages, which are what this test wants.
  mock.method(console, 'warn', () => undefined);
  world = await startAppWorld();
  [hospital, hospitalId] = await addProvider(world, 'Hospital');
}, 60_000);
afterAll(async () => {
  hospital.close();
  await world.server.close();
});

/** Of the requests that were answered with these pages: valid by their profiles. */
async function eventsOf(pages: readonly Page[]): Promise<(readonly AuditEvent[])[]> {
  const all = await allEvents(world.server.a);
  const found = pages.map(({ headers }) => all.get(headers.get('x-request-id') ?? '') ?? []);
  for (const event of found.flat()) {
    expectRecorded(event);
    expect(JSON.stringify(event)).not.toMatch(/wrong|secret-in|nobody@/);
  }
  return found;
}

const login = ['login', '110114', '110122', '4'] as const;
const refusal = ['refusal', 'rest', 'operation', '4'] as const;

/** What each event of the page is, whom it names, and the app. */
const toldOf = async (page: Page) => (await toldOfAll([page]))[0];

async function toldOfAll(pages: readonly Page[]) {
  return (await eventsOf(pages)).map((events) =>
    events.map((event) => [
      ...whatIs(event),
      ...event.agent
        .filter(({ who }) => who?.display !== 'HPMS')
        .map(({ altId, who }) => (altId === undefined ? (who?.reference ?? who?.display) : `account ${altId}`)),
    ]),
  );
}

const app = () => world.publicApp;
const begin = (browser: Browser, params: Record<string, string> = {}) =>
  browser.get(makeRequest(world, { scope: 'openid user/Patient.rs', ...params }).url);

async function newPerson(): Promise<Person & { readonly who: string }> {
  const person = await makePerson(world.server, world.server.a, ['provider']);
  return { ...person, who: `account ${person.id}` };
}

const setPolicy = (policy: string) =>
  world.server.app.doors.tenantDoor(world.server.a.id, async (trx) =>
    writeSetting(trx, 'second-factor.required', policy),
  );

describe('at a sign-in', () => {
  test('a wrong password, of somebody known and of nobody', async () => {
    const [browser, person] = [openBrowser(world.server.origin), await newPerson()];
    const page = await begin(browser);
    const wrong = await browser.submit(page, { email: person.email, password: 'wrong wrong wrong' });
    expect(await toldOf(wrong)).toEqual([[...login, 'Password refused', person.who, app()]]);
    const nobody = await browser.submit(page, { email: 'nobody@clinic.test', password });
    expect(await toldOf(nobody)).toEqual([[...login, 'Password refused', 'Unknown']]);
  });

  test('a wrong first code of a second step that is set up', async () => {
    const [browser, person] = [openBrowser(world.server.origin), await newPerson()];
    await setPolicy('all');
    try {
      let page = await begin(browser);
      await until(async () => {
        page = await browser.submit(await browser.get(page.url), { email: person.email, password });
        return titleOf(page) === 'Set up the second step';
      });
      const wrong = await browser.submit(page, { code: 'wrong' });
      expect(await toldOf(wrong)).toEqual([[...login, 'Code refused', person.who, app()]]);
    } finally {
      await setPolicy('none');
    }
  });

  test('a form that is not from its page, a page of another browser, and one that is not there', async () => {
    const page = await begin(openBrowser(world.server.origin));
    const other = openBrowser(world.server.origin);
    expect(await toldOf(await other.get(page.url))).toEqual([[...login, 'invalid', 'Unknown']]);
    const own = await begin(other);
    const forged = await other.post(own.url, { email: 'nobody@clinic.test', password, csrf: 'wrong' });
    expect(await toldOf(forged)).toEqual([[...login, 'forbidden', 'Unknown']]);
    expect(await toldOf(await other.get(`${own.url}/nothing`))).toEqual([[...login, 'not-found', 'Unknown']]);
  });

  test('one that comes to its end leaves no refusal, nor do the pages on the way and what anybody may read', async () => {
    const [browser, person] = [openBrowser(world.server.origin), await newPerson()];
    const page = await begin(browser);
    const consent = await browser.submit(page, { email: person.email, password });
    const done = await browser.submit(consent, { decision: 'allow' });
    expect(done.leftTo?.searchParams.has('code')).toBe(true);
    const account = await browser.get(`${world.issuer}/account`);
    const missing = await browser.get(`${world.issuer}/assets/nothing.css`);
    expect([account.status, missing.status]).toEqual([200, 404]);
    expect(await toldOfAll([page, consent, done, account, missing])).toEqual([[], [], [], [], []]);
  });
});

describe('at the authorization endpoint', () => {
  test('an app that there is not, and one that wants to be answered elsewhere', async () => {
    const browser = openBrowser(world.server.origin);
    const unknown = await begin(browser, { client_id: 'wrong' });
    expect([unknown.status, await toldOf(unknown)]).toEqual([400, [[...login, 'invalid_client', 'Unknown']]]);
    const elsewhere = await begin(browser, { redirect_uri: 'https://wrong.example.org' });
    expect([elsewhere.status, await toldOf(elsewhere)]).toEqual([
      ...[400, [[...login, 'invalid_redirect_uri', `Device/${app()}`]]],
    ]);
  });

  test('an app that is told by where the browser is sent, and the person who does not let it in', async () => {
    const browser = openBrowser(world.server.origin);
    const silent = await begin(browser, { prompt: 'none' });
    expect([silent.leftTo?.searchParams.get('error'), await toldOf(silent)]).toEqual([
      ...['login_required', [[...login, 'login_required', `Device/${app()}`]]],
    ]);
    const person = await newPerson();
    const consent = await browser.submit(await begin(browser), { email: person.email, password });
    const denied = await browser.submit(consent, { decision: 'deny' });
    expect([denied.leftTo?.searchParams.get('error'), await toldOf(denied)]).toEqual([
      ...['access_denied', [[...login, 'access_denied', person.who, app()]]],
    ]);
  });
});

describe('through an identity provider', () => {
  const away = async (browser: Browser) => {
    const page = await begin(browser);
    return (await browser.get(`${page.url}/upstream/${hospitalId}`)).leftTo?.href ?? '';
  };

  test('an answer that nobody has asked for, or that another browser has', async () => {
    const browser = openBrowser(world.server.origin);
    const back = await hospital.signIn(await away(browser), 'eva');
    const told = [[...login, 'Sign-in at an identity provider refused', 'Unknown']];
    for (const url of [back.href, `${world.issuer}/upstream/${hospitalId}/callback?code=secret-in&state=secret-in`]) {
      const page = await openBrowser(world.server.origin).get(url);
      expect([page.status, await toldOf(page)]).toEqual([400, told]);
    }
  });

  test('somebody whom nobody here knows, and somebody whose account is closed', async () => {
    const browser = openBrowser(world.server.origin);
    const stranger = await browser.get((await hospital.signIn(await away(browser), 'stranger')).href);
    expect(stranger.text).toContain('Nobody here is known by your sign-in');
    const refused = [...login, 'Sign-in at an identity provider refused'];
    expect(await toldOf(stranger)).toEqual([[...refused, 'Unknown']]);
    const person = await newPerson();
    const asked = await browser.submit(stranger, { email: person.email, password });
    await browser.submit(asked, { link: 'yes' });
    await withClient(world.server.database.url, (client) =>
      client.query('UPDATE store.account SET active = false WHERE id = $1', [person.id]),
    );
    const again = openBrowser(world.server.origin);
    const closed = await again.get((await hospital.signIn(await away(again), 'stranger')).href);
    expect(await toldOf(closed)).toEqual([[...refused, person.who, app()]]);
  });

  test('a sign-in there that is vouched for a second time', async () => {
    const browser = openBrowser(world.server.origin);
    const page = await begin(browser);
    const vouched = await browser.get(`${page.url}/vouched?vouch=secret-in`);
    expect([vouched.status, await toldOf(vouched)]).toEqual([400, [[...login, 'invalid', 'Unknown']]]);
  });
});

describe('at the pages of an account', () => {
  const account = () => `${world.issuer}/account`;
  const signIn = async (person: Person) => {
    const browser = openBrowser(world.server.origin);
    const page = await browser.submit(await browser.get(account()), { email: person.email, password });
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const post = (path: string, form: object) =>
      browser.post(`${account()}/${path}`, { csrf, ...form }, { origin: publicUrl });
    return { browser, post };
  };

  test('a wrong present password, wherever one is asked for', async () => {
    const person = await newPerson();
    const { post } = await signIn(person);
    const pages = [
      await post('password', { oldPassword: 'wrong', password: 'eight kittens on a sofa' }),
      await post('second-factor', { password: 'wrong' }),
      await post('identities/unlink', { password: 'wrong', identity: '1' }),
    ];
    expect(pages.map(({ status }) => status)).toEqual([422, 422, 422]);
    const told = [[...login, 'Password refused', person.who, 'account']];
    expect(await toldOfAll(pages)).toEqual([told, told, told]);
  });

  test('a wrong code, of a second step that is set up and of one that is there', async () => {
    const person = await newPerson();
    const { post } = await signIn(person);
    await post('second-factor', { password });
    const told = [[...login, 'Code refused', person.who, 'account']];
    const pages = [
      await post('second-factor/confirm', { code: 'wrong' }),
      await post('second-factor/codes', { code: 'wrong' }),
    ];
    expect(pages.map(({ status }) => status)).toEqual([422, 422]);
    expect(await toldOfAll(pages)).toEqual([told, told]);
  });

  test.each(['new-password', 'invitation'])('a link of a mail that is dead: %s', async (path) => {
    const pages = [
      await openBrowser(world.server.origin).get(`${account()}/${path}?token=secret-in`),
      await openBrowser(world.server.origin).post(`${account()}/${path}`, { token: 'secret-in', password }),
    ];
    expect(pages.map(({ status }) => status)).toEqual([410, 410]);
    const told = [[...login, 'Link of a mail refused', 'Unknown']];
    expect(await toldOfAll(pages)).toEqual([told, told]);
  });

  test('what is not done is told by its address', async () => {
    const person = await newPerson();
    const { browser, post } = await signIn(person);
    const told = async (page: Page) =>
      (await eventsOf([page]))
        .flat()
        .map(({ entity: [called] = [] }) => Buffer.from(called?.query ?? '', 'base64').toString());
    const forged = await post('sessions/end', { csrf: 'wrong' });
    expect(await toldOf(forged)).toEqual([[...refusal, 'forbidden', person.who, 'account']]);
    expect(await told(forged)).toEqual(['POST /t/clinic-a/account/sessions/end']);
    const elsewhere = await browser.post(`${account()}/sign-out`, {}, { origin: 'https://wrong.example.org' });
    expect(await toldOf(elsewhere)).toEqual([[...refusal, 'forbidden', 'Unknown']]);
    const logout = await browser.get(`${world.issuer}/logout?id_token_hint=secret-in`);
    expect(await toldOf(logout)).toEqual([[...refusal, 'invalid', 'Unknown']]);
    expect(await told(logout)).toEqual(['GET /t/clinic-a/logout']);
  });
});

test('a token in a query, of whoever does not know better, is not kept', async () => {
  const browser = openBrowser(world.server.origin);
  const page = await browser.get(`${world.issuer}/userinfo?access_token=secret-in`);
  expect([page.status, (await eventsOf([page])).flat().length]).toEqual([401, 1]);
});

test('of passwords that are wrong at the same moment each is told, one too many too; those not looked at by their number', async () => {
  const [browser, person] = [openBrowser(world.server.origin), await newPerson()];
  const page = await begin(browser);
  const guess = () => browser.submit(page, { email: person.email, password: 'wrong' });
  const looked = await Promise.all(Array.from({ length: 24 }, guess));
  expect(looked.map(({ status }) => status).sort()).toEqual([...Array(20).fill(422), ...Array(4).fill(429)]);
  const told = [[...login, 'Password refused', person.who, app()]];
  expect(await toldOfAll(looked)).toEqual(looked.map(() => told));
  const unheard = [await guess(), await guess(), await guess()];
  expect(unheard.map(({ status }) => status)).toEqual([429, 429, 429]);
  expect(await toldOfAll(unheard)).toEqual([[], [], []]);
  const counted = async () => {
    const { json } = await world.server.a.request('GET', '/AuditEvent?subtype:text=turned&outcome=8&action=E');
    const events: AuditEvent[] = (json.entry ?? []).map(({ resource }: { resource: AuditEvent }) => resource);
    return events.reduce((sum, { entity: [one] = [] }) => sum + Number(one?.detail?.[0]?.valueString), 0);
  };
  await until(async () => (await counted()) >= unheard.length);
  expect(await counted()).toBe(unheard.length);
}, 60_000);

test('another clinic knows nothing of all this', async () => {
  const events = [...(await allEvents(world.server.b)).values()].flat();
  expect(events.filter(({ type, outcome }) => type.code === '110114' && outcome !== '0')).toEqual([]);
});
