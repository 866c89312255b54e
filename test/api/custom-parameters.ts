// What tests of a tenant's own search parameters share: how one is written, when it is ready, what it finds.

import { setTimeout as delay } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { TestResponse, TestServer, TestTenant } from '../support/server.ts';

export interface ParameterFacts {
  readonly code: string;
  readonly type: string;
  readonly base: readonly string[];
  readonly expression?: string | undefined;
  readonly [element: string]: unknown;
}

export function searchParameter({ code, ...facts }: ParameterFacts) {
  return {
    resourceType: 'SearchParameter',
    url: `http://example.org/SearchParameter/${code}`,
    name: 'Custom',
    status: 'active',
    description: 'For a test.',
    code,
    ...facts,
  };
}

export interface TestResource {
  readonly resourceType: string;
  readonly [element: string]: unknown;
}

export async function make(tenant: TestTenant, body: TestResource): Promise<string> {
  const answer = await tenant.request('POST', `/${body.resourceType}`, body);
  expect([answer.status, answer.text]).toEqual([201, expect.any(String)]);
  return answer.json.id;
}

/** Resolves with the id of the SearchParameter when it can be searched by. */
export async function activate(tenant: TestTenant, facts: ParameterFacts): Promise<string> {
  const id = await make(tenant, searchParameter(facts));
  await isReady(tenant, id);
  return id;
}

/** No run can begin before it ends: it might not know yet what the run is for. */
export async function holdTransaction({ app }: TestServer, tenant: TestTenant): Promise<{ end(): Promise<void> }> {
  const { promise: end, resolve: finish } = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const transaction = app.doors.tenantDoor(tenant.id, async (trx) => {
    await trx.query({ text: 'SELECT 1' });
    begun.resolve();
    await end;
  });
  await begun.promise;
  return {
    async end() {
      finish();
      await transaction;
    },
  };
}

interface StatusPart {
  readonly name: string;
  readonly part: readonly { readonly name: string; readonly [value: string]: unknown }[];
}

/** The parts of this name in the answer of $reindex-status, each as its values by name. */
export async function statusOf(tenant: TestTenant, name: 'run' | 'searchParameter') {
  const { json, status } = await tenant.request('GET', '/$reindex-status');
  expect(status).toBe(200);
  const parts = ((json.parameter ?? []) as StatusPart[]).filter((one) => one.name === name);
  return parts.map(({ part }) =>
    Object.fromEntries(part.map(({ name: key, ...value }) => [key, Object.values(value)[0]])),
  );
}

export async function stateOf(tenant: TestTenant, id: string): Promise<unknown> {
  const all = await statusOf(tenant, 'searchParameter');
  return all.find(({ reference }) => (reference as { reference: string }).reference === `SearchParameter/${id}`)?.state;
}

/** Looks again and again until the parameter can be searched by; the test's time limit is the bound. */
export async function isReady(tenant: TestTenant, id: string): Promise<void> {
  while ((await stateOf(tenant, id)) !== 'ready') await delay(20);
}

/** Each process may answer by what it knew a moment before. */
export async function isRefused(tenant: TestTenant, path: string): Promise<void> {
  while ((await tenant.request('GET', path, undefined, { Prefer: 'handling=strict' })).status !== 400) await delay(20);
}

/** Until nothing is left to index. */
export async function isIndexed(tenant: TestTenant): Promise<void> {
  while ((await statusOf(tenant, 'run')).some(({ state }) => state !== 'done')) await delay(20);
}

export async function idsFound(tenant: TestTenant, path: string): Promise<string[]> {
  return idsIn(await tenant.request('GET', path, undefined, { Prefer: 'handling=strict' })).sort();
}

export function idsIn({ status, json, text }: TestResponse): string[] {
  if (status !== 200) throw new Error(`Search: ${status} ${text}`);
  return ((json.entry ?? []) as { resource: { id: string } }[]).map(({ resource }) => resource.id);
}
