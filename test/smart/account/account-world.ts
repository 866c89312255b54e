// Two clinics with the pages of their accounts and the jobs that send links, on a database of their own; mails stay in a list.

import { Secret, TOTP } from 'otpauth';
import type { Mail } from '../../../src/gateways/mail.ts';
import type { OutboxEvent } from '../../../src/jobs/outbox.ts';
import { createAccount, findAccount } from '../../../src/people/accounts.ts';
import { hashPassword } from '../../../src/people/password.ts';
import type { SecondFactorPolicy } from '../../../src/people/second-factor/policy.ts';
import { createSecondFactors, type SecondFactors } from '../../../src/people/second-factor/second-factors.ts';
import { type AnswerAccount, createAccountPages } from '../../../src/smart/account/account-pages.ts';
import type { PageAnswer } from '../../../src/smart/account/account-request.ts';
import { createLinkJobs } from '../../../src/smart/account/link-jobs.ts';
import type { AccountSession } from '../../../src/smart/account/session.ts';
import { hashOf } from '../../../src/smart/hash.ts';
import { insertLoginSession, listLoginSessions } from '../../../src/smart/login-sessions.ts';
import { createThrottle } from '../../../src/smart/throttle.ts';
import { createTenant } from '../../../src/tenants/create-tenant.ts';
import type { TenantRecord } from '../../../src/tenants/registry.ts';
import { openTenantDatabase, type TenantDatabase } from '../../tenants/tenant-database.ts';

export const publicUrl = 'https://hpms.test/base';
export const goodPassword = 'seven kittens on a sofa';

export interface AccountWorld {
  readonly database: TenantDatabase;
  readonly a: TenantRecord;
  readonly b: TenantRecord;
  readonly mails: Mail[];
  readonly secondFactors: SecondFactors;
  policy: SecondFactorPolicy;
  timeZone: string;
  /** With counts of attempts of its own, as another process has them. */
  openPages(): AnswerAccount;
  makeAccount(tenant: TenantRecord, details?: AccountWish): Promise<string>;
  signIn(tenant: TenantRecord, accountId: string, userAgent?: string): Promise<AccountSession>;
  sessionsOf(tenant: TenantRecord, accountId: string): Promise<number>;
  passwordHashOf(tenant: TenantRecord, accountId: string): Promise<string | undefined>;
  /** Turns the second factor on; gives what makes its codes. */
  enrol(tenant: TenantRecord, accountId: string): Promise<TOTP>;
  /** Runs the jobs whose events the outbox has, as the worker would. */
  runJobs(tenant: TenantRecord): Promise<number>;
  /** The token of the last mail's link. */
  lastToken(): string;
  close(): Promise<void>;
}

export async function openAccountWorld(): Promise<AccountWorld> {
  const database = await openTenantDatabase();
  const { tenantDoor, keyRing } = database;
  const makeTenant = async (name: string): Promise<TenantRecord> => {
    const { tenantId } = await createTenant(database, { name, display: `Clinic ${name}` });
    return { id: tenantId, name, display: `Clinic ${name}` };
  };
  const [a, b] = [await makeTenant('a'), await makeTenant('b')];
  const mails: Mail[] = [];
  const secondFactors = createSecondFactors({ ...database, now: () => new Date() });
  const jobs = createLinkJobs({ ...database, publicUrl, mail: { send: async (mail) => void mails.push(mail) } });
  let count = 0;
  const world: AccountWorld = {
    ...{ database, a, b, mails, secondFactors, policy: 'none', timeZone: 'UTC' },
    openPages: () =>
      createAccountPages({
        ...database,
        ...{ publicUrl, secondFactors, throttle: createThrottle() },
        policyOf: () => world.policy,
        timeZoneOf: () => world.timeZone,
        signInHref: ({ name }) => `/base/t/${name}/sign-in`,
      }),
    async makeAccount({ id }, { email = `p${++count}@clinic.example`, password, roles = ['nurse'], isInvited } = {}) {
      const proof = isInvited ? {} : { passwordHash: await hashPassword(password ?? goodPassword) };
      const cipher = await keyRing.cipherOf(id);
      return (await tenantDoor(id, (trx) => createAccount(trx, cipher, { email, name: 'Eva', roles, ...proof }))).id;
    },
    async signIn({ id }, accountId, userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0') {
      const session = { accountId, sessionHash: hashOf(`session ${++count}`) };
      const cipher = await keyRing.cipherOf(id);
      const made = { ...session, network: '192.0.2.1', userAgent, idleSeconds: 1_800, lifetimeSeconds: 3_600 };
      await tenantDoor(id, async (trx) => insertLoginSession(trx, cipher, made));
      return session;
    },
    async sessionsOf({ id }, accountId) {
      const cipher = await keyRing.cipherOf(id);
      return (await tenantDoor(id, (trx) => listLoginSessions(trx, cipher, accountId))).length;
    },
    async passwordHashOf({ id }, accountId) {
      const cipher = await keyRing.cipherOf(id);
      return (await tenantDoor(id, (trx) => findAccount(trx, cipher, accountId)))?.passwordHash;
    },
    async enrol({ id }, accountId) {
      const enrolment = await secondFactors.enrol(id, { id: accountId, email: 'x@y', issuer: 'z' });
      const totp = new TOTP({ secret: Secret.fromBase32(enrolment?.secret ?? '') });
      // The code before the present one, so that the present one is still good.
      await secondFactors.confirm(id, accountId, totp.generate({ timestamp: Date.now() - 30_000 }));
      return totp;
    },
    runJobs: ({ id }) =>
      tenantDoor(id, async (trx) => {
        const events = await trx.query<OutboxEvent>({
          text: `UPDATE outbox SET status = 'done', done_at = now() WHERE status = 'pending' RETURNING id,
            event_key AS "eventKey", topic, resource_type AS "resourceType", resource_id AS "resourceId",
            new_version_id AS "newVersionId"`,
        });
        for (const event of events) await jobs.find(({ topic }) => topic === event.topic)?.run(trx, event);
        return events.length;
      }),
    lastToken: () => /token=([\w-]+)/.exec(mails.at(-1)?.text ?? '')?.[1] ?? '',
    close: () => database.close(),
  };
  return world;
}

export interface AccountWish {
  readonly email?: string;
  readonly password?: string;
  readonly roles?: string[];
  /** Has no password yet. */
  readonly isInvited?: boolean;
}

export interface Visit {
  readonly form?: Record<string, string>;
  readonly query?: Record<string, string>;
  readonly session?: AccountSession | undefined;
  readonly network?: string;
  readonly headers?: { readonly origin?: string; readonly fetchSite?: string };
}

/** `path` is `POST /password`. A form comes from a page of the server unless `headers` say otherwise. */
export function visit(pages: AnswerAccount, tenant: TenantRecord, path: string, what: Visit = {}): Promise<PageAnswer> {
  const [method = '', below = ''] = path.split(' ');
  const { form = {}, query = {}, session, network = '192.0.2.1', headers = { origin: 'https://hpms.test' } } = what;
  return pages({
    ...{ tenant, method, path: below, network, address: network, origin: undefined, fetchSite: undefined },
    ...(method === 'POST' ? headers : {}),
    query: new URLSearchParams(query),
    form: new URLSearchParams(form),
    notes: {},
    currentSession: async () => session,
  });
}

/** The token against forgery that this page's forms hold. */
export function csrfIn({ html = '' }: PageAnswer): string {
  return /name="csrf" value="([^"]+)"/.exec(html)?.[1] ?? '';
}
