// Who are you: password, then a code where the account has a second factor; unknown and known accounts are answered alike (security.md 69 to 75).

import { clientAddress } from '../../access/client-address.ts';
import { FhirError } from '../../fhir/outcome.ts';
import { recordAct } from '../../people/account-acts.ts';
import { makeLink } from '../../people/account-links.ts';
import { rehashPassword } from '../../people/account-secrets.ts';
import { type Account, findAccount, findAccountByEmail } from '../../people/accounts.ts';
import type { Identity } from '../../people/identities.ts';
import { hashPassword, needsRehash, verifyPassword } from '../../people/password.ts';
import { linkPaths } from '../account/link-jobs.ts';
import { hashOf } from '../hash.ts';
import { endSessionByHash } from '../login-sessions.ts';
import type { PendingLogin, VouchedIdentity } from '../oidc-provider.ts';
import { noteUnproven, type Proof } from '../people-on-record.ts';
import { type ProvenSignIn, proofOf, provenMaxMs, stillStands } from '../proven-sign-in.ts';
import { networkOf } from '../throttle.ts';
import { ownPaths } from '../urls.ts';
import { mustEnrol, showEnrolment } from './enrol.ts';
import { goOn, type InteractionContext, type Step, sendStep, type Visit } from './interaction.ts';
import { linkVouched, showLinkQuestion } from './link-identity.ts';

const wrong = 'The e-mail address or the password is wrong.';
/** Whoever has only the old password may be why the clinic has reset it: the mailbox decides. */
const wasReset =
  'Your clinic wants you to choose a new password. Open the link in your mail, or ask for another one below.';

export const signInStep: Step = {
  async show(visit) {
    const linking = provenLogin(visit);
    if (linking) return showLinkQuestion(visit, linking.vouched);
    const pending = await pendingLogin(visit);
    if (!pending) return await showLogin(visit);
    return pending.mustEnrol ? await showEnrolment(visit, pending.accountId) : showSecondFactor(visit);
  },
  async act(visit, form) {
    const linking = provenLogin(visit);
    if (linking && form.has('link')) return await finishLinking(visit, linking, form.get('link') === 'yes');
    const code = form.get('code');
    const pending = code === null ? undefined : await pendingLogin(visit);
    if (pending && code !== null) {
      return pending.mustEnrol ? await checkFirstCode(visit, pending, code) : await checkCode(visit, pending, code);
    }
    await checkPassword(visit, (form.get('email') ?? '').slice(0, 320), form.get('password') ?? '');
  },
};

interface LivePending extends PendingLogin {
  readonly account: Account;
}

/** Nobody is signed in by a password alone where a code is wanted: this is kept at the server, not in the browser. */
async function pendingLogin({ context, interaction }: Visit): Promise<LivePending | undefined> {
  const pending = interaction.result?.pending;
  if (!pending || Date.now() >= pending.atMs + provenMaxMs) return undefined;
  const account = await accountOf(context, pending.accountId);
  if (!account?.active || proofOf(account.passwordHash) !== pending.proof) return undefined;
  // Who was reset meanwhile must not make a second step of its own, which would then open the page for a new password.
  if (account.mustReset && !account.secondFactor) return undefined;
  return { ...pending, account };
}

async function accountOf({ tenantId, tenantDoor, keyRing }: InteractionContext, id: string) {
  const cipher = await keyRing.cipherOf(tenantId);
  return await tenantDoor(tenantId, (trx) => findAccount(trx, cipher, id), 'read');
}

interface Linking {
  readonly vouched: VouchedIdentity;
  readonly proven: ProvenSignIn;
}

function provenLogin({ interaction }: Visit): Linking | undefined {
  const { vouched, proven } = interaction.result ?? {};
  return vouched && proven && Date.now() < proven.atMs + provenMaxMs ? { vouched, proven } : undefined;
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
  const attempt = { client: `account ${context.tenantId} ${name}`, network: networkOf(ctx.ip), isGuessable: true };
  const waitSeconds = context.throttle.waitSeconds(attempt);
  if (waitSeconds > 0) return await showTooMany(visit, email, waitSeconds);
  const account = await findByEmail(context, email);
  if (!(await verifyPassword(account?.passwordHash, password)) || !account?.active) {
    const tooManySeconds = context.throttle.failed(attempt);
    noteWrong(visit, 'Password', account);
    if (tooManySeconds > 0) return await showTooMany(visit, email, tooManySeconds);
    return await showLogin(visit, { error: wrong, status: 422, email });
  }
  if (account.mustReset && !account.secondFactor) {
    noteWrong(visit, 'Password', account);
    return await showLogin(visit, { error: wasReset, status: 422, email });
  }
  context.throttle.succeeded(attempt);
  const proof = proofOf(await renewHash(context, account, password));
  const enrols = await mustEnrol(context, account);
  const ground = { accountId: account.id, atMs: Date.now(), proof };
  if (!account.secondFactor && !enrols) return await finishSignIn(visit, { ...ground, amr: ['pwd'] });
  await keep(visit, { pending: { ...ground, mustEnrol: enrols } });
  if (enrols) await showEnrolment(visit, account.id, { isFirst: true });
  else showSecondFactor(visit);
}

/** Password and code open nothing else: the same page as that of a link in a mail. */
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

/** The hash that there is then. */
async function renewHash({ tenantId, tenantDoor }: InteractionContext, account: Account, password: string) {
  const from = account.passwordHash;
  if (from === undefined || !needsRehash(from)) return from;
  const to = await hashPassword(password);
  await tenantDoor(tenantId, async (trx) => rehashPassword(trx, account.id, { from, to }));
  return to;
}

async function checkCode(visit: Visit, { accountId, account, proof }: LivePending, code: string): Promise<void> {
  const { context, ctx } = visit;
  const proven = { accountId, proof, atMs: Date.now(), amr: ['pwd', 'otp'] };
  try {
    if (await context.secondFactors.verify(context.tenantId, accountId, code)) {
      return await (account.mustReset ? goToNewPassword(visit, accountId) : finishSignIn(visit, proven));
    }
  } catch (error) {
    if (!(error instanceof FhirError) || error.status !== 429) throw error;
    ctx.set('Retry-After', String(error.retryAfterSeconds ?? 60));
    return showSecondFactor(visit, { error: error.message, status: 429 });
  }
  noteWrong(visit, 'Code', account);
  showSecondFactor(visit, { error: 'The code is wrong or was already used.', status: 422 });
}

/** Shows the recovery codes, this once, on the way. */
async function checkFirstCode(visit: Visit, { accountId, account, proof }: LivePending, code: string): Promise<void> {
  const { context } = visit;
  const codes = await context.secondFactors.confirm(context.tenantId, accountId, code);
  if (!codes) {
    noteWrong(visit, 'Code', account);
    return await showEnrolment(visit, accountId, { error: 'The code is wrong. Wait for the next one and try again.' });
  }
  const proven = { accountId, proof, atMs: Date.now(), amr: ['pwd', 'otp'] };
  // Behind the codes stands the question whether to link, where there is one.
  const vouched = await keepProven(visit, proven);
  const nextHref = vouched ? visit.action : await settleSignIn(visit, proven);
  sendStep(visit, { kind: 'recovery-codes', codes, nextHref });
}

/** The identity provider has asked for what it wants to see. */
export async function signInWithoutPassword(visit: Visit, account: Account, identity: Identity): Promise<void> {
  const ground = { accountId: account.id, atMs: Date.now(), proof: proofOf(account.passwordHash), identity };
  goOn(visit, await settleSignIn(visit, { ...ground, amr: ['fed'] }));
}

/** Kept until the password shows whose it is. */
export async function acceptIdentity({ interaction }: Visit, vouched: VouchedIdentity): Promise<void> {
  interaction.result = { vouched };
  await interaction.persist();
}

/** With what was vouched for before; what an earlier password has come to does not count any more. */
async function keep({ interaction }: Visit, step: { pending: PendingLogin } | { proven: ProvenSignIn }): Promise<void> {
  const { vouched } = interaction.result ?? {};
  interaction.result = { ...(vouched && { vouched }), ...step };
  await interaction.persist();
}

/** Undefined where nobody is vouched for, so that there is nothing to ask. */
async function keepProven(visit: Visit, proven: ProvenSignIn): Promise<VouchedIdentity | undefined> {
  const { vouched } = visit.interaction.result ?? {};
  if (vouched) await keep(visit, { proven });
  return vouched;
}

/** The person has proven who it is, with its password. */
async function finishSignIn(visit: Visit, proven: ProvenSignIn): Promise<void> {
  const vouched = await keepProven(visit, proven);
  if (vouched) return showLinkQuestion(visit, vouched);
  goOn(visit, await settleSignIn(visit, proven));
}

async function finishLinking(visit: Visit, { vouched, proven }: Linking, isWanted: boolean): Promise<void> {
  if (!(await stillStands(visit.context, proven))) return await showLogin(visit);
  if (isWanted) await linkVouched(visit.context, proven.accountId, vouched);
  goOn(visit, await settleSignIn(visit, proven));
}

function noteWrong({ context, ctx, client }: Visit, proof: Proof, account: Account | undefined): void {
  noteUnproven(context, ctx, { proof, account, clientId: client.clientId });
}

async function recordSignIn({ context, ctx }: Visit, accountId: string): Promise<void> {
  const { tenantId, tenantDoor, keyRing } = context;
  const cipher = await keyRing.cipherOf(tenantId);
  const origin = { cipher, address: clientAddress(ctx.req.socket.remoteAddress) };
  await tenantDoor(tenantId, async (trx) => recordAct(trx, 'sign-in', accountId, origin));
}

/** Where to go on; somebody else's session in this browser ends. */
async function settleSignIn(visit: Visit, proven: ProvenSignIn): Promise<string> {
  const { context, ctx, interaction } = visit;
  const { accountId } = proven;
  await recordSignIn(visit, accountId);
  // Of the browser as it is now: somebody may have signed in at another window since this page was opened.
  const session = await context.provider().Session.get(ctx);
  if (session.accountId !== undefined && session.accountId !== accountId) {
    await context.tenantDoor(context.tenantId, async (trx) => endSessionByHash(trx, hashOf(session.uid)));
    interaction.session = undefined;
    await interaction.persist();
  }
  // The cookie goes with the browser's window.
  return await context.provider().interactionResult(ctx.req, ctx.res, { login: { ...proven, remember: false } });
}
