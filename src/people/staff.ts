// An administrator's work on accounts: each comes with its Person, Practitioner and PractitionerRoles, in one transaction (domain.md S5-05, S5-08).

import { newId } from '../fhir/ids.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { Session } from '../repository/session.ts';
import { dropLinks } from './account-links.ts';
import { askForLink, removeSecondFactor, requireNewPassword } from './account-secrets.ts';
import {
  type Account,
  type AccountChange,
  type AccountDetails,
  changeAccount,
  createAccount,
  findAccount,
} from './accounts.ts';
import { unlinkIdentities } from './identities.ts';
import { keepAdministrator } from './last-administrator.ts';
import { showAccount } from './person-resources.ts';
import { requireManageable } from './reserved-rights.ts';

export type StaffDetails = Omit<AccountDetails, 'passwordHash'>;

/** Throws 409 when the e-mail address has an account already; the invitation is mailed after the commit. */
export async function inviteStaff(session: Session, details: StaffDetails): Promise<Account> {
  const { trx, cipher } = session;
  await requireManageable(trx, session.caller, details.roles);
  requireOwnResource(details);
  await requireDepartments(session, details.departments ?? []);
  const practitioner = details.practitioner ?? `Practitioner/${newId(session.at.getTime())}`;
  const { id } = await createAccount(trx, cipher, { ...details, practitioner });
  const account = (await findAccount(trx, cipher, id)) as Account;
  await showAccount(session, account, { isNewPractitioner: details.practitioner === undefined });
  askForLink(trx, id, 'invite');
  return account;
}

/** Undefined where there is none. Throws 409 for the last administrator. */
export async function changeStaff(session: Session, id: string, change: AccountChange): Promise<Account | undefined> {
  const { trx, cipher } = session;
  const before = await findManageable(session, id);
  if (!before) return undefined;
  if (change.roles) await requireManageable(trx, session.caller, change.roles);
  requireOwnResource({ ...before, ...change });
  await requireDepartments(session, change.departments ?? []);
  const after = await keepAdministrator(trx, () => changeAccount(trx, cipher, id, change));
  if (!after) return undefined;
  // A link that was sent to another address, or before the account was disabled, opens nothing: security.md 73.
  if (after.email !== before.email || !(before.active && after.active)) dropLinks(trx, id);
  await showAccount(session, after, { before });
  return after;
}

/** The person is mailed a link and must choose another password; false where there is no such account, or it is disabled. */
export async function resetStaff(session: Session, id: string): Promise<boolean> {
  const account = await findManageable(session, id);
  if (!account?.active) return false;
  const isInvited = account.passwordHash === undefined;
  if (!isInvited) requireNewPassword(session.trx, id);
  askForLink(session.trx, id, isInvited ? 'invite' : 'reset');
  return true;
}

/** For who has lost the authenticator app; false where there is no such account. */
export async function resetSecondFactor(session: Session, id: string): Promise<boolean> {
  if (!(await findManageable(session, id))) return false;
  removeSecondFactor(session.trx, id);
  return true;
}

/** False when there is no such account. */
export async function resetIdentities(session: Session, id: string): Promise<boolean> {
  if (!(await findManageable(session, id))) return false;
  unlinkIdentities(session.trx, id);
  return true;
}

/** Throws 403 for an account with rights that the caller cannot give. */
async function findManageable(session: Session, id: string): Promise<Account | undefined> {
  const account = await findAccount(session.trx, session.cipher, id);
  if (account) await requireManageable(session.trx, session.caller, account.roles);
  return account;
}

/** "Own" is a practitioner's work or a patient's record, never both: one account for each. */
function requireOwnResource({ roles, practitioner }: Pick<StaffDetails, 'roles' | 'practitioner'>): void {
  const isPatient = roles.includes('patient');
  if (isPatient && roles.length > 1) {
    throw fhirError('business-rule', 'The role patient stands alone: staff who are patients have two accounts.', {
      expression: 'roles',
    });
  }
  const fits = practitioner === undefined ? !isPatient : /^(Patient|RelatedPerson)\//.test(practitioner) === isPatient;
  if (fits) return;
  const wanted = isPatient ? 'Patient/x or RelatedPerson/x, whose account it is' : 'Practitioner/x, or nothing';
  throw fhirError('business-rule', `With these roles practitioner is ${wanted}.`, { expression: 'practitioner' });
}

async function requireDepartments({ trx }: Session, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const rows = await trx.query<{ id: string }>({
    text: "SELECT id FROM resource WHERE type = 'Organization' AND id = ANY ($1) AND NOT deleted",
    values: [ids],
  });
  const known = new Set(rows.map(({ id }) => id));
  const unknown = ids.findIndex((id) => !known.has(id));
  if (unknown < 0) return;
  throw fhirError('value', 'There is no such Organization.', { expression: `departments[${unknown}]` });
}
