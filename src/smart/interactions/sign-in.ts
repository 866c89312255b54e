// Who are you: password, then a code where the account has a second factor; unknown and known accounts are answered alike (security.md 69 to 75).

import { FhirError } from '../../fhir/outcome.ts';
import { type AccountAct, recordAct } from '../../people/account-acts.ts';
import { makeLink } from '../../people/account-links.ts';
import { rehashPassword } from '../../people/account-secrets.ts';
import { type Account, findAccountByEmail } from '../../people/accounts.ts';
import { type Identity, linkIdentity } from '../../people/identities.ts';
import { hashPassword, needsRehash, verifyPassword } from '../../people/password.ts';
import { linkPaths } from '../account/link-jobs.ts';
import { hashOf } from '../hash.ts';
import { endSessionByHash } from '../login-sessions.ts';
import type { PendingLogin } from '../oidc-provider.ts';
import { networkOf } from '../throttle.ts';
import { ownPaths } from '../urls.ts';
import { mustEnrol, showEnrolment } from './enrol.ts';
import { goOn, type InteractionContext, type Step, sendStep, type Visit } from './interaction.ts';

/** How long a right password is good for without the code. */
const pendingMaxMs = 10 * 60_000;
const wrong = 'The e-mail address or the password is wrong.';

export const signInStep: Step = {
  async show(visit) {
    const pending = pendingLogin(visit);
    if (!pending) return await showLogin(visit);
    return pending.mustEnrol ? await showEnrolment(visit, pending.accountId) : showSecondFactor(visit);
  },
  async act(visit, form) {
    const pending = pendingLogin(visit);
    const code = form.get('code');
    if (pending && code !== null) {
      return pending.mustEnrol ? await checkFirstCode(visit, pending, code) : await checkCode(visit, pending, code);
    }
    await checkPassword(visit, (form.get('email') ?? '').slice(0, 320), form.get('password') ?? '');
  },
};

/** Nobody is signed in by a password alone where a code is wanted: this is kept at the server, not in the browser. */
function pendingLogin({ interaction }: Visit): PendingLogin | undefined {
  const pending = interaction.result?.pending;
  return pending && Date.now() < pending.atMs + pendingMaxMs ? pending : undefined;
}

export interface Complaint {
  readonly error: string;
  readonly status: number;
  readonly email?: string;
}

/** The page with the password. */
export async function showLogin(visit: Visit, complaint?: Complaint): Promise<void> {
  const { context, interaction, client, action, csrf } = visit;
  const email = complaint?.email ?? interaction.params.login_hint;
  const view = {
    ...{ kind: 'login' as const, action, csrf, resetHref: context.resetHref },
    providers: await context.signInLinks(interaction.uid),
    ...(client.clientName === undefined ? {} : { clientName: client.clientName }),
    ...(email === undefined ? {} : { email }),
    ...(complaint === undefined ? {} : { error: complaint.error }),
  };
  sendStep(visit, view, { status: complaint?.status ?? 200 });
}

function showSecondFactor(visit: Visit, complaint?: Complaint): void {
  const { action, csrf } = visit;
  const error = complaint === undefined ? {} : { error: complaint.error };
  sendStep(visit, { kind: 'second-factor', action, csrf, ...error }, { status: complaint?.status ?? 200 });
}

async function checkPassword(visit: Visit, email: string, password: string): Promise<void> {
  const { context, ctx } = visit;
  const name = email.trim().normalize('NFKC').toLowerCase();
  const attempt = { client: `account ${context.tenantId} ${name}`, network: networkOf(ctx.ip) };
  const waitSeconds = context.throttle.waitSeconds(attempt);
  if (waitSeconds > 0) return await showTooMany(visit, email, waitSeconds);
  const account = await findByEmail(context, email);
  if (!(await verifyPassword(account?.passwordHash, password)) || !account?.active) {
    const tooManySeconds = context.throttle.failed(attempt);
    await note(visit, 'sign-in-refused', account?.id);
    if (tooManySeconds > 0) return await showTooMany(visit, email, tooManySeconds);
    return await showLogin(visit, { error: wrong, status: 422, email });
  }
  context.throttle.succeeded(attempt);
  await renewHash(context, account, password);
  if (account.mustReset) return await goToNewPassword(visit, account.id);
  const enrols = await mustEnrol(context, account);
  if (!account.secondFactor && !enrols) return await finishSignIn(visit, account.id, ['pwd']);
  const pending = { accountId: account.id, atMs: Date.now(), mustEnrol: enrols };
  visit.interaction.result = { ...visit.interaction.result, pending };
  await visit.interaction.persist();
  if (enrols) await showEnrolment(visit, account.id, { isFirst: true });
  else showSecondFactor(visit);
}

/** The password opens nothing else: the same page as that of a link in a mail. */
async function goToNewPassword({ context, ctx }: Visit, accountId: string): Promise<void> {
  const token = await context.tenantDoor(context.tenantId, (trx) => makeLink(trx, accountId, 'reset'));
  const query = new URLSearchParams({ token });
  ctx.redirect(`${context.urls.basePath}${ownPaths.account}${linkPaths.reset}?${query}`);
  ctx.status = 303;
}

async function showTooMany(visit: Visit, email: string, waitSeconds: number): Promise<void> {
  visit.ctx.set('Retry-After', String(waitSeconds));
  const error = `Too many failed attempts. Wait ${waitSeconds} seconds and try again.`;
  await showLogin(visit, { error, status: 429, email });
}

async function findByEmail(
  { tenantId, tenantDoor, keyRing }: InteractionContext,
  email: string,
): Promise<Account | undefined> {
  const cipher = await keyRing.cipherOf(tenantId);
  try {
    return await tenantDoor(tenantId, (trx) => findAccountByEmail(trx, cipher, email));
  } catch (error) {
    // What cannot be an address is nobody's.
    if (error instanceof FhirError && error.status < 500) return undefined;
    throw error;
  }
}

async function renewHash({ tenantId, tenantDoor }: InteractionContext, account: Account, password: string) {
  const from = account.passwordHash;
  if (from === undefined || !needsRehash(from)) return;
  const to = await hashPassword(password);
  await tenantDoor(tenantId, async (trx) => rehashPassword(trx, account.id, { from, to }));
}

async function checkCode(visit: Visit, { accountId }: PendingLogin, code: string): Promise<void> {
  const { context, ctx } = visit;
  try {
    if (await context.secondFactors.verify(context.tenantId, accountId, code)) {
      return await finishSignIn(visit, accountId, ['pwd', 'otp']);
    }
  } catch (error) {
    if (!(error instanceof FhirError) || error.status !== 429) throw error;
    ctx.set('Retry-After', String(error.retryAfterSeconds ?? 60));
    return showSecondFactor(visit, { error: error.message, status: 429 });
  }
  await note(visit, 'sign-in-refused', accountId);
  showSecondFactor(visit, { error: 'The code is wrong or was already used.', status: 422 });
}

/** Shows the recovery codes, this once, on the way. */
async function checkFirstCode(visit: Visit, { accountId }: PendingLogin, code: string): Promise<void> {
  const { context } = visit;
  const codes = await context.secondFactors.confirm(context.tenantId, accountId, code);
  if (!codes)
    return await showEnrolment(visit, accountId, { error: 'The code is wrong. Wait for the next one and try again.' });
  const nextHref = await settleSignIn(visit, accountId, ['pwd', 'otp']);
  sendStep(visit, { kind: 'recovery-codes', codes, nextHref });
}

/** The identity provider has asked for what it wants to see. */
export async function signInWithoutPassword(visit: Visit, accountId: string): Promise<void> {
  goOn(visit, await settleSignIn(visit, accountId, ['fed']));
}

/** Kept until the password shows whose it is. */
export async function acceptIdentity({ interaction }: Visit, { issuer, subject }: Identity): Promise<void> {
  interaction.result = { vouched: { issuer, subject } };
  await interaction.persist();
}

/** The person has proven who it is. */
async function finishSignIn(visit: Visit, accountId: string, amr: readonly string[]): Promise<void> {
  goOn(visit, await settleSignIn(visit, accountId, amr));
}

/** For the audit; of nobody where no account is meant. */
async function note({ context }: Visit, act: AccountAct, accountId: string | undefined): Promise<void> {
  await context.tenantDoor(context.tenantId, async (trx) => recordAct(trx, act, accountId));
}

/** Where to go on; somebody else's session in this browser ends. */
async function settleSignIn(visit: Visit, accountId: string, amr: readonly string[]): Promise<string> {
  const { context, ctx, interaction } = visit;
  await note(visit, 'sign-in', accountId);
  const before = interaction.session;
  const { vouched } = interaction.result ?? {};
  if (vouched && amr.includes('pwd')) await link(context, accountId, vouched);
  if (before?.uid !== undefined && before.accountId !== accountId) {
    const sessionHash = hashOf(before.uid);
    await context.tenantDoor(context.tenantId, async (trx) => endSessionByHash(trx, sessionHash));
    interaction.session = undefined;
    await interaction.persist();
  }
  // The cookie goes with the browser's window.
  return await context.provider().interactionResult(ctx.req, ctx.res, { login: { accountId, amr, remember: false } });
}

async function link({ tenantId, tenantDoor, keyRing }: InteractionContext, accountId: string, identity: Identity) {
  const cipher = await keyRing.cipherOf(tenantId);
  await tenantDoor(tenantId, (trx) => linkIdentity(trx, cipher, accountId, identity));
}
