// Virtual users: each asks, reads the answer, thinks for a second and asks again.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Bundle } from '@medplum/fhirtypes';
import { Client } from 'undici';
import { requireStatus, send } from '../bench/driver.ts';
import type { FhirApi } from '../bench/fhir-api.ts';
import { percentile } from '../bench/measure.ts';
import type { ClinicQuery } from './queries.ts';

export interface UserPlan {
  readonly users: number;
  readonly thinkMs: number;
  /** What is asked in these is not counted: a server that runs for days has compiled its code, and its connections have plans. */
  readonly warmUpSeconds: number;
  /** Behind them. */
  readonly seconds: number;
}

export interface QueryFigures {
  readonly name: string;
  readonly asked: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** Every answer's status is checked, and of one in so many the entries: parsing all would make this process wait. */
const bodyCheckEvery = 10;

/** Those the server answers; tells why it does not answer the others. */
export async function offeredOf(
  api: FhirApi,
  queries: readonly ClinicQuery[],
  report: (line: string) => void,
): Promise<ClinicQuery[]> {
  const offered: ClinicQuery[] = [];
  for (const query of queries) {
    const { status, body } = await askStrictly(api, query.path(pickBelow));
    if (status >= 500) throw new Error(`${query.name} was answered ${status}: ${reasonIn(body)}`);
    if (status === 200) offered.push(query);
    else report(`skipped, ${status}: ${query.name}: ${reasonIn(body)}`);
  }
  return offered;
}

/** A parameter that is left out would be measured as if it were answered. */
async function askStrictly(api: FhirApi, path: string): Promise<{ status: number; body: string }> {
  const response = await fetch(`${api.origin}${api.basePath}${path}`, {
    headers: { authorization: await api.authorization(), prefer: 'handling=strict' },
  });
  return { status: response.status, body: await response.text() };
}

function reasonIn(body: string): string {
  try {
    const { issue } = JSON.parse(body) as { issue?: readonly { readonly diagnostics?: string }[] };
    return issue?.[0]?.diagnostics ?? '';
  } catch {
    return '';
  }
}

const pickBelow = (below: number) => Math.floor(Math.random() * below);

export async function measureUsers(
  api: FhirApi,
  queries: readonly ClinicQuery[],
  { users, thinkMs, warmUpSeconds, seconds }: UserPlan,
): Promise<QueryFigures[]> {
  const latenciesMs = new Map(queries.map(({ name }) => [name, [] as number[]]));
  const deck = queries.flatMap((query) => Array.from({ length: query.weight }, () => query));
  const startedAt = performance.now();
  const countedFrom = startedAt + warmUpSeconds * 1_000;
  const endAt = countedFrom + seconds * 1_000;
  // All of one second, they would come in waves.
  const thinkingMs = () => thinkMs * (0.5 + Math.random());
  const runUser = async () => {
    const user = openUser(api);
    await sleep(thinkingMs());
    while (performance.now() < endAt) {
      const query = deck[pickBelow(deck.length)] as ClinicQuery;
      const askedAt = performance.now();
      const tookMs = await user.ask(query);
      if (askedAt >= countedFrom) latenciesMs.get(query.name)?.push(tookMs);
      await sleep(thinkingMs());
    }
    await user.leave();
  };
  await Promise.all(Array.from({ length: users }, runUser));
  return [...latenciesMs].map(([name, all]) => {
    return { name, asked: all.length, p50Ms: percentile(all, 0.5), p95Ms: percentile(all, 0.95) };
  });
}

/** With a connection of its own, as a browser has. */
function openUser(api: FhirApi) {
  const client = new Client(api.origin, { pipelining: 1 });
  const pages = new Map<string, { readonly path: string; readonly depth: number }>();
  let asked = 0;
  return {
    async ask(query: ClinicQuery): Promise<number> {
      const page = pages.get(query.name);
      const path = page?.path ?? api.basePath + query.path(pickBelow);
      const authorization = await api.authorization();
      const sentAt = performance.now();
      const answer = await send(client, authorization, { method: 'GET', path });
      const tookMs = performance.now() - sentAt;
      requireStatus({ method: 'GET', path, status: 200 }, answer);
      asked += 1;
      if (query.pagesDeep !== undefined || asked % bodyCheckEvery === 0) {
        const bundle = JSON.parse(answer.body()) as Bundle;
        requireEntries(query, bundle, page !== undefined);
        keepNext(query, bundle, page?.depth ?? 0);
      }
      return tookMs;
    },
    leave: () => client.close(),
  };

  function keepNext(query: ClinicQuery, bundle: Bundle, depth: number): void {
    const next = bundle.link?.find(({ relation }) => relation === 'next')?.url;
    const goesOn = next !== undefined && depth + 1 < (query.pagesDeep ?? 0);
    if (!goesOn) pages.delete(query.name);
    else pages.set(query.name, { path: next.slice(next.indexOf(api.basePath)), depth: depth + 1 });
  }
}

/** The last page of several may hold less. */
function requireEntries({ name, entriesMin = 0 }: ClinicQuery, { entry = [] }: Bundle, isFurtherPage: boolean): void {
  if (entry.length >= entriesMin || isFurtherPage) return;
  throw new Error(`${name}: ${entry.length} entries came, not ${entriesMin} or more.`);
}
