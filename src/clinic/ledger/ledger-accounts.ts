// Account resources that are accounts of the ledger: their rows, and what clients may not do to them (contract.md 42, domain.md 3.1).

import type { Account, Resource } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change, WriteIntent } from '../../repository/change.ts';
import type { Rule } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import { glAccountSystem } from '../../tenants/furnishing/chart-of-accounts.ts';
import { insertAccountRows } from './account-rows.ts';

/** An account of the ledger stays, with its number and its place. */
export const keepLedgerAccounts: Rule<void> = {
  name: 'ledger-accounts',
  type: 'Account',
  async run(changes, session) {
    const byClients = changes.filter(({ byServer }) => !byServer);
    for (const change of byClients) checkNumber(change);
    // The server makes those that it did not find, under the money lock.
    await refuseTaken(session, byClients.filter(isAdded));
  },
};

/** The ledger finds its accounts by rows. */
export const storeLedgerAccounts: Rule<readonly WriteIntent[]> = {
  name: 'ledger-account-rows',
  type: 'Account',
  run(changes, session) {
    const added = changes.filter(isAdded).map(rowOf);
    if (added.length > 0) insertAccountRows(session, added);
    return [];
  },
};

function checkNumber({ resource, oldResource, index: writeIndex }: Change): void {
  const [before] = numbersOf(oldResource);
  if (!resource) {
    if (before === undefined) return;
    throw fhirError('conflict', 'An account of the ledger stays; set its status to inactive.', { writeIndex });
  }
  const numbers = numbersOf(resource);
  const sameAsBefore = numbers.length === 1 && numbers[0] === before;
  const expression = 'Account.identifier';
  if (before !== undefined && !sameAsBefore) {
    throw fhirError('business-rule', 'The number of an account of the ledger stays as it is.', {
      expression,
      writeIndex,
    });
  }
  if (before !== undefined && partOf(resource) !== partOf(oldResource)) {
    const options = { expression: 'Account.partOf', writeIndex };
    throw fhirError('business-rule', 'An account of the ledger stays part of the same account.', options);
  }
  if (before?.includes('/') && subjectOf(resource) !== subjectOf(oldResource)) {
    const options = { expression: 'Account.subject', writeIndex };
    throw fhirError('business-rule', 'An account of the ledger stays with whom or what it was opened for.', options);
  }
  if (before === undefined && numbers.some((number) => !/^\d{4}$/.test(number) || numbers.length > 1)) {
    const diagnostics =
      'An account of the ledger has one number of four digits; the accounts below it are made by the server.';
    throw fhirError('business-rule', diagnostics, { expression, writeIndex });
  }
}

async function refuseTaken({ trx }: Session, added: readonly Change[]): Promise<void> {
  if (added.length === 0) return;
  const rows = added.map(rowOf);
  const taken = await trx.query<{ number: string; sub: string }>({
    name: 'taken-ledger-accounts',
    text: `SELECT number, sub FROM ledger_account WHERE (number, sub) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
    values: [rows.map(({ number }) => number), rows.map(({ sub }) => sub)],
  });
  const index = rows.findIndex((row) => taken.some(({ number, sub }) => number === row.number && sub === row.sub));
  const change = added[index];
  if (!change) return;
  const options = { expression: 'Account.identifier', writeIndex: change.index };
  throw fhirError('conflict', 'Another Account has this number in the ledger.', options);
}

function isAdded({ resource, oldResource }: Change): boolean {
  return numberOf(resource) !== undefined && numberOf(oldResource) === undefined;
}

/** `1200` of the chart, or `1200/Patient/x` below it. */
function rowOf({ id: accountId, resource }: Change) {
  const value = numberOf(resource) ?? '';
  const slash = value.indexOf('/');
  if (slash < 0) return { accountId, number: value, sub: '', controlId: accountId };
  const controlId = partOf(resource)?.replace('Account/', '') ?? accountId;
  return { accountId, number: value.slice(0, slash), sub: value.slice(slash + 1), controlId };
}

function numberOf(resource: Resource | undefined): string | undefined {
  return numbersOf(resource)[0];
}

function numbersOf(resource: Resource | undefined): string[] {
  const { identifier = [] } = (resource ?? {}) as Account;
  return identifier.flatMap(({ system, value }) => (system === glAccountSystem && value !== undefined ? [value] : []));
}

function subjectOf(resource: Resource | undefined): string {
  return JSON.stringify((resource as Account | undefined)?.subject?.map(({ reference }) => reference));
}

function partOf(resource: Resource | undefined): string | undefined {
  return (resource as Account | undefined)?.partOf?.reference;
}
