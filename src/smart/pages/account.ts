// The page where people look after their own account: password, second step, where they are signed in, what apps may do.

import { button, errorSummary, field, form, hidden, notice, passwordOwner } from './fields.ts';
import { type Html, html, safeHref } from './html.ts';
import type { PageBody, PageContext } from './layout.ts';
import { passwordHint } from './passwords.ts';

/** Each form posts to its own path below `{basePath}/account`. */
export interface AccountView {
  readonly kind: 'account';
  readonly csrf: string;
  readonly name: string;
  readonly email: string;
  readonly notice?: string;
  readonly error?: string;
  /** The section that `error` is about. */
  readonly errorAt?: 'password' | 'second-factor' | 'identities';
  /** Otherwise the person signs in by the clinic's identity provider only. */
  readonly hasPassword: boolean;
  readonly secondFactor: {
    readonly isOn: boolean;
    /** The clinic does not let it be turned off. */
    readonly isRequired: boolean;
    readonly recoveryCodesLeft: number;
  };
  /** Absent where the clinic has no identity provider, and the account no identity. */
  readonly identities?: readonly IdentityView[];
  readonly sessions: readonly SessionView[];
  readonly apps: readonly AppView[];
}

export interface IdentityView {
  readonly id: string;
  /** The identity provider, for people. */
  readonly provider: string;
  /** What it calls the person. */
  readonly knownAs?: string;
  readonly since: Date;
  /** The one that `error` is about. */
  readonly isWrong?: boolean;
}

export interface SessionView {
  readonly id: string;
  /** Browser and system, for people. */
  readonly device: string;
  readonly network?: string;
  readonly lastUsedAt: Date;
  readonly isCurrent: boolean;
}

export interface AppView {
  readonly clientId: string;
  readonly name: string;
  readonly uri?: string;
  readonly rights: readonly string[];
  readonly since: Date;
}

export function accountPage(view: AccountView, context: PageContext): PageBody {
  const { csrf, name, email } = view;
  const action = (path: string) => `${context.basePath}/account/${path}`;
  return {
    title: 'Your account',
    hasError: view.error !== undefined,
    isWide: true,
    body: html`<p class="lead"><bdi>${name}</bdi><br/><bdi class="hint">${email}</bdi></p>
${[errorSummary(view.error), notice(view.notice)]}
${view.hasPassword && section('Password', passwordForm(view, action('password')))}
${section('Second step of signing in', secondFactorForms(view, action))}
${view.identities && section('Linked sign-ins', identityList(view, view.identities, context))}
${section('Where you are signed in', sessionList(view, context, action))}
${section('Apps with access', appList(view, context, action))}
${form({ action: action('sign-out'), csrf, content: button({ label: 'Sign out', kind: 'secondary' }) })}`,
  };
}

type ActionOf = (path: string) => string;

function section(title: string, content: Html): Html {
  return html`<section>
<h2>${title}</h2>
${content}
</section>
`;
}

function passwordForm({ csrf, email, errorAt }: AccountView, action: string): Html {
  const options = { type: 'password', lengthMax: 1_024, isWrong: errorAt === 'password' } as const;
  return form({
    action,
    csrf,
    content: [
      passwordOwner(email),
      field({ ...options, name: 'oldPassword', label: 'Present password', autocomplete: 'current-password' }),
      field({
        ...options,
        ...{ name: 'password', label: 'New password', autocomplete: 'new-password', hint: passwordHint },
      }),
      button({ label: 'Change password', kind: 'secondary' }),
    ],
  });
}

function secondFactorForms({ csrf, email, hasPassword, secondFactor, errorAt }: AccountView, action: ActionOf): Html {
  const isWrong = errorAt === 'second-factor';
  const { isOn, isRequired, recoveryCodesLeft } = secondFactor;
  if (!isOn) {
    return html`<p>Off. With it, a stolen password is not enough to sign in as you.</p>
${form({
  action: action('second-factor'),
  csrf,
  content: [
    hasPassword && passwordOwner(email),
    hasPassword &&
      field({
        ...{ name: 'password', id: 'setup-password', label: 'Present password', type: 'password', lengthMax: 1_024 },
        ...{ autocomplete: 'current-password', isWrong },
      }),
    button({ label: 'Set up the second step', kind: 'secondary' }),
  ],
})}`;
  }
  return html`<p>On. ${recoveryCodesLeft} unused recovery ${recoveryCodesLeft === 1 ? 'code' : 'codes'}.${isRequired && ' Your clinic requires it.'}</p>
${form({
  action: action('second-factor/codes'),
  csrf,
  content: [
    field({
      ...{ name: 'code', label: 'Code of your authenticator app', autocomplete: 'one-time-code', lengthMax: 64 },
      ...{ hint: 'To show that it is you.', isWrong },
    }),
    html`<div class="actions">${[
      button({ label: 'Make new recovery codes', kind: 'secondary', name: 'do', value: 'codes' }),
      !isRequired && button({ label: 'Turn off', kind: 'danger', name: 'do', value: 'remove' }),
    ]}</div>`,
  ],
})}`;
}

/** Each has a form of its own, so that Enter in a password field unlinks nothing else. */
function identityList(view: AccountView, identities: readonly IdentityView[], context: PageContext): Html {
  if (identities.length === 0) {
    return html`<p>None. Sign in by one of your clinic’s other ways once, and you are asked whether to link it.</p>`;
  }
  return html`<p>Whoever signs in there comes in here as you, without your password.</p>
<ul class="rows">
${identities.map(
  (
    identity,
  ) => html`<li><div><bdi>${identity.provider}</bdi>${identity.knownAs !== undefined && html` as <bdi>${identity.knownAs}</bdi>`}<br/>
<span class="hint">Since ${time(identity.since, context)}</span>
${view.hasPassword && unlinkForm(view, identity, `${context.basePath}/account/identities/unlink`)}</div></li>
`,
)}
</ul>`;
}

function unlinkForm({ csrf, email }: AccountView, { id, provider, isWrong }: IdentityView, action: string): Html {
  return html`<details${isWrong && html` open=""`}><summary>Unlink <bdi>${provider}</bdi></summary>${form({
    action,
    csrf,
    content: [
      hidden('identity', id),
      passwordOwner(email),
      field({
        ...{ name: 'password', id: `unlink-${id}`, label: 'Present password', type: 'password', lengthMax: 1_024 },
        ...{ autocomplete: 'current-password', isWrong: isWrong ?? false },
      }),
      button({ label: 'Unlink', kind: 'danger', spoken: `Unlink ${provider}` }),
    ],
  })}</details>`;
}

function sessionList({ csrf, sessions }: AccountView, context: PageContext, action: ActionOf): Html {
  const others = sessions.filter(({ isCurrent }) => !isCurrent);
  return html`<ul class="rows">
${sessions.map(
  ({
    id,
    device,
    network,
    lastUsedAt,
    isCurrent,
  }) => html`<li><div><bdi>${device}</bdi>${isCurrent && html` <strong>(here)</strong>`}<br/>
<span class="hint">Last used ${time(lastUsedAt, context)}${network !== undefined && html` from <bdi>${network}</bdi>`}</span></div>
${
  !isCurrent &&
  form({
    action: action('sessions/end'),
    csrf,
    content: [
      hidden('session', id),
      button({ label: 'End', kind: 'secondary', spoken: `End the session on ${device}` }),
    ],
  })
}</li>
`,
)}
</ul>
${
  others.length > 1 &&
  form({
    action: action('sessions/end-others'),
    csrf,
    content: button({ label: 'End all others', kind: 'secondary' }),
  })
}`;
}

function appList({ csrf, apps }: AccountView, context: PageContext, action: ActionOf): Html {
  if (apps.length === 0) return html`<p>No app has access to anything in your name.</p>`;
  return html`<ul class="rows">
${apps.map(
  ({
    clientId,
    name,
    uri,
    rights,
    since,
  }) => html`<li><div><bdi>${uri === undefined ? name : html`<a href="${safeHref(uri)}" rel="noopener noreferrer">${name}</a>`}</bdi><br/>
<span class="hint">Since ${time(since, context)}</span>
<details><summary>What it may do</summary><ul>${rights.map((right) => html`<li>${right}</li>`)}</ul></details></div>
${form({
  action: action('apps/withdraw'),
  csrf,
  content: [
    hidden('client', clientId),
    button({ label: 'Withdraw', kind: 'danger', spoken: `Withdraw the access of ${name}` }),
  ],
})}</li>
`,
)}
</ul>`;
}

function time(date: Date, { language, timeZone = 'UTC' }: PageContext): Html {
  const format = new Intl.DateTimeFormat(language, {
    ...{ year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
    ...{ timeZone, timeZoneName: 'short' },
  });
  return html`<time datetime="${date.toISOString()}">${format.format(date)}</time>`;
}
