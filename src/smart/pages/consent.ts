// What an app asks for, in words, each right to be taken away: https://hl7.org/fhir/smart-app-launch/app-launch.html

import { button, form, hidden } from './fields.ts';
import { html, safeHref } from './html.ts';
import type { PageBody } from './layout.ts';

/** Sends `scope` once for each right that stays, and `decision`: `allow` or `deny`. */
export interface ConsentView {
  readonly kind: 'consent';
  readonly action: string;
  readonly csrf: string;
  readonly clientName: string;
  readonly clientUri?: string;
  readonly scopes: readonly ConsentScope[];
  /** Whose record the app sees, for people. */
  readonly patient?: string;
  /** The app keeps its access when the person has left. */
  readonly isOffline: boolean;
}

export interface ConsentScope {
  readonly scope: string;
  readonly label: string;
  readonly detail?: string;
  /** Sent whatever the person does. */
  readonly isRequired: boolean;
}

export function consentPage(view: ConsentView): PageBody {
  const { action, csrf, clientName, clientUri, scopes, patient, isOffline } = view;
  const site = clientUri === undefined ? '#' : safeHref(clientUri);
  return {
    title: 'Allow access?',
    body: html`<p class="lead"><strong><bdi>${clientName}</bdi></strong> asks for access${
      patient !== undefined && html` to the record of <strong><bdi>${patient}</bdi></strong>`
    }.</p>
${/^https?:/.test(site) && html`<p class="hint">Website: <bdi><a href="${site}" rel="noopener noreferrer" target="_blank">${new URL(site).host}</a></bdi></p>`}
${form({
  action,
  csrf,
  content: [
    html`<fieldset>
<legend>What it may do</legend>
<ul class="scopes">
${scopes.map(scopeItem)}
</ul>
</fieldset>`,
    isOffline &&
      html`<p class="notice">The app keeps this access when you are not there. You can end it on your account page.</p>`,
    html`<div class="actions">${[
      button({ label: 'Allow', name: 'decision', value: 'allow' }),
      button({ label: 'Do not allow', kind: 'secondary', name: 'decision', value: 'deny', skipsChecks: true }),
    ]}</div>`,
  ],
})}`,
  };
}

function scopeItem({ scope, label, detail, isRequired }: ConsentScope, index: number) {
  const id = `scope-${index}`;
  const hint = detail !== undefined && html`<span class="hint" id="${id}-hint">${detail}</span>`;
  if (isRequired) {
    return html`<li>${hidden('scope', scope)}<span class="always" aria-hidden="true">&#10003;</span><div><span>${label} (always)</span>${hint}</div></li>
`;
  }
  return html`<li><input type="checkbox" name="scope" value="${scope}" id="${id}" checked=""${
    detail !== undefined && html` aria-describedby="${id}-hint"`
  }/><div><label for="${id}">${label}</label>${hint}</div></li>
`;
}
