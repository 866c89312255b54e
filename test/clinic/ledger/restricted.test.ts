// Callers who may see some rows only: what they pay is posted all the same, and the clinic's sums are not theirs (contract.md 43, security.md 7)

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Bundle } from '@medplum/fhirtypes';
import type { Caller, Permission } from '../../../src/access/caller.ts';
import { createAccountLedger } from '../../../src/clinic/ledger/account-ledger.ts';
import { postJournal } from '../../../src/clinic/ledger/post-journal.ts';
import { createTrialBalance } from '../../../src/clinic/ledger/trial-balance.ts';
import type { Operation } from '../../../src/operations/operation.ts';
import { inSession, type Policies } from '../../../src/repository/session.ts';
import { defaultWorkflowSettings } from '../../support/workflow-settings.ts';
import { deposit, type LedgerWorld, openLedgerWorld } from './ledger-world.ts';

let world: LedgerWorld;
beforeAll(async () => {
  world = await openLedgerWorld();
});
afterAll(() => world.close());

/** Staff who may read what is the first patient's, of these types. */
function limited(...types: readonly string[]): Caller {
  const permissions: ReadonlySet<Permission> = new Set(['r', 's']);
  return {
    ...{ tenantId: world.a.tenant.id, clientId: 'app', kind: 'staff', roles: new Set() },
    agent: { reference: 'Practitioner/1', display: 'Staff' },
    grants: types.map((type) => ({ context: 'user', type, permissions, constraints: ['subject=Patient/p1'] })),
  };
}

const settingsOf = () => defaultWorkflowSettings;
const run = (operation: Operation, caller: Caller, id = '') =>
  inSession(world.server.app.repository, caller, async (session) => {
    const call = { type: 'Account', id, versionId: '', baseUrl: 'http://hpms.test', inputs: new Map() };
    return (await operation.run(session, call)).resource;
  });

test('whoever takes the money need not see the accounts that it is posted to, also where references are checked', async () => {
  const policies: Policies = { checksReferences: true, profilePolicy: { check: 'off', required: {} } };
  const checked = { ...world.server.app.repository, policiesOf: () => policies };
  const entry = world.a.entry(deposit(4_000n));
  const caller = limited('Account', 'Basic');
  for (const again of [false, true]) {
    const posted = await inSession(checked, caller, (session) => postJournal(session, [entry]));
    expect(posted.map(({ isReplay }) => isReplay)).toEqual([again]);
  }
  const [row] = await world.a.query<{ actor: string }>(
    'SELECT actor FROM ledger_transaction ORDER BY seq DESC LIMIT 1',
  );
  expect(row?.actor).toBe('Practitioner/1');
});

test('who may see the Accounts and postings of a patient gets the ledger of that one', async () => {
  await world.a.post(deposit(500n));
  const own = await world.a.accountOf('2100/Patient/p1');
  const bundle = (await run(createAccountLedger(settingsOf), limited('Account', 'Basic'), own.id)) as Bundle;
  const subjects = (bundle.entry ?? []).flatMap(({ resource }) =>
    resource?.resourceType === 'Basic' ? [resource.subject?.reference] : [],
  );
  expect(new Set(subjects)).toEqual(new Set(['Patient/p1']));
  const without = (await run(createAccountLedger(settingsOf), limited('Account'), own.id)) as Bundle;
  expect(without.entry?.map(({ search }) => search?.mode)).toEqual(['include']);
});

test('to them another account is not there, and the trial balance is forbidden', async () => {
  const drawer = await world.a.accountOf('1010/Location/drawer');
  const caller = limited('Account', 'Basic');
  await expect(run(createAccountLedger(settingsOf), caller, drawer.id)).rejects.toMatchObject({ status: 404 });
  await expect(run(createTrialBalance(settingsOf), caller)).rejects.toMatchObject({ status: 403 });
});
