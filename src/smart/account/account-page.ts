// The account page with all that it shows, and with what was just done or went wrong.

import type { Account } from '../../people/accounts.ts';
import { findClient } from '../../people/clients.ts';
import { rightsOfRoles } from '../../people/role-rights.ts';
import { requiresSecondFactor } from '../../people/second-factor/policy.ts';
import { type Consent, listConsents } from '../consents.ts';
import { describeScope } from '../interactions/scope-words.ts';
import { listLoginSessions } from '../login-sessions.ts';
import type { AccountView, AppView } from '../pages/account.ts';
import type { AccountContext, SignedIn, SignedInHandler } from './account-context.ts';
import { type AccountRequest, answerPage, basePathOf, oneValue, type PageAnswer, redirect } from './account-request.ts';
import { deviceOf } from './device.ts';
import { readLinkedSignIns } from './linked-sign-ins.ts';

const notices: Readonly<Record<string, string>> = {
  'password-changed': 'Your password is changed, and all your other sessions are ended.',
  'session-ended': 'The session is ended.',
  'sessions-ended': 'All your other sessions are ended.',
  'app-withdrawn': 'The app has no access any more.',
  'second-factor-on': 'The second step is on.',
  'second-factor-off': 'The second step is off.',
  unlinked: 'The sign-in is unlinked, and all your other sessions are ended.',
};

const faults = {
  'wrong-password': { error: 'The present password is wrong.', errorAt: 'password' },
  'wrong-setup-password': { error: 'The present password is wrong.', errorAt: 'second-factor' },
  'wrong-code': { error: 'This code is not right, or was used already.', errorAt: 'second-factor' },
  'second-factor-required': {
    error: 'Your clinic requires the second step, so it cannot be turned off.',
    errorAt: 'second-factor',
  },
} as const;

/** Of the table above, what is wrong with the password that was chosen, or the identity that a wrong one was given for. */
export type Fault = keyof typeof faults | { readonly password: string } | { readonly identity: string };

export const showAccount: SignedInHandler = async (context, request, signedIn) => {
  const name = oneValue(request.query, 'notice');
  const notice = Object.hasOwn(notices, name) ? notices[name] : undefined;
  return await answerView(context, request, signedIn, notice === undefined ? {} : { notice });
};

/** By a redirect, so that loading the page again does nothing again. */
export function showNotice(context: AccountContext, request: AccountRequest, notice: string): PageAnswer {
  return redirect(`${basePathOf(context, request)}/account?notice=${notice}`);
}

export async function showFault(
  context: AccountContext,
  request: AccountRequest,
  signedIn: SignedIn,
  fault: Fault,
): Promise<PageAnswer> {
  return await answerView(context, request, signedIn, toldOf(fault));
}

type Told = Pick<AccountView, 'notice' | 'error' | 'errorAt'> & { readonly wrongIdentity?: string };

function toldOf(fault: Fault): Told {
  if (typeof fault === 'string') return faults[fault];
  if ('password' in fault) return { error: fault.password, errorAt: 'password' };
  return { error: faults['wrong-password'].error, errorAt: 'identities', wrongIdentity: fault.identity };
}

/** With the clinic's own times. */
async function answerView(
  context: AccountContext,
  request: AccountRequest,
  signedIn: SignedIn,
  { wrongIdentity, ...told }: Told,
): Promise<PageAnswer> {
  const read = await readView(context, request, signedIn);
  const identities = read.identities?.map((one) => (one.id === wrongIdentity ? { ...one, isWrong: true } : one));
  const view = { ...read, ...(identities && { identities }), ...told };
  const timeZone = await context.timeZoneOf(request.tenant.id);
  return answerPage({ ...context, timeZone }, request, view, told.error === undefined ? 200 : 422);
}

/** By the clinic's setting, and what the person's roles are now. */
export async function isRequired(context: AccountContext, { tenant }: AccountRequest, { roles }: Account) {
  const policy = await context.policyOf(tenant.id);
  const { operations } = await context.tenantDoor(tenant.id, (trx) => rightsOfRoles(trx, roles), 'read');
  return requiresSecondFactor(policy, operations);
}

async function readView(
  context: AccountContext,
  request: AccountRequest,
  { account, session, csrf }: SignedIn,
): Promise<AccountView> {
  const { id, name, email, passwordHash } = account;
  const { tenantDoor, keyRing, secondFactors } = context;
  const cipher = await keyRing.cipherOf(request.tenant.id);
  const [{ sessions, apps, identities }, state, secondFactorIsRequired] = await Promise.all([
    tenantDoor(
      request.tenant.id,
      async (trx) => {
        const [sessions, consents, identities] = await Promise.all([
          listLoginSessions(trx, cipher, id),
          listConsents(trx, id),
          readLinkedSignIns(trx, cipher, id),
        ]);
        const clients = await Promise.all(consents.map(({ clientId }) => findClient(trx, cipher, clientId)));
        return { sessions, identities, apps: consents.flatMap((consent, index) => appView(consent, clients[index])) };
      },
      'read',
    ),
    secondFactors.stateOf(request.tenant.id, id),
    isRequired(context, request, account),
  ]);
  return {
    kind: 'account',
    ...{ csrf, name, email, apps },
    ...(identities && { identities }),
    hasPassword: passwordHash !== undefined,
    secondFactor: { ...state, isRequired: secondFactorIsRequired },
    sessions: sessions.slice(0, sessionsShownMax).map(({ id, network, userAgent, lastUsedAt, sessionHash }) => ({
      ...{ id, network, lastUsedAt },
      device: deviceOf(userAgent),
      isCurrent: sessionHash.equals(session.sessionHash),
    })),
  };
}

const sessionsShownMax = 50;

/** An app that is gone has no access either way. */
function appView(consent: Consent, client: Client | undefined): AppView[] {
  if (!client || consent.granted.length === 0) return [];
  return [
    {
      clientId: client.clientId,
      name: client.name,
      ...(client.clientUri === undefined ? {} : { uri: client.clientUri }),
      rights: consent.granted.map(rightOf),
      since: consent.givenAt,
    },
  ];
}

type Client = NonNullable<Awaited<ReturnType<typeof findClient>>>;

function rightOf(scope: string): string {
  const { label, detail } = describeScope(scope);
  return detail === undefined ? label : `${label} (${detail})`;
}
