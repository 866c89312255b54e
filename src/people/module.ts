// What people's rights ask of every write: elements they leave alone, and that an account ends with its Person: `Person.active = false`
// ends all (domain.md S4-M02). No right is ever given so (security.md 39).

import type { Person } from '@medplum/fhirtypes';
import type { Change } from '../repository/change.ts';
import type { Module } from '../repository/module.ts';
import type { Session } from '../repository/session.ts';
import { isAccountId } from './accounts.ts';
import { keepAdministrator } from './last-administrator.ts';
import { limitedUpdates } from './limited-updates.ts';
import { ownPatientRule } from './own-patient.ts';
import { requireManageable } from './reserved-rights.ts';

export const peopleModule: Module = {
  name: 'people',
  guards: [ownPatientRule, ...limitedUpdates],
  effects: [{ name: 'inactive-person', type: 'Person', run: disableAccounts }],
};

/** A Person stands for the account with its id. */
async function disableAccounts(changes: readonly Change[], { trx, caller }: Session): Promise<[]> {
  const isOver = (person: Person | undefined) => person?.active === false || person === undefined;
  const ids = changes
    .filter(({ id, resource }) => isAccountId(id) && isOver(resource as Person | undefined))
    .map(({ id }) => id);
  if (ids.length === 0) return [];
  const accounts = await trx.query<{ roles: string[] }>({
    text: 'SELECT roles FROM account WHERE id = ANY ($1) AND active',
    values: [ids],
  });
  if (accounts.length === 0) return [];
  await requireManageable(
    trx,
    caller,
    accounts.flatMap(({ roles }) => roles),
  );
  await keepAdministrator(trx, () =>
    trx.query({ text: 'UPDATE account SET active = false WHERE id = ANY ($1) AND active', values: [ids] }),
  );
  return [];
}
