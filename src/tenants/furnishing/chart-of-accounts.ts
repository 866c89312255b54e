// The general ledger's accounts that every clinic has from the start, as a tree of FHIR Accounts (domain.md 3.1, contract.md 42).

import type { Account } from '@medplum/fhirtypes';

type Kind = 'asset' | 'liability' | 'revenue' | 'expense';

const root = { number: '0000', name: 'Revenue ledger' };

/** All are part of the root; those of drawers, patients, payers and tax codes come below them with their first use. */
const chart: readonly (readonly [number: string, name: string, kind: Kind])[] = [
  ['1010', 'Cash drawer', 'asset'],
  ['1020', 'Card clearing', 'asset'],
  ['1030', 'UPI and e-wallet clearing', 'asset'],
  ['1040', 'Bank', 'asset'],
  ['1050', 'Cheques in hand', 'asset'],
  ['1200', 'Accounts receivable, patients', 'asset'],
  ['1210', 'Accounts receivable, insurance', 'asset'],
  ['1300', 'Inventory', 'asset'],
  ['2100', 'Patient credits and deposits', 'liability'],
  ['2200', 'Tax payable', 'liability'],
  ['2300', 'Goods received, not invoiced', 'liability'],
  ['2400', 'Deferred revenue', 'liability'],
  ['4000', 'Revenue, consultations', 'revenue'],
  ['4010', 'Revenue, pharmacy', 'revenue'],
  ['4020', 'Revenue, laboratory', 'revenue'],
  ['4030', 'Revenue, optical', 'revenue'],
  ['4090', 'Revenue, other and no-show fees', 'revenue'],
  ['4100', 'Discounts', 'revenue'],
  ['4110', 'Contractual adjustments', 'revenue'],
  ['5000', 'Cost of goods sold', 'expense'],
  ['6000', 'Bad debt', 'expense'],
  ['6010', 'Charity and hardship', 'expense'],
  ['6020', 'Cash over and short', 'expense'],
  ['6030', 'Rounding', 'expense'],
  ['6040', 'Stock shrinkage', 'expense'],
  ['6050', 'Bank and merchant fees', 'expense'],
  ['7000', 'Foreign exchange gain and loss', 'expense'],
];

export const glAccountSystem = 'https://hpms.example/fhir/sid/gl-account';

/** The root first, which all others are part of. `owner` is the clinic's Organization. */
export function chartOfAccounts(newId: () => string, owner: string | undefined): Account[] {
  const owned = owner === undefined ? {} : { owner: { reference: owner } };
  const root = { ...rootAccount(newId()), ...owned };
  return [root, ...partsOf(`Account/${root.id}`, newId).map((account) => ({ ...account, ...owned }))];
}

export function rootAccount(id: string): Account {
  return account(id, root.number, root.name);
}

/** All of the chart but the root, which `partOf` names. */
export function partsOf(partOf: string, newId: () => string): Account[] {
  return chart.map(([number, name, kind]) => ({
    ...account(newId(), number, name),
    type: { text: kind },
    partOf: { reference: partOf },
  }));
}

/** Of an account of the chart. */
export function accountName(number: string): string | undefined {
  return chart.find(([one]) => one === number)?.[1];
}

function account(id: string, number: string, name: string): Account {
  return {
    resourceType: 'Account',
    id,
    identifier: [{ system: glAccountSystem, value: number }],
    status: 'active',
    name,
  };
}
