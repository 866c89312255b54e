// Connect an app (README): `npm start`, `npm run sample-app`, and fhirclient in Chromium gets to a patient, alone and from an EHR.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { type Connection, FhirClient } from '../../src/commands/demo/fhir-client.ts';
import { freePort } from '../support/free-port.ts';
import { describeWith } from '../support/machine.ts';
import { toldToAll, top } from '../support/run-command.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { launchChromium, openPage } from './chromium.ts';

/** A process and the first of its lines that matches. */
async function start(file: string, args: readonly string[], env: Record<string, string>, line: RegExp) {
  const child = spawn(process.execPath, [path.join(top, file), ...args], {
    env: { ...toldToAll(), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  for await (const text of createInterface(child.stdout)) {
    lines.push(text);
    const found = line.exec(text);
    if (!found) continue;
    child.stdout.resume();
    return { child, found, lines };
  }
  throw new Error(`${file} ended: ${lines.join('\n')}`);
}

async function stop(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

describeWith('chromium', 'the sample app beside npm start', (program) => {
  const dataDir = makeTemporaryFolder();
  const children: ChildProcess[] = [];
  let browser: Browser;
  let appUrl: string;
  let clientId: string;
  let password: string;

  beforeAll(async () => {
    const env = { HPMS_DATA_DIR: dataDir, PORT: String(await freePort()) };
    const server = await start('src/main.ts', [], env, /all with the password (\S+):$/);
    children.push(server.child);
    password = server.found[1] as string;
    const port = String(await freePort());
    const app = await start('src/commands/sample-app.ts', ['--port', port], env, /is at (\S+) \(client (\S+)\)/);
    children.push(app.child);
    [, appUrl = '', clientId = ''] = app.found;
    browser = await launchChromium(program);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    // The server last: its PostgreSQL ends with it.
    for (const child of children.reverse()) await stop(child);
    rmSync(dataDir, { recursive: true, force: true });
  }, 60_000);

  async function signIn(page: Page): Promise<void> {
    await page.getByLabel('E-mail address').fill('provider@example.org');
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  const answerOf = (page: Page) => page.locator('#answer').filter({ hasText: 'born' }).textContent();

  test('standalone: sign in, choose a patient, allow, read', async () => {
    const { page } = await openPage(browser);
    await page.goto(appUrl);
    await signIn(page);
    await page.getByRole('searchbox').fill('Sam');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('button', { name: /Paul Sample/ }).click();
    await page.getByRole('button', { name: 'Allow', exact: true }).click();
    expect(await answerOf(page)).toMatch(/^Paul Sample, born 1984-04-12: 0 appointments, seen by Practitioner\//);
  }, 60_000);

  test('from an EHR, which tells what patient is open', async () => {
    const { default: connection } = (await import(path.join(dataDir, 'demo.json'), { with: { type: 'json' } })) as {
      default: Connection;
    };
    const ehr = new FhirClient(connection);
    const [patient] = await ehr.search('Patient', [['_count', '1']]);
    const response = await fetch(new URL(`/t/${connection.tenant}/launch`, connection.fhirBaseUrl), {
      method: 'POST',
      headers: { Authorization: await ehr.authorization(), 'Content-Type': 'application/json' },
      body: JSON.stringify({ client_id: clientId, patient: patient?.id }),
    });
    await ehr.close();
    const { launch_url: launchUrl } = (await response.json()) as { launch_url: string };
    const { page } = await openPage(browser);
    await page.goto(launchUrl);
    await signIn(page);
    await page.getByRole('button', { name: 'Allow', exact: true }).click();
    expect(await answerOf(page)).toMatch(/^Paul Sample, born 1984-04-12/);
  }, 60_000);
});
