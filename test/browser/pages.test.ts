// The pages in a real browser: on a telephone and on a desk, by keyboard, without a script, and with nothing that their policy forbids.

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { findAsset } from '../../src/smart/pages/assets.ts';
import { type PageHeaderOptions, pageHeaders } from '../../src/smart/pages/page-headers.ts';
import { type PageView, renderPage } from '../../src/smart/pages/pages.ts';
import { pageContext, sampleViews } from '../smart/pages/sample-views.ts';
import { describeWith } from '../support/machine.ts';
import { launchChromium, openPage, startWebServer, type WebServer } from './chromium.ts';
import { faintTexts, overflowOf, smallTargets, tabStops } from './in-page.ts';

const names = Object.keys(sampleViews);
const telephone = { width: 320, height: 640 };
const desk = { width: 1_280, height: 900 };

describeWith('chromium', 'the pages in Chromium', (program) => {
  let browser: Browser;
  let server: WebServer;
  /** What the last sent form said. */
  let sent = new URLSearchParams();
  let views: Record<string, PageView> = {};
  let headerOptions: PageHeaderOptions = {};
  let redirectTo: string | undefined;
  /** Where an app is come back to, and where it goes on from there. */
  let app: WebServer;
  let home: WebServer;

  beforeAll(async () => {
    browser = await launchChromium(program);
    server = await startWebServer(({ method, url, form }, response) => {
      const name = url.pathname.split('/').at(-1) ?? '';
      const asset = findAsset(name);
      if (asset) return response.writeHead(200, asset.headers).end(asset.body);
      if (method !== 'POST') {
        const view = views[name] ?? sampleViews[name]!;
        return response.writeHead(200, pageHeaders(headerOptions)).end(renderPage(view, pageContext));
      }
      sent = form;
      if (redirectTo !== undefined) return response.writeHead(303, { Location: redirectTo }).end();
      return response.writeHead(200, pageHeaders()).end(renderPage(sampleViews['picker-empty']!, pageContext));
    });
    home = await startWebServer((_request, response) => response.end('<h1>The app</h1>'));
    app = await startWebServer((_request, response) => response.writeHead(302, { Location: home.origin }).end());
  });
  afterEach(async () => {
    views = {};
    headerOptions = {};
    redirectTo = undefined;
    await Promise.all(browser.contexts().map((context) => context.close()));
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
    await app.close();
    await home.close();
  });

  const urlOf = (name: string) => `${server.origin}/t/a/${name}`;

  test.each([
    ['a telephone', telephone, 'light'],
    ['a telephone at night', telephone, 'dark'],
    ['a desk', desk, 'light'],
    ['a desk at night', desk, 'dark'],
  ] as const)(
    'on %s no page is scrolled to the side, no text is faint, nothing is too small to press, and the console is silent',
    async (_where, viewport, colorScheme) => {
      const { page, complaints } = await openPage(browser, { viewport, colorScheme });
      for (const name of names) {
        await page.goto(urlOf(name));
        expect([name, await overflowOf(page)]).toEqual([name, 0]);
        expect([name, await faintTexts(page, 4.5)]).toEqual([name, []]);
        expect([name, await smallTargets(page, 44)]).toEqual([name, []]);
      }
      // Chromium's own advice about user names next to passwords counts as well.
      expect(complaints).toEqual([]);
    },
    60_000,
  );

  test('texts are twice as large and the page is still not scrolled to the side (WCAG 1.4.4, 1.4.10)', async () => {
    const { page } = await openPage(browser, { viewport: { width: 640, height: 900 }, bypassCSP: true });
    for (const name of names) {
      await page.goto(urlOf(name));
      await page.addStyleTag({ content: 'html { font-size: 200% }' });
      expect([name, await overflowOf(page)]).toEqual([name, 0]);
    }
  }, 60_000);

  describe('by keyboard alone', () => {
    test('somebody signs in: the first field waits already, Enter sends', async () => {
      const { page } = await openPage(browser, { javaScriptEnabled: false });
      await page.goto(urlOf('login'));
      // Chromium gives the focus with the first frame, not with the end of loading.
      await page.locator('input[name=email]:focus').waitFor();
      await page.keyboard.type('ada@example.org');
      await page.keyboard.press('Tab');
      await page.keyboard.type('correct horse battery');
      await Promise.all([page.waitForURL(/interaction/), page.keyboard.press('Enter')]);
      expect(Object.fromEntries(sent)).toEqual({
        ...{ csrf: 'csrf-token', email: 'ada@example.org', password: 'correct horse battery' },
      });
    });

    test('rights are taken away from an app with the space bar, and what stays is sent', async () => {
      const { page } = await openPage(browser);
      await page.goto(urlOf('consent'));
      const { names: stops, unseen } = await tabStops(page);
      expect(stops).toEqual([
        ...['growth.example.org', 'See name, birth date and address', 'See measurements'],
        ...['Add and change problems and diagnoses', 'Allow', 'Do not allow'],
      ]);
      expect(unseen).toEqual([]);
      await page.getByLabel('See measurements').focus();
      await page.keyboard.press('Space');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Tab');
      await Promise.all([page.waitForURL(/interaction/), page.keyboard.press('Enter')]);
      expect(sent.getAll('scope')).toEqual(['openid fhirUser', 'patient/Patient.rs', 'patient/Condition.cu']);
      expect(sent.get('decision')).toBe('allow');
    });

    test('a patient is found and chosen: neither the name nor the choice is in the address', async () => {
      const { page } = await openPage(browser);
      await page.goto(urlOf('picker'));
      await page.getByLabel('Name, record number or date of birth').fill('chalm');
      await Promise.all([page.waitForURL(/interaction/), page.keyboard.press('Enter')]);
      expect(Object.fromEntries(sent)).toEqual({ csrf: 'csrf-token', query: 'chalm', do: 'search' });
      await page.goto(urlOf('picker'));
      await page.getByRole('button', { name: /Peter James Chalmers/ }).focus();
      await Promise.all([page.waitForURL(/interaction/), page.keyboard.press('Enter')]);
      expect(Object.fromEntries(sent)).toEqual({ csrf: 'csrf-token', patient: 'p1', do: 'choose' });
      expect(page.url()).not.toMatch(/chalm|p1/);
    });

    test.each(names)('all of %s is reached, and shows where one is', async (name) => {
      const { page } = await openPage(browser);
      await page.goto(urlOf(name));
      const { names: stops, unseen } = await tabStops(page);
      expect(unseen).toEqual([]);
      const pressable = 'a[href], button, summary, input:not([type=hidden]):not([hidden])';
      expect(stops).toHaveLength(await page.locator(pressable).filter({ visible: true }).count());
    });
  });

  test('a screen reader hears what is wrong, and which fields it is about', async () => {
    const { page } = await openPage(browser);
    await page.goto(urlOf('login-failed'));
    expect(await page.title()).toBe('Error: Sign in - Riverside Clinic');
    expect(await page.locator('main').ariaSnapshot()).toBe(
      [
        '- main:',
        '  - heading "Sign in" [level=1]',
        '  - alert:',
        '    - paragraph: The e-mail address or the password is wrong.',
        '  - text: E-mail address',
        '  - textbox "E-mail address" [invalid]: ada@example.org',
        '  - text: Password',
        '  - textbox "Password" [invalid]',
        '  - button "Sign in"',
        '  - paragraph:',
        '    - link "Forgot your password?":',
        '      - /url: /t/a/account/forgot',
      ].join('\n'),
    );
  });

  test('a QR code is an image with a name, and the policy lets it be seen', async () => {
    const { page } = await openPage(browser);
    await page.goto(urlOf('enrol'));
    await page.getByRole('img', { name: 'QR code with the key below' }).waitFor();
    expect(await page.evaluate('document.images[0].naturalWidth')).toBeGreaterThan(100);
  });

  test('an app’s name with markup in it is shown as it is, and runs nothing', async () => {
    const clientName = '</strong><img src=x onerror="document.title=1"><script>document.title=2</script>\u202eevil';
    views = { hostile: { ...sampleViews.consent!, clientName } as PageView };
    const { page, complaints } = await openPage(browser);
    await page.goto(urlOf('hostile'));
    expect(await page.locator('.lead strong').first().textContent()).toBe(clientName);
    expect(await page.title()).toBe('Allow access? - Riverside Clinic');
    expect(complaints).toEqual([]);
  });

  describe('what happens after the form is sent', () => {
    test('the browser goes on to the app, and on from there to another origin of it', async () => {
      redirectTo = `${app.origin}/callback?code=1`;
      headerOptions = { redirectUri: `${app.origin}/callback` };
      const { page, complaints } = await openPage(browser);
      await page.goto(urlOf('consent'));
      await page.getByRole('button', { name: 'Allow', exact: true }).click();
      await page.waitForURL(`${home.origin}/**`);
      expect(complaints).toEqual([]);
    });

    test('without its scheme in the policy Chromium would stay where it is', async () => {
      redirectTo = `${app.origin}/callback?code=1`;
      const { page, complaints } = await openPage(browser);
      await page.goto(urlOf('consent'));
      const complaint = page.waitForEvent('console');
      await page.getByRole('button', { name: 'Allow', exact: true }).click();
      await complaint;
      expect(complaints.join()).toContain('form-action');
      expect(page.url()).toBe(urlOf('consent'));
    });
  });
});
