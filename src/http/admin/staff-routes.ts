// Accounts of staff and patients: invite, change, disable, reset (contract.md 47, domain.md S5-F0).

import { fhirError } from '../../fhir/outcome.ts';
import { type Account, type AccountChange, findAccount, isAccountId, listAccounts } from '../../people/accounts.ts';
import {
  changeStaff,
  inviteStaff,
  resetIdentities,
  resetSecondFactor,
  resetStaff,
  type StaffDetails,
} from '../../people/staff.ts';
import type { AdminAnswer } from '../admin-route.ts';
import {
  flag,
  limitOf,
  listOf,
  noContent,
  objectOf,
  paging,
  personReference,
  resourceId,
  slugs,
  text,
} from './schemas.ts';
import { endAccess } from './session-routes.ts';
import { created, listed, type TenantAdminCall, type TenantRoute } from './tenant-route.ts';

const email = text(254, 'Where the invitation goes, and what the person signs in with.');
const name = text(200, 'For people.');
const departments = listOf(resourceId, 20, 'Ids of Organizations; the person has a PractitionerRole in each.');

const account = objectOf(
  {
    id: { type: 'string', description: 'Also that of the Person that stands for the account in FHIR.' },
    email,
    name,
    roles: slugs,
    practitioner: personReference,
    departments,
    active: flag,
    status: { type: 'string', enum: ['invited', 'active', 'disabled'] },
    secondFactor: flag,
    mustReset: {
      type: 'boolean',
      description: 'Another password must be chosen, by the mailed link or after the second factor.',
    },
  },
  ['id', 'email', 'name', 'roles', 'departments', 'active', 'status', 'secondFactor', 'mustReset'],
);

export const staffRoutes: readonly TenantRoute[] = [
  {
    operationId: 'listStaff',
    method: 'GET',
    path: '/staff',
    summary: 'Accounts, in the order they were made.',
    query: {
      role: { type: 'string', maxLength: 64, description: 'Only those that hold this role.' },
      active: { type: 'string', enum: ['true', 'false'], description: 'Only those that may, or may not, sign in.' },
      ...paging,
    },
    answers: { 200: { description: 'A page of accounts.', schema: { type: 'array', items: account } } },
    run: list,
  },
  {
    operationId: 'inviteStaff',
    method: 'POST',
    path: '/staff',
    summary: 'Makes an account with its Person, Practitioner and PractitionerRoles, and mails an invitation.',
    description:
      'A Practitioner is made unless `practitioner` names one. The role `patient` stands alone and needs the Patient.',
    body: objectOf({ email, name, roles: slugs, practitioner: personReference, departments }, [
      'email',
      'name',
      'roles',
    ]),
    answers: { 201: { description: 'The account; nobody signs in before the invitation was used.', schema: account } },
    async run(call) {
      const made = await inviteStaff(call.session, call.body as StaffDetails);
      return created(call, `/staff/${made.id}`, view(made));
    },
  },
  {
    operationId: 'readStaff',
    method: 'GET',
    path: '/staff/{id}',
    summary: 'One account.',
    answers: { 200: { description: 'The account.', schema: account } },
    run: readOne,
  },
  {
    operationId: 'changeStaff',
    method: 'PATCH',
    path: '/staff/{id}',
    summary: 'Changes what is given; `active: false` ends every session and app of the account at once.',
    body: objectOf({ email, name, roles: slugs, practitioner: personReference, departments, active: flag }),
    answers: { 200: { description: 'The account as it is now.', schema: account } },
    current: readOne,
    run: change,
  },
  {
    operationId: 'resetStaff',
    method: 'POST',
    path: '/staff/{id}/reset',
    summary: 'Ends the sessions of the account and mails a link to choose another password, or the invitation again.',
    answers: { 202: { description: 'The mail is on its way.' } },
    async run({ session, params: { id = '' } }) {
      if (!(await resetStaff(session, id))) throw noAccount();
      await endAccess(session, id);
      return { status: 202 };
    },
  },
  {
    operationId: 'removeSecondFactor',
    method: 'DELETE',
    path: '/staff/{id}/second-factor',
    summary: 'Takes the second factor away, for who has lost the app and the recovery codes.',
    answers: noContent,
    async run({ session, params: { id = '' } }) {
      if (!(await resetSecondFactor(session, id))) throw noAccount();
      return { status: 204 };
    },
  },
  {
    operationId: 'unlinkIdentities',
    method: 'DELETE',
    path: '/staff/{id}/identities',
    summary:
      'Who the person is at identity providers counts no more; the next sign-in through one asks for the password again.',
    answers: noContent,
    async run({ session, params: { id = '' } }) {
      if (!(await resetIdentities(session, id))) throw noAccount();
      return { status: 204 };
    },
  },
];

async function list(call: TenantAdminCall): Promise<AdminAnswer> {
  const { session, query } = call;
  const { role, active, after } = query;
  if (after !== undefined && !isAccountId(after)) throw fhirError('value', 'after is no account.', { status: 400 });
  const limit = limitOf(query);
  const filter = { role, after, limit: limit + 1, ...(active && { active: active === 'true' }) };
  const rows = await listAccounts(session.trx, session.cipher, filter);
  return listed(call, { path: '/staff', rows, limit, idOf: ({ id }) => id, view });
}

async function readOne({ session, params: { id = '' } }: TenantAdminCall): Promise<AdminAnswer> {
  const found = await findAccount(session.trx, session.cipher, id);
  if (!found) throw noAccount();
  return { status: 200, body: view(found) };
}

async function change({ session, params: { id = '' }, body }: TenantAdminCall): Promise<AdminAnswer> {
  const changed = await changeStaff(session, id, body as AccountChange);
  if (!changed) throw noAccount();
  // Also when it comes back: what was begun before it went is over.
  if (body.active !== undefined) await endAccess(session, id);
  return { status: 200, body: view(changed) };
}

function view({ passwordHash, ...shown }: Account) {
  return { ...shown, status: statusOf({ active: shown.active, hasPassword: passwordHash !== undefined }) };
}

function statusOf({ active, hasPassword }: { readonly active: boolean; readonly hasPassword: boolean }) {
  if (!active) return 'disabled';
  return hasPassword ? 'active' : 'invited';
}

function noAccount(): Error {
  return fhirError('not-found', 'There is no such account.');
}
