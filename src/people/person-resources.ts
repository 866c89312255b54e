// What FHIR shows of an account: a Person, the Practitioner it is, and a PractitionerRole in each department (domain.md S4-M01, M06, S5-05, S5-08).

import type { Person, Practitioner, PractitionerRole, Resource } from '@medplum/fhirtypes';
import { v5 as uuidv5 } from 'uuid';
import type { WriteIntent } from '../repository/change.ts';
import { find } from '../repository/read.ts';
import type { Session } from '../repository/session.ts';
import { write } from '../repository/write.ts';
import type { Account } from './accounts.ts';

/** Rights never come from these resources (security.md 39): they only mirror what the account says. */
const roleCodeSystem = 'https://hpms.example/fhir/CodeSystem/role';

export interface ShowOptions {
  /** The account as it was. */
  readonly before?: Account;
  /** Its Practitioner is not there yet. */
  readonly isNewPractitioner?: boolean;
}

/** Writes the resources of the account as it is now. */
export async function showAccount(
  session: Session,
  account: Account,
  { before, isNewPractitioner = false }: ShowOptions = {},
): Promise<void> {
  const here = departmentsOf(account);
  const left = before ? departmentsOf(before).filter((department) => !here.includes(department)) : [];
  const wanted = [
    personOf(account),
    ...(isNewPractitioner ? [practitionerOf(account)] : []),
    ...here.map((department) => roleOf(session, account, department, account.active)),
    ...left.map((department) => roleOf(session, before as Account, department, false)),
  ];
  const checksReferences = session.checksReferences && before === undefined;
  const intents = await Promise.all(wanted.map((one) => intentFor(session, one)));
  await write({ ...asTheServer(session), checksReferences }, intents);
}

/** Who works in no department has one PractitionerRole all the same, for the roles; who is no practitioner has none. */
function departmentsOf({ practitioner, departments }: Account): readonly (string | undefined)[] {
  if (!practitioner?.startsWith('Practitioner/')) return [];
  return departments.length === 0 ? [undefined] : departments;
}

/** A resource as the account wants it, over what others have written into it. */
interface Wanted {
  readonly type: string;
  readonly id: string;
  readonly over: (current: Resource | undefined) => Resource;
}

async function intentFor(session: Session, { type, id, over }: Wanted): Promise<WriteIntent> {
  const stored = await find(session, type, id);
  if (!stored?.body) return { action: 'update', id, resource: over(undefined) };
  return { action: 'patch', type, id, apply: (content) => ({ ...content, resource: over(content.resource) }) };
}

/** Its id is that of the account. */
function personOf({ id, active, name, email, practitioner }: Account): Wanted {
  const over = (current: Person | undefined): Person => ({
    ...current,
    resourceType: 'Person',
    id,
    active,
    // A name that somebody has written in parts stays as long as it is the same name.
    name: current?.name?.some(({ text }) => text === name) ? current.name : [{ text: name }],
    telecom: [workEmail(email), ...(current?.telecom ?? []).filter(({ system }) => system !== 'email')],
    ...(practitioner === undefined ? {} : { link: [{ target: { reference: practitioner } }] }),
  });
  return { type: 'Person', id, over: (current) => over(current as Person | undefined) };
}

function practitionerOf({ name, email, practitioner = '' }: Account): Wanted {
  const id = practitioner.slice('Practitioner/'.length);
  const resource: Practitioner = {
    resourceType: 'Practitioner',
    id,
    active: true,
    name: [{ text: name }],
    telecom: [workEmail(email)],
  };
  return { type: 'Practitioner', id, over: () => resource };
}

function workEmail(value: string) {
  return { system: 'email', value, use: 'work' } as const;
}

function roleOf(session: Session, account: Account, department: string | undefined, active: boolean): Wanted {
  // Always the same for a person and a department, so that nothing needs to remember it.
  const id = uuidv5(department ?? '', account.id);
  const today = session.at.toISOString().slice(0, 10);
  const over = (current: PractitionerRole | undefined): PractitionerRole => {
    const { end, ...period } = current?.period ?? { start: today };
    return {
      ...current,
      resourceType: 'PractitionerRole',
      id,
      active,
      period: active ? { start: today, ...period } : { ...period, end: end ?? today },
      practitioner: { reference: account.practitioner as string },
      ...(department === undefined ? {} : { organization: { reference: `Organization/${department}` } }),
      ...(account.roles.length === 0 ? {} : { code: account.roles.map(codeOf) }),
    };
  };
  return { type: 'PractitionerRole', id, over: (current) => over(current as PractitionerRole | undefined) };
}

function codeOf(code: string) {
  return { coding: [{ system: roleCodeSystem, code }] };
}

/**
 * The right to manage accounts is the right to what follows from it, which must not fail by a tenant's profiles, or a
 * change by a reference to what was deleted since: an account that cannot be disabled would be worse. AuditEvents still
 * name the caller.
 */
function asTheServer(session: Session): Session {
  const permissions = new Set(['c', 'r', 'u', 'd', 's'] as const);
  return {
    ...session,
    caller: { ...session.caller, grants: [{ context: 'system', type: '*', permissions }] },
    profilePolicy: { ...session.profilePolicy, check: 'off' },
  };
}
