// The second step of a sign-in, setting it up, and the recovery codes that stand in for a lost telephone: RFC 6238.

import { renderSVG } from 'uqr';
import { button, errorSummary, field, form } from './fields.ts';
import { html, safeHref } from './html.ts';
import type { PageBody } from './layout.ts';

/** Sends `code`: six digits of the app, or a recovery code. */
export interface SecondFactorView {
  readonly kind: 'second-factor';
  readonly action: string;
  readonly csrf: string;
  readonly error?: string;
}

/** Sends `code`, which shows that the app has the secret. */
export interface EnrolView {
  readonly kind: 'enrol';
  readonly action: string;
  readonly csrf: string;
  /** In Base32, to be typed where there is no camera. */
  readonly secret: string;
  readonly otpauthUrl: string;
  readonly error?: string;
}

/** Shown once. */
export interface RecoveryCodesView {
  readonly kind: 'recovery-codes';
  readonly codes: readonly string[];
  readonly nextHref: string;
}

export function secondFactorPage({ action, csrf, error }: SecondFactorView): PageBody {
  return {
    title: 'Confirm that it is you',
    hasError: error !== undefined,
    body: html`${errorSummary(error)}
${form({
  action,
  csrf,
  content: [
    field({
      ...{ name: 'code', label: 'Code', autocomplete: 'one-time-code', lengthMax: 64, hasFocus: true },
      hint: 'The six digits that your authenticator app shows now, or one of your recovery codes.',
      isWrong: error !== undefined,
    }),
    button({ label: 'Continue' }),
  ],
})}
<p class="aside">Lost your telephone and your recovery codes? Your clinic's administrator can reset the second step.</p>`,
  };
}

export function enrolPage({ action, csrf, secret, otpauthUrl, error }: EnrolView): PageBody {
  return {
    title: 'Set up the second step',
    hasError: error !== undefined,
    body: html`${errorSummary(error)}
<p>From now on you sign in with your password and a code from an authenticator app on your telephone.</p>
<ol class="steps">
<li>Open an authenticator app and scan this picture.
<img class="qr" src="${qrImage(otpauthUrl)}" alt="QR code with the key below" width="208" height="208"/>
<details><summary>No camera? Type this key instead</summary><p><code class="key">${secret.replace(/(.{4})(?=.)/g, '$1 ')}</code></p></details></li>
<li>Type the six digits that the app shows.</li>
</ol>
${form({
  action,
  csrf,
  content: [
    field({
      ...{ name: 'code', label: 'Code', autocomplete: 'one-time-code', inputMode: 'numeric', lengthMax: 16 },
      isWrong: error !== undefined,
    }),
    button({ label: 'Turn on' }),
  ],
})}`,
  };
}

export function recoveryCodesPage({ codes, nextHref }: RecoveryCodesView): PageBody {
  return {
    title: 'Your recovery codes',
    body: html`<p>Each of these codes lets you in once without your telephone. Print them or write them down, and keep them safe: <strong>they are not shown again.</strong></p>
<ul class="codes">
${codes.map((code) => html`<li><code>${code}</code></li>`)}
</ul>
<a class="button primary" href="${safeHref(nextHref)}">I have kept them</a>`,
  };
}

/** Always dark on light, with the border that scanners need: https://www.w3.org/TR/CSP3/ allows it as `img-src data:`. */
function qrImage(text: string): string {
  const svg = renderSVG(text.toWellFormed(), { border: 4, ecc: 'M' });
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
}
