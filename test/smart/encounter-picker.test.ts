// Which visit an app is opened with that was opened by itself: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { send } from '../support/server.ts';
import { type AppWorld, authorize, letIn, makeRequest, password, redeem, startAppWorld } from './app-world.ts';
import { type Browser, openBrowser, type Page, titleOf } from './browser.ts';

const scope = 'launch/patient launch/encounter patient/Encounter.rs';
let world: AppWorld;
let finished: string;
let underWay: string;
let ofBert: string;
beforeAll(async () => {
  world = await startAppWorld();
  const make = async (patient: string, more: object) => {
    const body = { resourceType: 'Encounter', class: { code: 'AMB' }, subject: { reference: `Patient/${patient}` } };
    return (await world.server.a.request('POST', '/Encounter', { ...body, ...more })).json.id as string;
  };
  finished = await make(world.anna, {
    ...{ status: 'finished', type: [{ text: 'Annual check' }], period: { start: '2025-03-04T10:00:00Z' } },
  });
  underWay = await make(world.anna, { status: 'in-progress', period: { start: '2026-11-20T09:00:00Z' } });
  await make(world.anna, { status: 'entered-in-error', type: [{ text: 'A mistake' }] });
  ofBert = await make(world.bert, { status: 'in-progress', type: [{ text: 'Visit of Bert' }] });
}, 60_000);
afterAll(() => world.server.close());

/** To the page that asks which visit. */
async function reach(browser: Browser, patient = world.anna, request = makeRequest(world, { scope })): Promise<Page> {
  const login = await browser.get(request.url);
  const picker = await browser.submit(login, { email: world.frontDesk.email, password });
  return await browser.submit(picker, { do: 'choose', patient });
}

test('the person chooses one of the chosen patient’s visits, and the app gets it with the patient', async () => {
  for (const encounter of [finished, underWay]) {
    const request = makeRequest(world, { scope });
    const page = await authorize(world, world.frontDesk, request, { encounter });
    expect((await redeem(world, page, request)).body).toMatchObject({ patient: world.anna, encounter, scope });
  }
});

test('the page shows the newest first, what they are and when, of this patient only, and no mistakes', async () => {
  const page = await reach(openBrowser(world.server.origin));
  expect(titleOf(page)).toBe('Choose a visit');
  expect(page.text).toMatch(/Visit<\/bdi> <span class="hint">2026-11-20<\/span> <span class="hint">under way/);
  expect(page.text).toMatch(/Annual check<\/bdi> <span class="hint">2025-03-04<\/span> <span class="hint">finished/);
  expect(page.text.indexOf('2026-11-20')).toBeLessThan(page.text.indexOf('2025-03-04'));
  expect(page.text).not.toMatch(/Visit of Bert|A mistake/);
  expect(page.text).toContain('Anna Abel');
});

test('without a visit: the app gets none, and not the scope', async () => {
  const { body } = await letIn(world, world.frontDesk, scope);
  expect(body).not.toHaveProperty('encounter');
  expect(body).toMatchObject({ patient: world.anna, scope: 'launch/patient patient/Encounter.rs' });
});

test('where there is no visit nobody is asked', async () => {
  const { a } = world.server;
  const nobody = (await a.request('POST', '/Patient', { resourceType: 'Patient', name: [{ family: 'Neu' }] })).json.id;
  // What the app may do was said before.
  const page = await reach(openBrowser(world.server.origin), nobody);
  expect(page.leftTo?.searchParams.has('code')).toBe(true);
});

test('who may read visits, but not search for them, as the role patient has it, is not asked either', async () => {
  const request = makeRequest(world, { scope });
  const page = await authorize(world, world.patient, request, { encounter: finished });
  const { body } = await redeem(world, page, request);
  expect(body).toMatchObject({ patient: world.anna });
  expect(body).not.toHaveProperty('encounter');
});

test('launch/encounter alone asks whose visit it is, and then which', async () => {
  const request = makeRequest(world, { scope: 'launch/encounter user/Encounter.rs' });
  const page = await authorize(world, world.frontDesk, request, { patient: world.bert, encounter: ofBert });
  expect((await redeem(world, page, request)).body).toMatchObject({ encounter: ofBert });
});

describe('refused', () => {
  test('another patient’s visit, or none there is: security.md 56', async () => {
    const page = await reach(openBrowser(world.server.origin));
    for (const encounter of [ofBert, 'nobody', '', '../Patient/x']) {
      const browser = openBrowser(world.server.origin);
      const own = await reach(browser);
      expect((await browser.submit(own, { do: 'choose', encounter })).status).toBe(403);
    }
    expect(titleOf(page)).toBe('Choose a visit');
  });

  test('a form that does not come from the page, or is sent without the browser’s cookie', async () => {
    const browser = openBrowser(world.server.origin);
    const page = await reach(browser);
    expect((await browser.post(page.url, { do: 'choose', encounter: finished })).status).toBe(403);
    expect((await openBrowser(world.server.origin).submit(page, { do: 'choose', encounter: finished })).status).toBe(
      400,
    );
  });

  test('giving up: the app is told', async () => {
    const browser = openBrowser(world.server.origin);
    const cancelled = await browser.submit(await reach(browser), { do: 'cancel' });
    expect(cancelled.leftTo?.searchParams.get('error')).toBe('access_denied');
  });
});

test('an EHR that names only the patient is not asked: it is the visit the patient is in now', async () => {
  const headers = { Authorization: `Bearer ${world.server.a.token}`, 'Content-Type': 'application/json' };
  const body = { client_id: world.publicApp, patient: world.anna };
  const { json } = await send(`${world.server.origin}/t/clinic-a/launch`, 'POST', body, headers);
  const request = makeRequest(world, { scope: 'launch launch/encounter patient/Encounter.rs', launch: json.launch });
  const page = await authorize(world, world.frontDesk, request);
  expect((await redeem(world, page, request)).body).toMatchObject({ patient: world.anna, encounter: underWay });
});
