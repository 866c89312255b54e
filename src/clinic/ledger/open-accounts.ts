// Makes the accounts that a posting needs and the ledger does not have yet: the chart's, and those below it (domain.md 3.1, contract.md 42).

import type { Account } from '@medplum/fhirtypes';
import { newId } from '../../fhir/ids.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Session } from '../../repository/session.ts';
import { writeOwn } from '../../repository/write.ts';
import { accountName, glAccountSystem, partsOf, rootAccount } from '../../tenants/furnishing/chart-of-accounts.ts';
import { type AccountState, findAccounts, insertAccountRows, stateKey, type WantedAccount } from './account-rows.ts';

/**
 * All of `wanted`, of which `found` are there, with those of the chart that they are below. The money lock is held, so nobody
 * else makes the same.
 */
export async function openAccounts(
  session: Session,
  wanted: readonly WantedAccount[],
  found: ReadonlyMap<string, AccountState>,
): Promise<Map<string, AccountState>> {
  const missing = wanted.filter((account) => !found.has(stateKey(account)));
  if (missing.length === 0) return new Map(found);
  const numbers = distinct(missing.map(({ number, currency }) => ({ number, currency })));
  const unknownOf = (known: ReadonlyMap<string, AccountState>) => numbers.find((one) => !known.has(stateKey(one)));
  let controls = found;
  if (unknownOf(controls)) {
    await openChart(session);
    controls = await findAccounts(session, numbers);
  }
  const unknown = unknownOf(controls);
  if (unknown) throw noAccount(unknown.number);
  return new Map([...found, ...controls, ...(await openSubs(session, missing, controls))]);
}

/** Clinics of before have the resources already: these are taken as they are. */
async function openChart(session: Session): Promise<void> {
  const nextId = () => newId(session.at.getTime());
  const [root = ''] = await openChartAccounts(session, [rootAccount(nextId())]);
  await openChartAccounts(session, partsOf(`Account/${root}`, nextId));
}

/** The ids of those there are now. */
async function openChartAccounts(session: Session, accounts: readonly Account[]): Promise<string[]> {
  const results = await writeOwn(
    session,
    accounts.map((resource) => {
      const query = new URLSearchParams({ identifier: `${glAccountSystem}|${numberOf(resource)}` }).toString();
      return { action: 'create', resource, id: resource.id as string, ifNoneExist: { query } } as const;
    }),
  );
  insertAccountRows(
    session,
    results.map(({ id }, index) => ({
      accountId: id,
      number: numberOf(accounts[index] as Account),
      sub: '',
      controlId: id,
    })),
  );
  return results.map(({ id }) => id);
}

/** As they are then: nothing was posted to them. */
async function openSubs(
  session: Session,
  missing: readonly WantedAccount[],
  controls: ReadonlyMap<string, AccountState>,
): Promise<Map<string, AccountState>> {
  const accounts = new Map<string, Account & { readonly id: string }>();
  const states = new Map<string, AccountState>();
  for (const one of missing) {
    const { number, sub, currency } = one;
    const control = controls.get(stateKey({ number, currency }));
    if (sub === undefined || !control) continue;
    const { controlId } = control;
    const account = accounts.get(`${number}/${sub}`) ?? subAccount(session, number, sub, controlId);
    accounts.set(`${number}/${sub}`, account);
    states.set(stateKey(one), { number, sub, currency, accountId: account.id, controlId, seq: 0n, balanceMinor: 0n });
  }
  if (accounts.size > 0) {
    await writeOwn(
      session,
      [...accounts.values()].map((resource) => ({ action: 'create', resource, id: resource.id })),
    );
  }
  return states;
}

/** No name of anybody: whose it is says `subject`. */
export function subAccount(
  { at }: Pick<Session, 'at'>,
  number: string,
  sub: string,
  controlId: string,
): Account & { readonly id: string } {
  const name = accountName(number) ?? number;
  return {
    resourceType: 'Account',
    id: newId(at.getTime()),
    identifier: [{ system: glAccountSystem, value: `${number}/${sub}` }],
    status: 'active',
    ...(sub.includes('/') ? { name, subject: [{ reference: sub }] } : { name: `${name}: ${sub}` }),
    partOf: { reference: `Account/${controlId}` },
  };
}

function numberOf({ identifier }: Account): string {
  return identifier?.[0]?.value ?? '';
}

function distinct(wanted: readonly WantedAccount[]): WantedAccount[] {
  return [...new Map(wanted.map((account) => [stateKey(account), account])).values()];
}

function noAccount(number: string): Error {
  const diagnostics = `The clinic's ledger has no account ${number}: make an Account with the identifier ${glAccountSystem}|${number}.`;
  return fhirError('business-rule', diagnostics);
}
