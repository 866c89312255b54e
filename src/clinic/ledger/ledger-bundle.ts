// The answer of `$ledger`: postings as matches, the Account with its balances included (contract.md 43): https://hl7.org/fhir/R4/bundle.html#searchset

import type { Account, Bundle, Extension, Resource } from '@medplum/fhirtypes';
import { type ParsedJson, parseJson } from '../../fhir/json.ts';
import type { OperationCall, OperationInputs } from '../../operations/operation.ts';
import type { Content, ExactNumbers } from '../../repository/change.ts';
import { findExact, markExact, unmarkExact } from '../../repository/exact-tree.ts';
import type { StoredVersion } from '../../repository/stored-version.ts';
import type { AccountBalance } from './account-balances.ts';
import { extensionUrls } from './canonicals.ts';
import { type JournalPage, writePlace } from './journal-page.ts';
import { exactMoney, orNothing } from './shown-balances.ts';

export interface LedgerAnswer {
  readonly account: StoredVersion;
  readonly opening: readonly AccountBalance[];
  readonly closing: readonly AccountBalance[];
  readonly page: JournalPage;
  /** Of an account that has no entry yet. */
  readonly currency: string;
}

export function ledgerBundle({ baseUrl, id, inputs }: OperationCall, answer: LedgerAnswer): Content {
  const { account, page } = answer;
  const url = `${baseUrl}/Account/${id}/$ledger`;
  const next = page.next && { relation: 'next', url: linkUrl(url, inputs, writePlace(page.next)) };
  const shown = withBalances(marked(account), answer);
  const exactNumbers = findExact(shown);
  const resources = [
    ...page.versions.map((version) => parseJson(String(version.body))),
    { value: unmarkExact(shown), exactNumbers },
  ];
  const bundle = {
    resourceType: 'Bundle',
    type: 'searchset',
    link: [{ relation: 'self', url: linkUrl(url, inputs) }, ...(next ? [next] : [])],
    entry: resources.map(({ value }, index) =>
      entryOf(baseUrl, value as Resource, index < page.versions.length ? 'match' : 'include'),
    ),
  };
  return { resource: bundle as Bundle, exactNumbers: exactInside(resources) };
}

/** Each resource keeps the texts of its numbers, in its place in the Bundle. */
function exactInside(resources: readonly Pick<ParsedJson, 'exactNumbers'>[]): ExactNumbers {
  const inside = new Map<string, string>();
  for (const [index, { exactNumbers = [] }] of resources.entries()) {
    for (const [pointer, text] of exactNumbers) inside.set(`/entry/${index}/resource${pointer}`, text);
  }
  return inside;
}

function entryOf(baseUrl: string, resource: Resource, mode: 'match' | 'include') {
  return { fullUrl: `${baseUrl}/${resource.resourceType}/${resource.id}`, resource, search: { mode } };
}

/** With the texts of its numbers in their places. */
function marked({ body }: StoredVersion): Resource {
  const { value, exactNumbers } = parseJson(String(body));
  return markExact(value, exactNumbers) as Resource;
}

function withBalances(resource: Resource, { opening, closing, currency }: LedgerAnswer): Resource {
  const { extension = [], ...rest } = resource as Account;
  const balances = [
    ...balanceExtensions(extensionUrls.openingBalance, opening, currency),
    ...balanceExtensions(extensionUrls.closingBalance, closing, currency),
  ];
  return { ...rest, extension: [...extension, ...balances] };
}

function balanceExtensions(url: string, balances: readonly AccountBalance[], currency: string): Extension[] {
  return orNothing(balances, currency).map((balance) => ({ url, valueMoney: exactMoney(balance) }));
}

function linkUrl(url: string, inputs: OperationInputs, cursor?: string): string {
  const query = new URLSearchParams();
  for (const [name, values] of inputs) for (const { value } of values) query.append(name, String(value));
  if (cursor !== undefined) query.set('_cursor', cursor);
  return query.size === 0 ? url : `${url}?${query}`;
}
