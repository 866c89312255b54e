// What somebody is allowed who is named, not signed in: who approves for another is looked up by the resource that stands for them.

import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { type Rights, rightsOfRoles } from './role-rights.ts';

/** Of the active accounts and clients of a person, `Practitioner/1`; none where nobody is known by it. */
export async function rightsOfPerson(trx: TenantTransaction, reference: string): Promise<Rights> {
  const rows = await trx.query<{ roles: string[] }>({
    name: 'roles-of-person',
    text: `SELECT roles FROM account WHERE practitioner = $1 AND active
           UNION ALL SELECT roles FROM client WHERE fhir_user = $1 AND active`,
    values: [reference],
  });
  return await rightsOfRoles(trx, [...new Set(rows.flatMap(({ roles }) => roles))]);
}
