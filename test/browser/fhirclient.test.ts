// The public npm client fhirclient, in Chromium, completes a standalone and an EHR launch: https://docs.smarthealthit.org/client-js/

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { type AppWorld, makeApp, password, startAppWorld } from '../smart/app-world.ts';
import { describeWith } from '../support/machine.ts';
import { publicUrl, send } from '../support/server.ts';
import { launchChromium, openPage, startWebServer, type WebServer } from './chromium.ts';

const library = new URL('../../node_modules/fhirclient/build/fhir-client.min.js', import.meta.url);

describeWith('chromium', 'fhirclient', (program) => {
  let world: AppWorld;
  let app: WebServer;
  let clientId: string;
  let browser: Browser;

  beforeAll(async () => {
    world = await startAppWorld();
    app = await startWebServer(({ url }, response) => {
      const isLibrary = url.pathname === '/fhir-client.js';
      response.setHeader('Content-Type', isLibrary ? 'text/javascript' : 'text/html');
      response.end(isLibrary ? readFileSync(library) : pageAt(url));
    });
    clientId = await makeApp(world.server, world.server.a, {
      ...{ name: 'Client in a page', redirectUris: [`${app.origin}/app`], origins: [app.origin] },
      launchUrl: `${app.origin}/launch`,
    });
    // So that the browser, too, finds the server under the name that stands in its links.
    const rules = `--host-resolver-rules=MAP ${new URL(publicUrl).host} ${new URL(world.server.origin).host}`;
    browser = await launchChromium(program, [rules]);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await app?.close();
    await world?.server.close();
  });

  /** What an app developer writes. */
  function pageAt({ pathname, searchParams }: URL): string {
    const scope = searchParams.has('launch')
      ? 'launch openid fhirUser patient/*.rs'
      : 'launch/patient openid fhirUser offline_access patient/*.rs';
    const options = { clientId, scope, redirectUri: `${app.origin}/app`, iss: world.fhirBase };
    const script =
      pathname === '/launch'
        ? `FHIR.oauth2.authorize(${JSON.stringify(options)});`
        : `FHIR.oauth2.ready()
             .then((client) => client.patient.read().then((patient) =>
               client.state.tokenResponse.refresh_token === undefined
                 ? [client, patient] : client.refresh().then(() => client.patient.read()).then(() => [client, patient])))
             .then(([client, patient]) => { document.body.id = 'ready';
               document.body.textContent = patient.name[0].family + ' ' + client.user.fhirUser; })
             .catch((error) => { document.body.id = 'ready'; document.body.textContent = String(error); });`;
    return `<!DOCTYPE html><html><body><script src="/fhir-client.js"></script><script>${script}</script></body></html>`;
  }

  async function signIn(page: Page): Promise<void> {
    await page.getByLabel('E-mail address').fill(world.provider.email);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  const textOf = (page: Page) => page.locator('body#ready').textContent();

  test('standalone: sign in, choose the patient, allow, read, refresh', async () => {
    const { page } = await openPage(browser);
    await page.goto(`${app.origin}/launch`);
    await signIn(page);
    await page.getByRole('searchbox').fill('Abel');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('button', { name: /Anna Abel/ }).click();
    await page.getByRole('button', { name: 'Allow', exact: true }).click();
    expect(await textOf(page)).toMatch(/^Abel Practitioner\//);
  }, 60_000);

  test('from the EHR: its patient is open', async () => {
    const headers = { Authorization: `Bearer ${world.server.a.token}`, 'Content-Type': 'application/json' };
    const body = { client_id: clientId, patient: world.bert };
    const { json } = await send(`${world.server.origin}/t/clinic-a/launch`, 'POST', body, headers);
    const { page } = await openPage(browser);
    await page.goto(json.launch_url);
    await signIn(page);
    await page.getByRole('button', { name: 'Allow', exact: true }).click();
    expect(await textOf(page)).toMatch(/^Bauer Practitioner\//);
  }, 60_000);
});
