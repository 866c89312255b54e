// Who is signed in, and ending that: 45 CFR 164.312(a)(2)(iii), security.md 62.

import { fhirError } from '../../fhir/outcome.ts';
import { findAccount, isAccountId } from '../../people/accounts.ts';
import { requireManageable } from '../../people/reserved-rights.ts';
import type { Session } from '../../repository/session.ts';
import { endGrantsOfAccount } from '../../smart/app-grants.ts';
import {
  accountOfSession,
  endLoginSession,
  endLoginSessionsOf,
  type LoginSession,
  listLoginSessions,
} from '../../smart/login-sessions.ts';
import type { AdminAnswer } from '../admin-route.ts';
import { instant, noContent, objectOf } from './schemas.ts';
import type { TenantAdminCall, TenantRoute } from './tenant-route.ts';

const loginSession = objectOf(
  {
    id: { type: 'string' },
    account: { type: 'string', description: 'Id of the account.' },
    network: { type: 'string', description: 'The address the person signed in from.' },
    userAgent: { type: 'string', description: 'What the browser says it is.' },
    createdAt: instant,
    lastUsedAt: instant,
  },
  ['id', 'account', 'network', 'userAgent', 'createdAt', 'lastUsedAt'],
);

export const sessionRoutes: readonly TenantRoute[] = [
  {
    operationId: 'listSessions',
    method: 'GET',
    path: '/sessions',
    summary: 'Who is signed in, the last used first, at most 1,000.',
    query: { account: { type: 'string', maxLength: 64, description: 'Only those of this account.' } },
    answers: { 200: { description: 'The sessions.', schema: { type: 'array', items: loginSession } } },
    async run({ session, query: { account } }) {
      // Of what is no account there are none.
      if (account !== undefined && !isAccountId(account)) return { status: 200, body: [] };
      const sessions = await listLoginSessions(session.trx, session.cipher, account);
      return { status: 200, body: sessions.map(view) };
    },
  },
  {
    operationId: 'endSession',
    method: 'DELETE',
    path: '/sessions/{id}',
    summary: 'Ends a session with its tokens, at once.',
    answers: noContent,
    run: endOne,
  },
  {
    operationId: 'endSessions',
    method: 'DELETE',
    path: '/sessions',
    summary: 'Ends all sessions of the account that is named, and what apps may do in its name.',
    query: { account: { type: 'string', maxLength: 64, description: 'Id of the account; it must be given.' } },
    answers: noContent,
    async run({ session, query: { account } }) {
      if (account === undefined)
        throw fhirError('required', 'Name the account.', { status: 400, expression: 'account' });
      return await endAll(session, account);
    },
  },
  {
    operationId: 'endSessionsOfStaff',
    method: 'DELETE',
    path: '/staff/{id}/sessions',
    summary: 'Ends all sessions of an account, and what apps may do in its name.',
    answers: noContent,
    run: ({ session, params: { id = '' } }) => endAll(session, id),
  },
];

async function endOne({ session, params: { id = '' } }: TenantAdminCall): Promise<AdminAnswer> {
  const accountId = isAccountId(id) ? await accountOfSession(session.trx, id) : undefined;
  if (accountId === undefined) throw fhirError('not-found', 'There is no such session.');
  await requireManageableAccount(session, accountId);
  await endLoginSession(session.trx, id);
  return { status: 204 };
}

async function endAll(session: Session, id: string): Promise<AdminAnswer> {
  await requireManageableAccount(session, id);
  await endAccess(session, id);
  return { status: 204 };
}

async function requireManageableAccount({ trx, cipher, caller }: Session, id: string): Promise<void> {
  const account = await findAccount(trx, cipher, id);
  if (!account) throw fhirError('not-found', 'There is no such account.');
  await requireManageable(trx, caller, account.roles);
}

/** Sessions, and the access of apps that outlives them. */
export async function endAccess({ trx }: Session, accountId: string): Promise<void> {
  await endLoginSessionsOf(trx, accountId);
  endGrantsOfAccount(trx, accountId);
}

function view({ id, accountId, network, userAgent, createdAt, lastUsedAt }: LoginSession) {
  return { id, account: accountId, network, userAgent, createdAt, lastUsedAt };
}
